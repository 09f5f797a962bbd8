"""Can it learn your things? Two classes or more from camera, files or a folder; a head on frozen features; then a new picture."""

import io
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import ipywidgets
import torch
import traitlets
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as transforms

from workshop_utils import device as devices
from workshop_utils import paths, plots, transfer
from workshop_utils.data import DamagedFile, ImageDataset
from workshop_utils.data.pictures import decode, picture_files
from workshop_utils.figure import Figure, mosaic
from workshop_utils.models.modes import evaluating
from workshop_utils.widgets.panel import WIDE, Panel, button, scripted

SIDE = 224
UPLOAD_AT_MOST, PICTURES_AT_MOST, ROWS_AT_MOST = 20_000_000, 500, 10
ASK = "classify it"


class Collection:
    """A person's pictures, which live in a folder with one folder a class, and the classifier that was made of them.

    folder: where squares of 224 pixels are kept, without what a camera writes into its files; whatever lies in it counts, so
    a picture is taken back by deleting its file. examples: pictures that stand in as long as the folder holds none.
    """

    def __init__(
        self,
        net: nn.Module,
        examples: ImageDataset | None = None,
        folder: str | Path = "my-pictures",
    ):
        self.net, self.folder, self.classifier, self.asked = net, Path(folder), None, None
        self._examples: dict[str, list[Tensor]] = {}
        self._decoded: dict[str, Tensor | None] = {}  # None: cannot be read
        for picture, label in examples or ():
            self._examples.setdefault(examples.classes[label], []).append(
                transforms.resize(picture, [SIDE, SIDE], antialias=True)
            )

    @property
    def pictures(self) -> dict[str, list[Tensor]]:
        """(3, 224, 224) uint8 pictures by class."""
        found: dict[str, list[Tensor]] = {}
        for name, picture in self._own().items():
            if picture is not None:
                found.setdefault(name.partition("/")[0], []).append(picture)
        return found or self._examples

    @property
    def unreadable(self) -> list[str]:
        """The files of the folder that are no pictures, or not whole."""
        return [name for name, picture in self._own().items() if picture is None]

    def add(self, files: dict[str, list[Callable[[], bytes]]]) -> None:
        """Keeps pictures, by class; each is a function that reads a file. Raises ValueError, and keeps none, if one cannot be read or there are too many."""
        if len(self._own()) + sum(map(len, files.values())) > PICTURES_AT_MOST:
            raise ValueError(
                f"{PICTURES_AT_MOST} pictures are the limit here. For more, data.from_folder is the way."
            )
        found = {
            class_name(name): readable(*(read() for read in readers))
            for name, readers in files.items()
        }
        self.classifier = None
        for name, pictures in found.items():
            for picture in pictures:
                buffer = io.BytesIO()
                transforms.to_pil_image(picture).save(buffer, "PNG")
                paths.write(self.folder / name / f"{time.time_ns()}.png", buffer.getvalue())

    def train(self) -> None:
        """Makes a classifier of all pictures. Raises ValueError for fewer than two classes."""
        pictures = self.pictures
        if len(pictures) < 2:
            raise ValueError(
                f"A classifier needs pictures of two classes or more; there {'are none' if not pictures else 'is one class'} yet."
            )
        labels = [label for label, found in enumerate(pictures.values()) for _ in found]
        images = torch.stack([picture for found in pictures.values() for picture in found])
        self.classifier = transfer.classifier(
            self.net,
            ImageDataset(images, torch.tensor(labels), tuple(pictures), name="your pictures"),
        )

    def ask(self, *files: bytes) -> None:
        """Takes a picture to be classified. Raises ValueError before training."""
        if self.classifier is None:
            raise ValueError("Press 'Train' first: there is no head for these classes yet.")
        self.asked = readable(*files)[-1]

    def answer(self) -> Tensor:
        """(K,) probabilities for the picture that was asked about."""
        with evaluating(self.classifier):
            return (
                self.classifier(
                    self.classifier.preprocess(self.asked[None].to(devices.of(self.classifier)))
                )[0]
                .softmax(0)
                .cpu()
            )

    def _own(self) -> dict[str, Tensor | None]:
        """CLASS/FILE -> the picture, or None where it cannot be read; as the folder is now."""
        try:
            files = {
                str(path): read
                for path, read in picture_files(self.folder).items()
                if len(path.parts) > 1
            }
        except (FileNotFoundError, ValueError):  # nothing was kept yet
            return {}
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
    names = list(collection.pictures) or ["first", "second"]
    name = ipywidgets.Text(names[0], description="new pictures are", **WIDE)
    use = ipywidgets.ToggleButtons(
        options=("a class to learn", ASK), description="use them to", style={"button_width": "auto"}
    )
    files = ipywidgets.FileUpload(accept="image/*", multiple=True, description="Choose files")
    typed = ipywidgets.Text(
        description="or a folder", placeholder="path of a folder or zip", **WIDE
    )
    camera = scripted("camera.js", photo=traitlets.Unicode())

    def take(*raw: bytes) -> None:
        if not raw:
            return
        if use.value == ASK:
            collection.ask(*raw)
        else:
            collection.add({name.value: [lambda file=file: file for file in raw]})

    def take_folder() -> None:
        if not typed.value.strip():
            raise ValueError("Type the path of a folder or a zip first.")
        found: dict[str, list[Callable[[], bytes]]] = {}
        for path, read in picture_files(Path(typed.value).expanduser()).items():
            found.setdefault(path.parts[0] if len(path.parts) > 1 else name.value, []).append(read)
        collection.add(found)

    panel = Panel(
        "Your own classifier",
        lambda **_: own_figure(collection),
        {"name": name, "use": use},
        above=[
            ipywidgets.HBox(
                [
                    files,
                    typed,
                    button("Take the folder", lambda: panel.act(take_folder, doing="Reading ...")),
                    button(
                        "Train",
                        lambda: panel.act(collection.train, doing="Features ..."),
                        button_style="primary",
                    ),
                ],
                layout=ipywidgets.Layout(flex_flow="row wrap"),
            ),
            *([camera] if camera else []),
        ],
    )
    panel.collection = collection
    _each_time(files, "value", lambda value: panel.act(lambda: take(*uploaded(value))))
    if camera:
        _each_time(camera, "photo", lambda text: panel.act(lambda: take(from_camera(text))))
    return panel


def _each_time(widget: ipywidgets.Widget, name: str, action: Callable) -> None:
    """Calls action with what the browser put there, then empties it: the same file twice is two events."""

    def react(change: dict) -> None:
        if change["new"]:
            action(change["new"])
            widget.set_trait(name, type(change["new"])())

    widget.observe(react, names=name)


def own_figure(collection: Collection) -> Figure:
    """Up to eight pictures of each class; once trained and asked, the new picture with the probabilities of the classes."""
    if collection.asked is not None and collection.classifier is not None:
        return answer_figure(collection.asked, collection.answer(), collection.classifier)
    pictures = collection.pictures
    shown = dict(list(pictures.items())[:ROWS_AT_MOST])
    figure = Figure("Your pictures", (10, max(1.0, 1.5 * len(shown))))
    for axes, (name, found) in zip(
        figure.subplots(max(len(shown), 1), 1, squeeze=False).flat, shown.items()
    ):
        axes.axis("off")
        axes.imshow(
            mosaic(
                [transforms.resize(picture, [96, 96], antialias=True) for picture in found[:8]]
                + [torch.full((3, 96, 96), 255, dtype=torch.uint8)] * (8 - len(found)),
                8,
            )
        )
        axes.set_title(f"{name}: {len(found)}", fontsize=12, loc="left")
    if not pictures:
        figure.axes[0].axis("off")
    counts = (
        ", ".join(f"{len(found)} of '{name}'" for name, found in pictures.items())
        or "no pictures yet"
    )
    trained = (
        f"A head is trained: choose '{ASK}' and give it a new picture."
        if collection.classifier is not None
        else "Give two classes a few pictures each, then press 'Train'."
    )
    odd = collection.unreadable
    figure.description = (
        f"There are {counts}. {trained}"
        + (f" The first {ROWS_AT_MOST} classes are shown." if len(pictures) > ROWS_AT_MOST else "")
        + (f" Left out, for they cannot be read as pictures: {', '.join(odd)}." if odd else "")
    )
    return figure


def answer_figure(picture: Tensor, probabilities: Tensor, classifier: nn.Module) -> Figure:
    """A picture with the probabilities of the classes, and whether the most probable one looks likely at all."""
    classes, best = classifier.classes, int(probabilities.argmax())
    figure = plots.top_k(picture, probabilities, classes, min(5, len(classes)))
    if probabilities[best] < classifier.threshold:
        said = f"None of these looks likely: the best, '{classes[best]}', has {probabilities[best]:.1%}, and 95 % of your own pictures reach {classifier.threshold:.1%}."
    else:
        said = f"It says '{classes[best]}' with {probabilities[best]:.1%}."
    figure.description = f"{said} It can say nothing but: {', '.join(classes)}."
    return figure


def class_name(text: str) -> str:
    """The name of a class, which becomes a folder's. Raises ValueError for one that no system takes as such."""
    name = text.strip()
    if (
        not name
        or name.startswith(".")
        or len(name) > 60
        or any(sign in '/\\:*?"<>|' or ord(sign) < 32 for sign in name)
    ):
        raise ValueError(
            f"Give the class a short name without dots at the beginning and without / \\ : * ? \" < > |; this is '{name}'."
        )
    return name


def readable(*files: bytes) -> list[Tensor]:
    """Picture files as (3, 224, 224) uint8. Raises ValueError if one is too large or no picture."""
    for raw in files:
        if len(raw) > UPLOAD_AT_MOST:
            raise ValueError(
                f"A picture of {len(raw):,} bytes is larger than the {UPLOAD_AT_MOST:,} that are taken here."
            )
    try:
        return [decode(raw, SIDE) for raw in files]
    except ValueError as error:
        raise ValueError(
            f"One of the files {error}. None was taken: give PNG, JPEG, WebP, GIF or BMP pictures."
        ) from None


def uploaded(value: dict | tuple) -> list[bytes]:
    """The files in a FileUpload: ipywidgets 7 keeps them in a dict by name, 8 in a tuple."""
    return [
        bytes(file["content"]) for file in (value.values() if isinstance(value, dict) else value)
    ]


def from_camera(text: str) -> bytes:
    """A photograph as the browser sends it: a data address with base64. Raises ValueError if it is too long or none."""
    if len(text) > UPLOAD_AT_MOST:
        raise ValueError("The photograph is too large.")
    try:
        return b64decode(text.partition(",")[2])
    except ValueError:
        raise ValueError("The photograph did not arrive whole. Take it again.") from None
