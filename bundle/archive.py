"""Zips that come out the same, byte for byte, whenever they are made."""

import zipfile
from pathlib import Path


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """A zip whose bytes depend on its members alone: sorted, without times, stored, since pictures are packed already."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name)
            info.create_system = 3  # otherwise the bytes tell Windows from the rest
            archive.writestr(info, members[name])
