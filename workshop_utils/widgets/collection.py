"""A person's own pictures: kept in a folder, learned from, judged by those that were left out, and asked about."""

import io
import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms.v2.functional import to_pil_image

from workshop_utils import paths, transfer
from workshop_utils.data import DamagedFile, ImageDataset
from workshop_utils.data.picture_files import (
    LeftOut,
    class_of,
    doubt,
    picture_files,
    split_folders,
    told,
)
from workshop_utils.data.pictures import decode, fingerprint
from workshop_utils.evaluation import Predictions, predict
from workshop_utils.models.modes import copied
from workshop_utils.progress import progress

FILE_AT_MOST, PICTURES_AT_MOST = 20_000_000, 500  # bytes, and pictures
DEVICES = r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)"

Given = list[tuple[str, Callable[[], bytes]]]  # names of files, and functions that read one each
Labelled = list[tuple[str, Tensor]]  # classes and pictures


class Collection:
    """A person's pictures, which live in a folder with one folder a class, and the classifier that was made of them.

    net: a pretrained net, of which a copy is kept: what happens to it later changes nothing here. folder: where squares of as
    many pixels as the net scales pictures to are kept, without what a camera writes into its files; whatever lies in it counts.
    examples: pictures that stand in as long as the folder holds none.
    """

    def __init__(self, net: nn.Module, examples: ImageDataset | None, folder: str | Path):
        self.net, self.folder = copied(net), Path(folder)
        self.side: int = getattr(getattr(net, "preprocess", None), "resize", 224)
        self.classifier: Any = None  # a net with .classes, .threshold and .preprocess
        self.score: Predictions | None = None  # for pictures that it did not learn from
        self.asked: list[Tensor] = []
        self.answers: Predictions | None = None  # for those; the labels mean nothing
        self.said = ""  # sentences about what was given or learned last
        self._stamp = 0  # names the picture that was kept last
        self._tests: Labelled = []  # of a folder that has its own part for testing
        self._decoded: dict[str, Tensor | None] = {}  # CLASS/FILE; None: cannot be read
        self._examples: dict[str, list[Tensor]] = {}
        if examples is not None:
            for number in range(len(examples)):
                picture, label = examples[number]
                self._examples.setdefault(examples.classes[label], []).append(picture)

    @property
    def pictures(self) -> dict[str, list[Tensor]]:
        """(3, side, side) uint8 pictures by class, or the examples as they came."""
        return {label: [*found.values()] for label, found in self._kept().items()} or self._examples

    @property
    def unreadable(self) -> list[str]:
        """The files of the folder that are no pictures, or not whole."""
        return [name for name, picture in self._own().items() if picture is None]

    def add(self, files: dict[str, Given]) -> None:
        """Keeps pictures, by class; those that cannot be read are named in `said`, and one that is there already counts once.

        Raises ValueError, and keeps none, if the name of a class cannot be a folder's or there are too many.
        """
        self._take([(label, file) for label, given in files.items() for file in given], {})

    def add_folder(self, path: Path, loose: str) -> None:
        """Keeps the pictures of a folder or an archive, as `data.from_folder` finds them. Those of its own part for testing are
        not learned from: they judge what is learned, as long as the kernel lives.

        loose: the class of pictures that lie in no class folder. Raises ValueError, and keeps none, if there are too many.
        """
        files, left_out = picture_files(path)
        label = lambda name: class_of(name) if name.parts[1:] else loose
        parts = split_folders(path, files, left_out)
        train, *tests = (
            [(label(name), (str(name), read)) for name, read in part] for part in parts
        )
        self._take(train, left_out, *tests)
        if words := doubt([name for name, _ in parts[0] if name.parts[1:]]):
            self.said += f" {words}"

    def take_back(self, label: str, number: int) -> None:
        """Deletes one picture of a class from the folder. Raises ValueError for an example, which is not in it."""
        if not (kept := self._kept()):
            raise ValueError("These are examples; they go as soon as there is a picture of yours.")
        (self.folder / [*kept[label]][number]).unlink()
        self.classifier, self.said = None, f" One of '{label}' was taken back."

    def train(self) -> None:
        """Makes a classifier of all pictures, and judges it. Raises ValueError for fewer than two classes."""
        pictures, tests = self.pictures, self._tests
        if len(pictures) < 2:
            are = "there is one class" if pictures else "there are none"
            raise ValueError(f"A classifier needs pictures of two classes or more; {are} yet.")
        classes = tuple(pictures)
        labelled = [(label, picture) for label, found in pictures.items() for picture in found]
        self.classifier = transfer.classifier(self.net, _dataset(labelled, classes))
        self.asked, self.said = [], ""
        self.score, how = self.classifier.left_out, "Left out in turn"
        if tests:
            how = "In the folder's own part for testing"
            known = {one_class(label): label for label in classes}
            tests = [(known.get(one_class(label), ""), picture) for label, picture in tests]
            tests = [(label, picture) for label, picture in tests if label]
            self.score = predict(self.classifier, _dataset(tests, classes)) if tests else None
            if others := len(self._tests) - len(tests):
                self.said = f" Left out of it, for nothing was given to learn their classes from: {others} pictures."
        if self.score:
            right = int((self.score.predicted == self.score.labels).sum())
            self.said += f" {how}, {right} of {len(self.score.labels)} are right."
        if alone := [label for label, found in pictures.items() if len(found) == 1]:
            self.said += f" '{alone[0]}' has one picture, which cannot be left out: probabilities are not calibrated, and 'none looks likely' is never said. Give it a second."
        if self._kept():
            self.said += f" The same in code: train, test = data.from_folder('{self.folder}', size=net.preprocess.resize, test_fraction=0); transfer.classifier(net, train)."

    def ask(self, files: Given) -> None:
        """Classifies pictures; those that cannot be read are named in `said`. Raises ValueError before training, and if none can be read."""
        classes, left_out = self.trained().classes, LeftOut()
        asked = self._read([(classes[0], file) for file in files], left_out)
        if not asked:
            raise ValueError(f"There is no picture to classify.{told(left_out)}")
        self.answers = predict(self.classifier, _dataset(asked, classes))
        self.asked, self.said = [picture for _, picture in asked], told(left_out)

    def trained(self) -> Any:
        """The classifier. Raises ValueError before training."""
        if self.classifier is None:
            raise ValueError("Press 'Train' first: there is no head for these classes yet.")
        return self.classifier

    def _take(self, files: list, left_out: LeftOut, tests: list | None = None) -> None:
        """Keeps what can be read and is new: a picture given twice would be learned from twice, and tell on itself."""
        files, tests = (
            [(class_name(label), file) for label, file in part] for part in (files, tests or [])
        )
        if len(self._own()) + len(files) + len(tests) > PICTURES_AT_MOST:
            more = "For more, data.from_folder is the way."
            raise ValueError(f"{PICTURES_AT_MOST} pictures are the limit here. {more}")
        known = {
            (one_class(label), fingerprint(picture))
            for label, found in self._kept().items()
            for picture in found.values()
        }

        def new(part: list) -> Labelled:
            read = self._read(part, left_out)
            keys = [(one_class(label), fingerprint(picture)) for label, picture in read]
            fresh = {key: one for key, one in zip(keys, read) if key not in known}
            known.update(fresh)
            twice.append(len(read) - len(fresh))
            return [*fresh.values()]

        twice: list[int] = []
        for label, picture in new(files):
            file = io.BytesIO()
            to_pil_image(picture).save(file, "PNG")
            # two pictures may come within one tick of a coarse clock
            self._stamp = max(time.time_ns(), self._stamp + 1)
            paths.write(self.folder / label / f"{self._stamp}.png", file.getvalue())
        if tests:
            self._tests = new(tests)
        self.classifier, self.said = None, told(left_out)
        if sum(twice):
            self.said += f" Given twice, and counted once: {sum(twice)}."

    def _read(self, files: list, left_out: LeftOut) -> Labelled:
        """Pictures of (class, (name, function that reads)); what cannot be read is told."""
        found: Labelled = []
        for label, (name, read) in progress(files):
            try:
                if len(raw := read()) > FILE_AT_MOST:
                    raise DamagedFile(f"is larger than the {FILE_AT_MOST:,} bytes taken here")
                found.append((label, decode(raw, self.side)))
            except (DamagedFile, OSError) as error:
                left_out[PurePosixPath(name)] = str(error)
        return found

    def _kept(self) -> dict[str, dict[str, Tensor]]:
        """The pictures of the folder by class, and in it by CLASS/FILE."""
        found: dict[str, dict[str, Tensor]] = {}
        spelled: dict[str, str] = {}
        for name, picture in self._own().items():
            if picture is not None:
                label = name.partition("/")[0]
                label = spelled.setdefault(one_class(label), label)
                found.setdefault(label, {})[name] = picture
        return found

    def _own(self) -> dict[str, Tensor | None]:
        """What the folder holds now, each file decoded once."""
        try:
            found, _ = picture_files(self.folder)
        except (FileNotFoundError, ValueError):  # nothing was kept yet
            return {}
        files = {str(path): read for path, read in found.items() if len(path.parts) > 1}
        for name in files.keys() - self._decoded.keys():
            try:
                self._decoded[name] = decode(files[name](), self.side)
            except DamagedFile:
                self._decoded[name] = None
        return {name: self._decoded[name] for name in files}


def _dataset(labelled: Labelled, classes: tuple[str, ...]) -> ImageDataset:
    labels = torch.tensor([classes.index(label) for label, _ in labelled])
    images = torch.stack([picture for _, picture in labelled])
    return ImageDataset(images, labels, classes, name="your pictures")


def one_class(label: str) -> str:
    """What "Ants" and "ants" have in common: where systems take them for one folder, they are one class."""
    return unicodedata.normalize("NFC", label).casefold()


def class_name(text: str) -> str:
    """The name of a class, which becomes a folder's. Raises ValueError for one that some system does not take as such."""
    name = unicodedata.normalize("NFC", text).strip()
    written = re.fullmatch(r'(?!\.)[^/\\:*?"<>|\x00-\x1f]{1,60}(?<!\.)', name)
    if not written or re.match(DEVICES, name):
        raise ValueError(
            f"Give the class a short name without a dot at either end, without / \\ : * ? \" < > |, and none that Windows keeps for devices; this is '{name}'."
        )
    return name
