"""The published files of a full set: found in a folder or fetched into one, and checked against their sums."""

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from workshop_utils.data.archives import GZIP, archive_files, files_below, gunzip
from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.data.download import fetch, fetch_from_kaggle, has_sum, is_whole
from workshop_utils.data.picture_files import SUFFIXES
from workshop_utils.errors import DamagedFile
from workshop_utils.paths import data_home


class PublishedFiles:
    """The files of a full set, as its reader asks for them.

    root: the user's folder with the official files, packed or not, or one of them; without it they are kept in `data_home`
    and fetched if `download`. Files in a user's folder that are not the published ones, such as smaller cuts, are read, and
    named in `unofficial`. cache: where a reader may keep what it made of them.
    """

    def __init__(self, card: DatasetCard, root: Path | None, download: bool):
        self.card, self.own = card, root is not None
        self.cache = data_home() / card.name
        self.folder, self.download = root or self.cache, download and not self.own
        self.unofficial: list[str] = []

    def contents(self, *names: str) -> list[bytes]:
        """The bytes of these unpacked files.

        Raises DamagedFile if an archive is not whole, FileNotFoundError if one is missing, ConnectionError if no host
        delivers it.
        """
        found = self._find(names)
        if found is None and self.download:
            obtain(self.card, names, self.folder)
            found = self._find(names)
        if found is None:
            raise self._missing([file.name for file in _holding(self.card, names)])
        return [found[name] for name in names]

    def pictures(self) -> Path:
        """The archive, or the folder, of a set of picture files: as published, or as Kaggle has it."""
        (published,) = self.card.files
        names = [published.name, *self._kaggle_archives()]
        if self.own and self.folder.is_file():
            return self.folder
        for place in (self.folder / name for name in names):
            sound = self.own or place.name != published.name or is_whole(place, published)
            if place.is_file() and sound:
                return place
        below = files_below(self.folder) if self.folder.is_dir() else ()
        if any(os.path.splitext(file.name)[1].lower() in SUFFIXES for file in below):
            return self.folder
        if not self.download:
            raise self._missing(names)
        obtain(self.card, [], self.folder)
        self.download = False
        return self.pictures()

    def explain_unofficial(self, split: str, count: int, announce: bool) -> None:
        """Says that a cut was read, if `announce`. Raises DamagedFile if it has as many pictures as what was published."""
        whole, named = self.card.splits[split], ", ".join(self.unofficial)
        if count == whole:
            raise DamagedFile(
                f"Damaged in '{self.folder}': {named}. The sum is not the published one. Get it again."
            )
        if announce:
            print(
                f"Not as published, and read as it is, in '{self.folder}': {named}. "
                f"{count:,} {split} pictures instead of {whole:,}."
            )

    def _find(self, names: Sequence[str]) -> dict[str, bytes] | None:
        """The bytes of every unpacked file, or None if one is missing.

        Only files in the user's own folder may have another sum. Unpacked files come before archives.
        """
        found: dict[str, bytes] = {}
        others: dict[str, set[bytes]] = {name: set() for name in names}
        for path, packed in self._places(names):
            try:
                contents = _unpacked(path, names, packed)
            except DamagedFile:
                if self.own:
                    raise
                continue  # a damaged copy in our own folder is fetched again
            for name, raw in contents.items():
                (published,) = (file.contents[name] for file in _holding(self.card, [name]))
                if has_sum(io.BytesIO(raw), published):
                    found[name] = raw
                else:
                    others[name].add(raw)
            if len(found) == len(names):
                return found
        rest = [name for name in names if name not in found]
        if not self.own or not all(others[name] for name in rest):
            return None
        for name in rest:
            if len(others[name]) > 1:
                raise ValueError(
                    f"'{self.folder}' holds {len(others[name])} different files called {name}. Give the folder of one of them as root=."
                )
            found[name] = others[name].pop()
        self.unofficial += rest
        return found

    def _places(self, names: Sequence[str]) -> list[tuple[Path, bool]]:
        """Where files of these names, or archives with them, lie; and whether each is an archive."""
        archives = [file.name for file in _holding(self.card, names) if file.name not in names]
        files = files_below(self.folder) if self.folder.is_dir() else []
        paths = [self.folder] if self.folder.is_file() else [Path(file) for file in files]
        wanted = [(name, False) for name in names]
        wanted += [(name, True) for name in (*archives, *self._kaggle_archives())]
        places = [
            (path, packed)
            for name, packed in wanted
            for path in paths
            if _plain(path.name) == _plain(name)
        ]
        return places or [(path, True) for path in paths if path == self.folder]

    def _kaggle_archives(self) -> list[str]:
        """What a set that was downloaded from Kaggle's page, or with Kaggle's command, is called."""
        name = self.card.kaggle.rpartition("/")[2]
        return ["archive.zip", f"{name}.zip"] if name else []

    def _missing(self, names: Sequence[str]) -> FileNotFoundError:
        return FileNotFoundError(
            f"'{self.folder}' does not hold {', '.join(names)} of {self.card.title} as published, packed or unpacked. "
            f"Put it there ({self.card.homepage}), or let {self.card.how} fetch it."
        )


def _holding(card: DatasetCard, names: Sequence[str]) -> list[RemoteFile]:
    """The published files in which files of these names are."""
    return [file for file in card.files if file.contents.keys() & set(names)]


def _plain(name: str) -> str:
    """A name without what browsers and file managers change in it: "(1)", dots for dashes, capitals."""
    return re.sub(r"\(\d+\)|[^a-z0-9]", "", name.lower())


def _unpacked(path: Path, names: Sequence[str], packed: bool) -> dict[str, bytes]:
    """The bytes of those files of an archive that have one of these names; of a file that is none its own."""
    wanted = {_plain(name): name for name in names}
    own = wanted.get(_plain(path.name)) or wanted.get(_plain(path.name).removesuffix("gz"))
    if not packed and own:
        return {own: path.read_bytes()}
    if own:  # a browser may have unpacked it and kept its name
        raw = path.read_bytes()
        return {own: gunzip(raw, path.name) if raw[:2] == GZIP or raw[:1] != b"\0" else raw}
    files = archive_files(path, lambda file: _plain(file.name) in wanted)
    return {
        wanted[_plain(file.name)]: read()
        for file, read in files.items()
        if _plain(file.name) in wanted
    }


def obtain(card: DatasetCard, names: Sequence[str], folder: Path) -> None:
    """Brings the published files that hold these unpacked ones, or all of them, into a set's folder.

    Raises ConnectionError if no host delivers one.
    """
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
        f"or put {' and '.join(file.name for file in card.files)} into '{folder}' by hand ({card.homepage})."
    )
