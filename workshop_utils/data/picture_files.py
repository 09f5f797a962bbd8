"""Where people's pictures lie: found below a folder or in an archive, sorted into train and test where their folders say so."""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from workshop_utils.data.archives import FILE_AT_MOST, Files, archive_bytes, files_below, unpacked
from workshop_utils.errors import DamagedFile
from workshop_utils.paths import there

SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".avif"),
}
BEGINNINGS = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF|BM|II[*+]\0|MM\0[*+]|P[1-6]\s|.{4}ftyp", re.DOTALL
)
# what systems put beside pictures, in small letters, thumbnails among it, and what nobody takes for a picture
SYSTEM = {"__macosx", "$recycle.bin", "system volume information", "@tmp", "@eadir"}
SYSTEM |= {"@recycle", "@recently-snapshot", "@__thumb", "#recycle", "#snapshot"}
TEXTS = {".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".html", ".yaml", ".yml", ".py"}
TEXTS |= {".ipynb", ".db", ".ini", ".url", ".lnk", ".log"}
TRAIN = {"train", "training", "trn"}
TEST = {"test", "testing", "tst", "val", "valid", "validation", "eval", "evaluation", "dev"}

Pictures = list[tuple[PurePosixPath, Callable[[], bytes]]]
LeftOut = dict[PurePosixPath, str]  # what is no picture here -> why


def given(path: str | Path) -> Path:
    """A path as people paste it: with blanks or quotes around, with ~, or as a file:// address."""
    text = str(path)
    with suppress(OSError, RuntimeError):  # too long for a name; a home that nobody has
        if not text or not Path(text).expanduser().exists():
            text = text.strip().strip("\"'“”‘’«»").strip()
        if text.startswith("file:"):
            text = url2pathname(urlsplit(text).path)
        return Path(text or " ").expanduser()  # an empty text would be the folder of the notebook
    return Path(text[:200])


def picture_files(path: Path) -> tuple[Files, LeftOut]:
    """(every picture file below a folder or inside a zip or tar archive, sorted by name; what else lies there, and why it is left out).

    Folders that hold everything else are left off the names, so that `pets/cats/1.jpg` and `cats/1.jpg` mean the same.
    What systems and texts add is passed over. Raises FileNotFoundError without such a path, ValueError without a picture.
    """
    if not there(path):
        raise FileNotFoundError(
            f"There is no folder or zip at '{path}'. Give the path of a folder that holds one folder a class."
        )
    files, left_out = pictures_in(path)
    if not files:
        raise ValueError(
            f"'{path}' holds no pictures ({', '.join(sorted(SUFFIXES))}). Put one folder of pictures for each class into it.{told(left_out)}"
        )
    return _without_common_folder(dict(sorted(files.items()))), left_out


def pictures_in(path: Path) -> tuple[Files, LeftOut]:
    """(the picture files below a folder or inside an archive; what else lies there, and why it is left out).

    Pictures are told by their suffix, or without one by how they begin.
    """
    left_out: LeftOut = {}
    if path.is_dir():
        inside = lambda file: PurePosixPath(Path(file).relative_to(path).as_posix())

        def odd(file: str, why: str) -> None:
            if not _of_the_system(inside(file)):
                left_out[inside(file)] = why

        below = files_below(path, but="", odd=odd)
        found: Files = {inside(file.path): partial(read_file, file.path) for file in below}
    elif not path.is_file():
        raise ValueError(
            f"'{path}' is neither a folder nor a file. Give the path of a folder or a zip."
        )
    elif path.suffix.lower() in SUFFIXES:
        raise ValueError(f"'{path}' is one picture. Give the folder that holds one folder a class.")
    else:
        found = unpacked(archive_bytes(path), path.name, lambda name: not _of_the_system(name))
    pictures: Files = {}
    for name, read in found.items():
        suffix = name.suffix.lower()
        if _of_the_system(name) or suffix in TEXTS:
            continue
        if suffix in SUFFIXES or (not suffix and _begins_like_a_picture(read)):
            pictures[name] = read
        elif suffix:
            left_out[name] = f"{name.suffix} is not read here"
    return pictures, left_out


def read_file(path: str) -> bytes:
    """A file's content. Raises DamagedFile for what is no file, such as a pipe, which would be waited for, or is too large."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise DamagedFile("is no file but a pipe or a device")
    if status.st_size > FILE_AT_MOST:
        raise DamagedFile(f"has {status.st_size:,} bytes, more than the limit of {FILE_AT_MOST:,}")
    return Path(path).read_bytes()


def _begins_like_a_picture(read) -> bool:
    with suppress(DamagedFile, OSError):
        return BEGINNINGS.match(read()) is not None
    return False


def _of_the_system(name: PurePosixPath) -> bool:
    """Whether a file is hidden, or lies where a system keeps its own: macOS in zips, thumbnails of a NAS, bins."""
    return any(part.lower() in SYSTEM or part.startswith(".") for part in name.parts)


def _without_common_folder(files: Files) -> Files:
    while len({name.parts[0] for name in files}) == 1 and all(name.parts[2:] for name in files):
        files = {PurePosixPath(*name.parts[1:]): read for name, read in files.items()}
    return files


def told(left_out: LeftOut) -> str:
    """A sentence about what was left out, counted by folder and reason; nothing if there is nothing."""
    grouped = Counter(
        f"of '{name.parent}' ({why})" if why[0] == "." else f"'{name}' {why}"
        for name, why in left_out.items()
    )
    said = [f"{n} {what}" if what[:2] == "of" else what for what, n in grouped.most_common(8)]
    more = "; ..." * (len(grouped) > 8)
    heic = " Save HEIC as JPEG to have it read." * any(
        name.suffix.lower() in (".heic", ".heif") for name in left_out
    )
    return f" Left out: {'; '.join(said)}{more}.{heic}" if said else ""


def split_folders(path: Path, files: Files, left_out: LeftOut) -> list[Pictures]:
    """[train, test] where folders of these names hold class folders, or lie in every class folder; else [everything].

    A part's own name may say more: `seg_train`, `test_set`, `val_images`. Pictures without a class, as contests give them
    beside the others, are put with what is left out.
    Raises ValueError where folders look like a split and cannot be told from classes.
    """
    parts_below = {_part_of(name.parts[1]) if len(name.parts) > 2 else None for name in files}
    if parts_below == {"train", "test"}:  # cats/train/1.jpg: the split lies below the class
        swapped = [PurePosixPath(name.parts[1], name.parts[0], *name.parts[2:]) for name in files]
        files = dict(sorted(zip(swapped, files.values())))
    tops: dict[str, Files] = {}
    for name, read in files.items():
        tops.setdefault(name.parts[0], {})[PurePosixPath(*name.parts[1:])] = read
    part_of = {top: _part_of(top) for top in tops}
    if not {"train", "test"} <= set(part_of.values()):
        if all(re.fullmatch(r"(cv|fold|split)[ _-]*\d+", top.lower()) for top in tops):
            raise ValueError(
                f"'{path}' holds {_listed(tops)}. Put one fold into a folder test and the others into a folder train."
            )
        return [list(files.items())]
    tops = {top: _without_common_folder(found) for top, found in tops.items()}
    sorted_in = [top for top, found in tops.items() if any(len(name.parts) > 1 for name in found)]
    others = {top for top, part in part_of.items() if not part}
    if not any(part_of[top] == "train" for top in sorted_in):
        if others:  # classes with such names
            return [list(files.items())]
        raise ValueError(
            f"'{path}' has folders for training and for testing without a folder of a class in them: {_listed(tops)}. Put the pictures of each class into a folder named after it."
        )
    if others.intersection(sorted_in):
        raise ValueError(
            f"'{path}' has folders for training and for testing, and others beside them: {_listed(tops)}. Move the others into a part, or away."
        )
    for top in tops.keys() - {*sorted_in}:
        left_out[PurePosixPath(top)] = f"has {len(tops[top])} pictures without a class"
    parts: dict[str | None, Pictures] = {"train": [], "test": []}
    for top in sorted_in:
        parts[part_of[top]] += tops[top].items()
    return [part for part in parts.values() if part]


def doubt(files: list[PurePosixPath]) -> str:
    """A sentence where the classes of these files may be none: one is called like a part of a split, or the same folders come twice."""
    classes = sorted(
        {class_of(name) for name in files}, key=lambda name: (not _part_of(name), name)
    )
    below = Counter(folder for _, folder in {name.parts[:2] for name in files if name.parts[2:]})
    again = sorted(folder for folder, n in below.items() if n + (folder in classes) > 1)
    if not any(map(_part_of, classes)) and len(again) < 2:
        return ""
    few = lambda names: ", ".join(names[:5]) + ", ..." * (len(names) > 5)
    twice = f" Below them the same folders come again: {few(again)}." if again[1:] else ""
    return f"Taken for classes: {few(classes)}.{twice} If they are none, give a folder with one folder a class, or with folders train and test that hold these."


def _listed(tops: Files | dict[str, Files]) -> str:
    return ", ".join(sorted(map(str, tops)))


def _part_of(folder: str) -> str | None:
    """ "train" or "test" where one word of a folder's name says so: trainset, seg_test, ValImages."""
    words = re.findall("[A-Z]?[a-z]+|[A-Z]+", folder)
    words = {re.sub("(.)(sets?|data|images)$", r"\1", word.lower()) for word in words}
    found = [part for part, known in (("train", TRAIN), ("test", TEST)) if words & known]
    return found[0] if len(found) == 1 else None


def class_of(name: PurePosixPath) -> str:
    """The class that a file's folder names; é as one letter or as two, for macOS and Windows disagree, is one class."""
    return unicodedata.normalize("NFC", name.parts[0])
