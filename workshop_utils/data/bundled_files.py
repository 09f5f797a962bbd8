"""The files that come with the course, and how they are checked."""

import hashlib
from pathlib import Path

from workshop_utils.data.archives import gunzip
from workshop_utils.data.cards import DatasetCard
from workshop_utils.errors import DamagedFile

BUNDLED = Path(__file__).with_name("bundled")


class BundledFiles:
    """The files of a cut that comes with the course, as its reader asks for them."""

    unofficial: tuple[str, ...] = ()  # none is read with another sum

    def __init__(self, card: DatasetCard):
        self.folder = BUNDLED / card.name

    def contents(self, *names: str) -> list[bytes]:
        """The bytes of these files: each a member, packed, of the folder of the set, or all of it in one."""
        if not any(name.startswith(f"{self.folder.name}/") for name in sums()):
            return [bundled(name) for name in names]
        packed = [f"{self.folder.name}/{name}.gz" for name in names]
        return [gunzip(bundled(name), name) for name in packed]


def bundled(name: str) -> bytes:
    """The bytes of a file that comes with the course. Raises DamagedFile if it is missing, or has not the sha256 in the list beside it."""
    path = BUNDLED / name
    files = " ".join(
        file.relative_to(BUNDLED.parents[2]).as_posix() for file in (path, BUNDLED / "SHA256SUMS")
    )
    cure = f"Bring it back with: git checkout -- {files} (or download the course again)."
    if not path.is_file():
        raise DamagedFile(f"The bundled file '{name}' is missing. {cure}")
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != sums().get(name):
        raise DamagedFile(
            f"The bundled file '{name}' is damaged: its sha256 is not the published one. {cure}"
        )
    return raw


def verify() -> None:
    """Raises DamagedFile if any of the files that come with the course is missing or damaged."""
    for name in sums():
        bundled(name)


def sums() -> dict[str, str]:
    """Name -> sha256 of every bundled file, as the list beside them states it; the list may be damaged itself."""
    lines = (BUNDLED / "SHA256SUMS").read_text("utf-8", errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
