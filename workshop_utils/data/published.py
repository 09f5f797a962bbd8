"""The published files of a full set: found in a folder or fetched into one, and checked against their sums."""

import hashlib
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from workshop_utils.data.archives import GZIP, archive_bytes, files_below, gunzip, unpacked
from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.data.download import fetch, fetch_from_kaggle, is_whole
from workshop_utils.data.picture_files import SUFFIXES
from workshop_utils.data.sets import catalog
from workshop_utils.errors import DamagedFile, reading
from workshop_utils.paths import data_home, there


class PublishedFiles:
    """The files of a full set, as its reader asks for them.

    root: the user's folder with the official files, packed or not, or one of them; without it they are kept in `data_home`
    and fetched if `download`. Files in a user's folder that are not the published ones, such as a smaller cut or a table
    that was saved again, are read, and named in `unofficial`. cache: where a reader may keep what it made of them.
    """

    def __init__(self, card: DatasetCard, root: Path | None, download: bool):
        self.card, self.own = card, root is not None
        self.cache = data_home() / card.name
        self.folder, self.download = root or self.cache, download and not self.own
        there(self.folder)  # or it may not be looked into, which is said
        self.unofficial: list[str] = []
        handle = card.kaggle.rpartition("/")[2]  # the archive from its page, and from its command
        kaggle = ["archive.zip", f"{handle}.zip"] if handle else []
        self.archives = [_plain(name) for name in (*(file.name for file in card.files), *kaggle)]
        self.singles = {_plain(name): name for file in card.files for name in file.contents}
        if root and len(self.singles) == 1:  # a file that was given may have any name
            only = [name for name in self.singles.values() if Path(name).suffix == root.suffix]
            self.singles |= {_plain(root.name): name for name in only}

    def contents(self, *names: str) -> list[bytes]:
        """The bytes of these unpacked files.

        Raises DamagedFile if one is not whole, ValueError if all that is found is another set's, or there are several to
        choose from, FileNotFoundError if one is missing, ConnectionError if no host delivers it.
        """
        found = self._find(names)
        if found is None and self.download:
            obtain(self.card, names, self.folder)
            found = self._find(names)
        if found is None:
            raise self._missing(_holding(self.card, names))
        return [found[name] for name in names]

    def pictures(self) -> Path:
        """The archive, or the folder, of a set of picture files: as published, or as Kaggle has it."""
        (published,) = self.card.files
        if self.own and self.folder.is_file():
            return self.folder
        below = list(files_below(self.folder)) if self.folder.is_dir() else []
        files = [Path(file) for file in below if file.is_file()]
        places = [path for name in self.archives for path in files if _plain(path.name) == name]
        if not self.own:  # what we fetched is as published; what Kaggle sent has no published sum
            sound = is_whole(self.folder / published.name, published)
            places = [path for path in places if sound or path.name != published.name]
        if any(path.suffix.lower() in SUFFIXES for path in files):
            places.append(self.folder)
        elif self.own:
            places += [path for path in files if _is_archive(path) and path not in places]
        if places:
            return next((place for place in places[:-1] if _opens(place)), places[-1])
        if not self.download:
            raise self._missing(self.card.files)
        obtain(self.card, [], self.folder)
        self.download = False
        return self.pictures()

    def explain_unofficial(self, split: str, count: int, announce: bool) -> None:
        """Says that other files than the published ones were read: warns, or prints it of a cut, if `announce`.

        Raises DamagedFile if they hold more pictures than were published.
        """
        whole, where = self.card.splits[split], f"in '{self.folder}': {', '.join(self.unofficial)}."
        said = f"Not as published, and read as it is, {where}"
        again = f"get it again{self.card.where}"
        if count > whole:
            raise DamagedFile(
                f"Damaged {where} {count:,} {split} pictures instead of {whole:,}: {again}."
            )
        if count == whole:
            said += f" The number of pictures is right, the sum is another: unless you saved it anew, {again}."
            warnings.warn(said, stacklevel=4)  # where data.load was called
        elif announce:
            print(f"{said} {count:,} {split} pictures instead of {whole:,}.")

    def _find(self, names: Sequence[str]) -> dict[str, bytes] | None:
        """The bytes of every unpacked file, or None if one is missing.

        A published sum goes before a name. Only files in the user's own folder may have another sum.
        """
        found: dict[str, bytes] = {}
        others: dict[str, set[bytes]] = {name: set() for name in names}
        refusals: list[ValueError | OSError] = []
        for paths in self._places(names):
            wanted = {name for name in names if name not in found and not others[name]}
            for path in paths:
                try:
                    for called, raw in self._held(archive_bytes(path), path.name):
                        owner, name = _published_as(raw, self.card) or (None, called)
                        if owner and owner.name != self.card.name:
                            refusals.append(self._of_another(path, name, owner))
                        elif owner and name in wanted:
                            found[name] = raw
                        elif not owner and name in wanted:
                            others[name].add(raw)
                except (DamagedFile, OSError) as error:
                    if path == self.folder or self._is_known(path.name):
                        refusals.append(error)
                if len(found) == len(names):
                    return found
            if self.own and all(name in found or others[name] for name in names):
                self.unofficial += [name for name in names if name not in found]
                return {name: found.get(name) or self._only(name, others[name]) for name in names}
        if self.own:
            lacking = [name for name in names if name not in found and not others[name]]
            raise (refusals or [self._missing(_holding(self.card, lacking))])[0]
        return None

    def _places(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Where these files may lie, the likeliest first; of the user's folder at last every archive."""
        folder = self.folder
        if folder.is_file():
            yield [folder]
            beside = self._single(folder.name)  # so do the others, then
            below: Iterable[os.DirEntry] = os.scandir(folder.parent) if beside else ()
        else:
            below = files_below(folder) if folder.is_dir() else ()
        files = [Path(file) for file in below if file.is_file()]  # no pipe, no dangling link
        known = [path for path in files if self._is_known(path.name)]
        known.sort(key=lambda path: not self._single(path.name))
        yield [path for path in known if self._single(path.name) in (None, *names)]
        if self.own and folder.is_dir():
            rest = [path for path in files if path in known or _is_archive(path)]
            yield [path for path in rest if self._single(path.name) not in names]

    def _held(self, raw: bytes, name: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) of each file of the set that a file is, or that is packed in it, or in an archive in it."""
        single = self._single(name)
        if single and (raw[:2] != b"PK" or single.endswith(".npz")):
            # browsers unpack and keep the name
            yield single, gunzip(raw, name) if raw[:2] == GZIP else raw
        elif depth < 3:
            files = unpacked(raw, name, lambda file: self._is_known(file.name))
            for file, read in files.items():
                with reading(f"'{file}' in '{name}' is damaged"):
                    member = read()
                yield from self._held(member, file.name, depth + 1)

    def _single(self, name: str) -> str | None:
        """The unpacked file that a file of this name is, or has packed alone."""
        return self.singles.get(_plain(name)) or self.singles.get(_plain(name).removesuffix("gz"))

    def _is_known(self, name: str) -> bool:
        return _plain(name) in self.archives or self._single(name) is not None

    def _only(self, name: str, others: set[bytes]) -> bytes:
        """The one that is no cut-off copy of another."""
        whole = [raw for raw in others if sum(other.startswith(raw) for other in others) == 1]
        if len(whole) > 1:
            raise ValueError(
                f"'{self.folder}' holds {len(whole)} different files called {name}. Give the folder of one of them as root=."
            )
        return whole[0]

    def _of_another(self, path: Path, name: str, owner: DatasetCard) -> ValueError:
        return ValueError(
            f"'{path}' holds {name} of {owner.title}, not of {self.card.title}. Give the folder with the files of {self.card.title} as "
            f'root=, or load these with data.load("{owner.name}", root=...).'
        )

    def _missing(self, files: Sequence[RemoteFile]) -> FileNotFoundError:
        return FileNotFoundError(
            f"'{self.folder}' does not hold {', '.join(file.name for file in files)} of {self.card.title} as published, packed or unpacked. "
            f"Put it there{self.card.where}, or let {self.card.how} fetch it."
        )


def _holding(card: DatasetCard, names: Sequence[str]) -> list[RemoteFile]:
    """The published files in which files of these names are."""
    return [file for file in card.files if file.contents.keys() & set(names)]


def _published_as(raw: bytes, card: DatasetCard) -> tuple[DatasetCard, str] | None:
    """The set, this one or another, and the name in it, of an unpacked file that has a published sum."""

    @cache  # each kind of sum once, and only where a set has it: a file can have hundreds of megabytes
    def digest(kind: str) -> str:
        return hashlib.new(kind, raw, usedforsecurity=False).hexdigest()

    for one in (card, *catalog()):
        for file in one.files:
            for name, published in file.contents.items():
                kind, _, sum = published.partition(":")
                if digest(kind) == sum:
                    return one, name
    return None


def _plain(name: str) -> str:
    """A name without what browsers and file managers change in it: "(1)", "copy of", dots for dashes, capitals."""
    added = r"\(\d+\)|\.\d$|\bcopy( of)?\b|[^a-z0-9]"
    # macOS puts hidden files beside others, under their names
    return "" if name.startswith(".") else re.sub(added, "", name.lower())


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz"))


def _opens(archive: Path) -> bool:
    try:
        unpacked(archive_bytes(archive), archive.name, lambda file: False)
    except DamagedFile:
        return False
    return True


def obtain(card: DatasetCard, names: Sequence[str], folder: Path) -> None:
    """Brings the published files that hold these unpacked ones, or all, into a set's folder. Raises ConnectionError if no host delivers one."""
    try:
        for file in _holding(card, names) if names else card.files:
            fetch(file, folder, card.name)
        return
    except ConnectionError as error:
        reasons = [str(error)]
    if card.kaggle:
        try:
            return fetch_from_kaggle(card.kaggle, card.files, folder)
        except ConnectionError as error:
            reasons.append(str(error))
    instead = 'data.load("fashion-mnist") works without a network'
    if card.bundled:
        instead = f'data.load("{card.name}") is the cut that comes with the course'
    raise ConnectionError(
        f"The full {card.title} is not on this computer and could not be fetched: {'; '.join(reasons)}. {instead}; "
        f"or put {' and '.join(file.name for file in card.files)} into '{folder}' by hand{card.where}."
    )
