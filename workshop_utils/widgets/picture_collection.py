"""Can it learn your things? Two classes or more from camera, files or a folder; a head on frozen features; then a new picture."""

import io
import re
import time
import unicodedata
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
import torch
import traitlets
from torch import Tensor, nn
from torchvision.transforms.v2.functional import resize, to_pil_image

from workshop_utils import classifier_page, paths, plots, transfer
from workshop_utils import device as devices
from workshop_utils.data import DamagedFile, ImageDataset
from workshop_utils.data.picture_files import class_of, given, picture_files, split_folders, told
from workshop_utils.data.pictures import decode, fingerprint
from workshop_utils.figure import Figure, mosaic
from workshop_utils.models.modes import evaluating
from workshop_utils.widgets.panel import Panel, button, buttons, row, scripted, wide

SIDE, TILE = 224, 96  # pixels, of a picture that is kept and of one that is shown
UPLOAD_AT_MOST, PICTURES_AT_MOST, ROWS_AT_MOST = 20_000_000, 500, 10
DEVICES = r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)"
LEARN, ASK = "a class to learn", "classify it"
PAGE = "my-classifier.html"
Readers = list[Callable[[], bytes]]  # functions that read one file each


class Collection:
    """A person's pictures, which live in a folder with one folder a class, and the classifier that was made of them.

    folder: where squares of 224 pixels are kept, without what a camera writes into its files; whatever lies in it counts, so
    a picture is taken back by deleting its file. examples: pictures that stand in as long as the folder holds none.
    """

    def __init__(self, net: nn.Module, examples: ImageDataset | None, folder: str | Path):
        self.net, self.folder = net, Path(folder)
        self.classifier: Any = None  # a net with .classes, .threshold and .preprocess
        self.asked: Tensor | None = None
        self._stamp = 0  # names the picture that was kept last
        self.left_out = ""  # a sentence about what the folder that was taken last holds besides
        self._decoded: dict[str, Tensor | None] = {}  # CLASS/FILE; None: cannot be read
        self._examples: dict[str, list[Tensor]] = {}
        if examples is not None:
            for number in range(len(examples)):
                picture, label = examples[number]
                square = resize(picture, [SIDE, SIDE], antialias=True)
                self._examples.setdefault(examples.classes[label], []).append(square)

    @property
    def pictures(self) -> dict[str, list[Tensor]]:
        """(3, 224, 224) uint8 pictures by class."""
        return self._kept() or self._examples

    @property
    def unreadable(self) -> list[str]:
        """The files of the folder that are no pictures, or not whole."""
        return [name for name, picture in self._own().items() if picture is None]

    def add(self, files: dict[str, Readers]) -> None:
        """Keeps pictures, by class. Raises ValueError, and keeps none, if one cannot be read or there are too many."""
        self._need_room(sum(map(len, files.values())))
        read_all = lambda readers: readable(*(read() for read in readers))
        self._keep({name: read_all(readers) for name, readers in files.items()})

    def add_folder(self, path: Path, loose: str) -> None:
        """Keeps the pictures of a folder or an archive, as `data.from_folder` finds them; those that cannot be read are named.

        A picture that the class has already is not kept again: it would be learned from twice and tell on itself.
        loose: the class of pictures that lie in no class folder. Raises ValueError, and keeps none, if there are too many.
        """
        files, left_out = picture_files(path)
        self._need_room(len(files))
        known = {name: set(map(fingerprint, pictures)) for name, pictures in self._kept().items()}
        found: dict[str, list[Tensor]] = {}
        for name, read in (file for part in split_folders(path, files, left_out) for file in part):
            label = class_of(name) if len(name.parts) > 1 else loose
            try:
                square = decode(read(), SIDE)
            except (DamagedFile, OSError) as error:
                left_out[name] = str(error)
                continue
            if (key := fingerprint(square)) not in known.setdefault(label, set()):
                known[label].add(key)
                found.setdefault(label, []).append(square)
        self._keep(found)
        self.left_out = told(left_out)

    def _need_room(self, count: int) -> None:
        if len(self._own()) + count > PICTURES_AT_MOST:
            more = "For more, data.from_folder is the way."
            raise ValueError(f"{PICTURES_AT_MOST} pictures are the limit here. {more}")

    def _keep(self, found: dict[str, list[Tensor]]) -> None:
        found = {class_name(name): pictures for name, pictures in found.items()}
        self.classifier, self.left_out = None, ""
        for name, pictures in found.items():
            for picture in pictures:
                file = io.BytesIO()
                to_pil_image(picture).save(file, "PNG")
                # two pictures may come within one tick of a coarse clock
                self._stamp = max(time.time_ns(), self._stamp + 1)
                paths.write(self.folder / name / f"{self._stamp}.png", file.getvalue())

    def train(self) -> None:
        """Makes a classifier of all pictures. Raises ValueError for fewer than two classes."""
        pictures = self.pictures
        if len(pictures) < 2:
            are = "there is one class" if pictures else "there are none"
            raise ValueError(f"A classifier needs pictures of two classes or more; {are} yet.")
        labels = [label for label, found in enumerate(pictures.values()) for _ in found]
        images = torch.stack([picture for found in pictures.values() for picture in found])
        dataset = ImageDataset(images, torch.tensor(labels), tuple(pictures), name="your pictures")
        self.classifier = transfer.classifier(self.net, dataset)

    def ask(self, *files: bytes) -> None:
        """Takes a picture to be classified. Raises ValueError before training."""
        self.trained()
        self.asked = readable(*files)[-1]

    def trained(self) -> nn.Module:
        """The classifier. Raises ValueError before training."""
        if self.classifier is None:
            raise ValueError("Press 'Train' first: there is no head for these classes yet.")
        return self.classifier

    def answer(self) -> Tensor | None:
        """(K,) probabilities for the picture that was asked about, if one was since the training."""
        if self.asked is None or self.classifier is None:
            return None
        images = self.classifier.preprocess(self.asked[None].to(devices.of(self.classifier)))
        with evaluating(self.classifier):
            return self.classifier(images)[0].softmax(0).cpu()

    def _kept(self) -> dict[str, list[Tensor]]:
        found: dict[str, list[Tensor]] = {}
        for name, picture in self._own().items():
            if picture is not None:
                found.setdefault(name.partition("/")[0], []).append(picture)
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
                self._decoded[name] = decode(files[name](), SIDE)
            except DamagedFile:
                self._decoded[name] = None
        return {name: self._decoded[name] for name in files}


def own_pictures(
    net: nn.Module, examples: ImageDataset | None = None, *, folder: str | Path = "my-pictures"
) -> Panel:
    """Collects pictures of your classes, trains a head, and classifies a new picture. `panel.collection.classifier` is the net.

    net: a pretrained net with its preprocessing. examples: pictures to begin with, for those who have no camera at hand.
    folder: where your pictures are kept, so that they are there again when the cell is run again.
    """
    collection = Collection(net, examples, folder)
    name = wide(ipywidgets.Text, "new pictures are", value=next(iter(collection.pictures), "first"))
    use = buttons("use them to", (LEARN, ASK))
    files = ipywidgets.FileUpload(accept="image/*", multiple=True, description="Choose files")
    typed = wide(ipywidgets.Text, "or a folder", placeholder="path of a folder or zip")
    camera = scripted("camera.js", photo=traitlets.Unicode())

    def take(raw: list[bytes]) -> None:
        if use.value == ASK:
            collection.ask(*raw)
        else:
            collection.add({name.value: [partial(bytes, file) for file in raw]})

    def take_folder() -> None:
        if not typed.value.strip():
            raise ValueError("Type the path of a folder or a zip first.")
        collection.add_folder(given(typed.value), name.value)

    def each_time(widget: ipywidgets.Widget, trait: str, files_in: Callable) -> None:
        """Takes what the browser puts there, then empties it: the same file twice is two events."""

        def react(change: dict) -> None:
            if change["new"]:
                panel.act(lambda: take(files_in(change["new"])))
                widget.set_trait(trait, type(change["new"])())

        widget.observe(react, names=trait)

    def write_page() -> None:
        done: list[Path] = []
        write = lambda: done.append(classifier_page.classifier(collection.trained(), PAGE))
        panel.act(write, doing="Writing the page ...")
        for path in done:
            megabytes = path.stat().st_size / 1e6
            panel.say(
                f"'{path}' ({megabytes:.1f} MB) stands beside this notebook. It opens by double click, and on a phone that got it by cable or Bluetooth."
            )

    take_all = button("Take the folder", lambda: panel.act(take_folder, doing="Reading ..."))
    train = button("Train", lambda: panel.act(collection.train, doing="Features ..."))
    train.button_style = "primary"
    page = button(f"Write {PAGE}", write_page)
    controls, above = {"name": name, "use": use}, [row(files, typed, take_all, train, page), camera]
    draw = lambda **_: own_figure(collection)
    panel = Panel("Your own classifier", draw, controls, above=above, collection=collection)
    each_time(files, "value", uploaded)
    if camera:
        each_time(camera, "photo", from_camera)
    return panel


def own_figure(collection: Collection) -> Figure:
    """Up to eight pictures of each class; once trained and asked, the new picture with the probabilities of the classes."""
    if collection.asked is not None and (answer := collection.answer()) is not None:
        return answer_figure(collection.asked, answer, collection.classifier)
    pictures, white = collection.pictures, torch.full((3, TILE, TILE), 255, dtype=torch.uint8)
    shown = list(pictures.items())[:ROWS_AT_MOST]
    columns = 1 if len(shown) < 4 else 2
    rows = max(1, -(-len(shown) // columns))
    figure = Figure("Your pictures", (10, rows * (1.5 if columns == 1 else 0.9)))
    for place, (name, found) in enumerate(shown, 1):
        tiles = [resize(picture, [TILE, TILE], antialias=True) for picture in found[:8]]
        axes = figure.add_subplot(rows, columns, place)
        axes.axis("off")
        axes.imshow(mosaic(tiles + [white] * (8 - len(tiles)), 8))
        axes.set_title(f"{name}: {len(found)}", fontsize=12, loc="left")
    counts = ", ".join(f"{len(found)} of '{name}'" for name, found in pictures.items())
    todo = "Give two classes a few pictures each, then press 'Train'."
    if collection.classifier is not None:
        todo = f"A head is trained: choose '{ASK}' and give it a new picture."
    figure.description = f"There are {counts or 'no pictures yet'}. {todo}"
    if len(pictures) > ROWS_AT_MOST:
        figure.description += f" The first {ROWS_AT_MOST} classes are shown."
    figure.description += collection.left_out
    if odd := ", ".join(collection.unreadable):
        figure.description += f" Left out, for they cannot be read as pictures: {odd}."
    return figure


def answer_figure(picture: Tensor, probabilities: Tensor, classifier: Any) -> Figure:
    """A picture with the probabilities of the classes, and whether the most probable one looks likely at all."""
    classes, best = classifier.classes, int(probabilities.argmax())
    figure = plots.top_k(picture, probabilities.tolist(), classes, min(5, len(classes)))
    said = f"It says '{classes[best]}' with {probabilities[best]:.1%}."
    if probabilities[best] < classifier.threshold:
        said = f"None of these looks likely: the best, '{classes[best]}', has {probabilities[best]:.1%}, and 95 % of your own pictures reach {classifier.threshold:.1%}."
    figure.description = f"{said} It can say nothing but: {', '.join(classes)}."
    return figure


def class_name(text: str) -> str:
    """The name of a class, which becomes a folder's. Raises ValueError for one that some system does not take as such."""
    name = unicodedata.normalize("NFC", text).strip()
    written = re.fullmatch(r'(?!\.)[^/\\:*?"<>|\x00-\x1f]{1,60}(?<!\.)', name)
    if not written or re.match(DEVICES, name):
        raise ValueError(
            f"Give the class a short name without a dot at either end, without / \\ : * ? \" < > |, and none that Windows keeps for devices; this is '{name}'."
        )
    return name


def readable(*files: bytes) -> list[Tensor]:
    """Picture files as (3, 224, 224) uint8. Raises ValueError if one is too large or no picture."""
    if (largest := max(map(len, files), default=0)) > UPLOAD_AT_MOST:
        most = f"larger than the {UPLOAD_AT_MOST:,} that are taken here"
        raise ValueError(f"A picture of {largest:,} bytes is {most}.")
    try:
        return [decode(raw, SIDE) for raw in files]
    except ValueError as error:
        raise ValueError(
            f"One of the files {error}. None was taken: give PNG, JPEG, WebP, GIF or BMP pictures."
        ) from None


def uploaded(value: dict | tuple) -> list[bytes]:
    """The files in a FileUpload: ipywidgets 7 keeps them in a dict by name, 8 in a tuple."""
    files = value.values() if isinstance(value, dict) else value
    return [bytes(file["content"]) for file in files]


def from_camera(text: str) -> list[bytes]:
    """A photograph as the browser sends it: a data address with base64. Raises ValueError if it is none."""
    try:
        return [b64decode(text.partition(",")[2])]
    except ValueError:
        raise ValueError("The photograph did not arrive whole. Take it again.") from None
