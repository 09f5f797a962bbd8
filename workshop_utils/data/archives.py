"""Files in folders and archives: found, unpacked in memory, and never more of them than is sound.

Names of members are only names here, so that none can point outside of its archive.
"""

import gzip
import io
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from workshop_utils.errors import DamagedFile
from workshop_utils.paths import reading

GZIP = b"\x1f\x8b"  # how a gzip file begins
PACKED_TAR, OTHER_ARCHIVES = (GZIP, b"BZh", b"\xfd7zXZ\0"), (b"7z\xbc\xaf", b"Rar!")
TAR_NAME = re.compile(r"\.(tar(\.\w+)?|tgz|tbz2?|txz)$", re.IGNORECASE)
# Bytes: a small archive can promise terabytes. No published file unpacks to half a gibibyte.
UNPACKED_AT_MOST, FILE_AT_MOST, ARCHIVE_AT_MOST = 1 << 29, 200_000_000, 2_000_000_000

Files = dict[PurePosixPath, Callable[[], bytes]]  # relative name -> function that reads the file
# The same as pairs: one name may occur twice.
FilePairs = Sequence[tuple[PurePosixPath | str, Callable[[], bytes]]]


def files_below(
    folder: str | Path,
    above: tuple[str, ...] = (),
    *,
    but: str = "incoming",
    odd: Callable[[str, str], None] = lambda path, why: None,
) -> Iterator[os.DirEntry]:
    """Every file below a folder, but not in its folder `but`: there downloads are on their way.

    odd: told each folder below that is passed over, (path, why): it may not be opened, or is empty. Raises OSError, in a
    sentence, if the folder itself may not be opened.
    """
    above = (*above, os.path.realpath(folder))
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        if len(above) == 1:
            with reading(Path(folder)):
                raise
        return odd(os.fspath(folder), f"cannot be opened ({error.strerror})")
    if not entries:
        odd(os.fspath(folder), "is empty")
    for entry in entries:
        if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
            own, left = os.path.realpath(entry.path), len(above) == 1 and entry.name == but
            # links can lead in a circle, or many times to one place
            again = own in above or (entry.is_symlink() and own.startswith(above[0] + os.sep))
            if not again and not left:
                yield from files_below(entry.path, above, odd=odd)
        else:
            yield entry


def gunzip(raw: bytes, name: str) -> bytes:
    """The content of a gzip file. Raises DamagedFile if it is not whole or unpacks to more than any published file."""
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            content = file.read(UNPACKED_AT_MOST + 1)
    except (OSError, EOFError, zlib.error):
        raise DamagedFile(f"'{name}' is not a whole gzip file. Get it again.") from None
    if len(content) > UNPACKED_AT_MOST:
        raise DamagedFile(
            f"'{name}' unpacks to more than {UNPACKED_AT_MOST:,} bytes. Get it again, from another place."
        )
    return content


def archive_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises DamagedFile if they are too many for the memory, OSError, in a sentence, if it may not be opened."""
    with reading(path):
        if path.stat().st_size > ARCHIVE_AT_MOST:
            raise DamagedFile(
                f"'{path.name}' has {path.stat().st_size:,} bytes, more than is read as an archive. Unpack it, and give the folder."
            )
        return path.read_bytes()


def unpacked(raw: bytes, name: str, wanted: Callable[[PurePosixPath], bool]) -> Files:
    """The wanted files of a zip or tar, packed or not, whatever it is called. Raises DamagedFile if it is none, or not whole."""
    if raw.startswith(OTHER_ARCHIVES):
        raise DamagedFile(
            f"'{name}' is a 7z or rar archive, which is not read here. Unpack it, and give the folder, or pack it as a zip."
        )
    if raw.startswith(PACKED_TAR) or raw[257:262] == b"ustar" or TAR_NAME.search(name):
        return tar_files(raw, name, wanted)
    return {file: read for file, read in zip_files(raw, name).items() if wanted(file)}


def zip_files(raw: bytes, name: str) -> Files:
    """The files in a zip, read from memory."""
    try:
        archive = ZipFile(io.BytesIO(raw))
        infos = [info for info in archive.infolist() if not info.is_dir()]
        members = {_inside(_name(info)): info for info in infos}
    except Exception:  # a directory of arbitrary bytes fails in many ways
        raise DamagedFile(
            f"'{name}' is not a zip file, or not a whole one. Make or download it again."
        ) from None
    return {path: partial(_unzip, archive, info) for path, info in members.items() if path.parts}


def _inside(name: str) -> PurePosixPath:
    """A member's name below its archive, whatever it says: `/tmp/cats/1.png` and `../cats/1.png` lie in no other place."""
    parts = PurePosixPath(name.replace("\\", "/").lstrip("/")).parts
    return PurePosixPath(*(part for part in parts if part != ".."))


def _name(info: ZipInfo) -> str:
    """A member's name; macOS and others write UTF-8 and do not say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _unzip(archive: ZipFile, member: ZipInfo) -> bytes:
    """One member, of the two kinds that unpack piece by piece; what its header says about its size may be a lie."""
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise DamagedFile("is packed in a way that is not read here (only stored and deflated are)")
    try:
        with archive.open(member) as file:
            content = file.read(FILE_AT_MOST + 1)
    except Exception as error:  # damaged, cut, or with a password
        raise DamagedFile(f"cannot be unpacked ({error})") from None
    if len(content) > FILE_AT_MOST:
        raise DamagedFile(f"has more than {FILE_AT_MOST:,} bytes, the limit")
    return content


def tar_files(raw: bytes, name: str, wanted: Callable[[PurePosixPath], bool]) -> Files:
    """The wanted files of a tar, packed or not, read into memory in one pass; links are left out."""
    found: Files = {}
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r|*") as archive:
            for member in archive:
                path = _inside(member.name)
                if not member.isreg() or member.issparse() or not wanted(path):
                    continue
                total += member.size
                if member.size > FILE_AT_MOST or total > ARCHIVE_AT_MOST:
                    raise DamagedFile(
                        f"'{name}' unpacks to more than is read here: '{member.name}' has {member.size:,} bytes, {total:,} came so far."
                    )
                if file := archive.extractfile(member):
                    found[path] = partial(bytes, file.read())
    except DamagedFile:
        raise
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        sentence = f"'{name}' is not a tar archive, or not a whole one. Get it again."
        raise DamagedFile(sentence) from None
    return found
