"""Trained nets by name, or as one safetensors file: their numbers, and a card with all else that they need. No pickle."""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torchvision.transforms.v2 import InterpolationMode

from workshop_utils import errors, paths
from workshop_utils.data.picture_files import given
from workshop_utils.models.about import About, Markdown, model_card
from workshop_utils.models.cards import build
from workshop_utils.models.cost import answer
from workshop_utils.models.modes import copied, inside, same_answers
from workshop_utils.models.preprocess import Preprocessing
from workshop_utils.models.pretrained import FROM_TIMM, builder_of, timm_size
from workshop_utils.models.stored import store, stored, stored_accuracy

READY = Path(__file__).with_name("ready")
ENLARGED = {"nearest", "nearest-exact", "bilinear", "bicubic"}
CLEARLY = 0.05  # how much lower an accuracy has to be for its net to take no better one's place


class Kept(NamedTuple):
    """A net that this kernel trained, its accuracy as a fraction if it is known, and words about it."""

    net: nn.Module
    accuracy: float | None
    about: str


kept: dict[str, Kept] = {}  # by name
told_already: set[str] = set()  # what `ready` has printed, so that it says it once


def keep(name: str, model: nn.Module, *, accuracy: float | None = None, about: str = "") -> None:
    """Remembers a net under a name; `training.fit(name=...)` calls it. One of a name and architecture of the course's outlives the kernel.

    accuracy: a fraction; where it is more than 0.05 below that of the net which `ready` gives now, that one stays, and a sentence
    says so. about: more words for `ready` to print.
    """
    if not isinstance(model, nn.Module) or not (accuracy is None or 0 <= accuracy <= 1):
        raise ValueError(
            f"keep takes a net and its accuracy from 0 to 1; these are {type(model).__name__} and {accuracy}."
        )
    had = kept[name].accuracy if name in kept else stored_accuracy(name)
    if had is None and name not in kept:
        had = _cards().get(name, {}).get("test_accuracy")
    if accuracy is not None and had is not None and accuracy < had - CLEARLY:
        reason = about or "no epoch was finished"
        print(
            f"{name}: later cells do not use this net ({reason}); they keep the better one, with ~{100 * had:.1f} % right. "
            f'models.keep("{name}", net) lets them use it all the same.'
        )
    else:
        kept[name] = Kept(model, accuracy, about)
        if name in _cards():
            store(name, model, _cards()[name], about, accuracy)


def _cards() -> dict[str, dict]:
    """What is known of the nets that come with the course, by name."""
    return json.loads((READY / "cards.json").read_text("utf-8"))


def ready(name: str) -> nn.Module:
    """A copy of the net that was trained under that name, in this kernel or before, else the one that comes with the course; prints once which, and how good it is.

    Raises ValueError if there is neither, or if the file's sha256 is not the published one.
    """
    if name in kept:
        net, _, about = kept[name]
        print(
            f"{name}: {', '.join(filter(None, ['the net that you trained in this notebook', about]))}."
        )
        return copied(net).eval()  # whoever trains it on must not change another's
    cards = _cards()
    if name not in cards:
        where = "A net that you train with fit(name=...) is added; the folder models/ready"
        raise errors.unknown("trained net", name, [*kept, *cards], where)
    card = cards[name]
    if earlier := stored(name, card):
        _tell(name, "the net that you trained before, kept on this computer", earlier[1])
        return earlier[0].eval()
    raw = (READY / f"{name}.safetensors").read_bytes()
    if hashlib.sha256(raw).hexdigest() != card["sha256"]:
        raise ValueError(
            f"The file '{name}.safetensors' is damaged: its sha256 is not the published one. Bring it back with: git checkout -- workshop_utils/models/ready/{name}.safetensors"
        )
    model = build(card["architecture"], classes=card["classes"], channels=card["channels"])
    vars(model)["of_the_course"] = name  # so that nobody takes it for a reader's own
    model.load_state_dict(safetensors.torch.load(raw))
    right = f"{100 * card['test_accuracy']:.1f} % of the test pictures right"
    _tell(name, f"a net that comes with the course, trained on {card['trained_on']}", right)
    return model.eval()


def _tell(name: str, *facts: str) -> None:
    """Prints a sentence the first time in a kernel: a chapter asks for the same net in many cells."""
    said = f"{name}: {', '.join(filter(None, facts))}."
    if said not in told_already:
        told_already.add(said)
        print(fill(said, 88, break_on_hyphens=False))  # else Lab breaks within words


def save(
    net: nn.Module,
    path: str | Path,
    *,
    overwrite: bool = False,
    purpose: str = "",
    limits: str = "",
    tested: Any = None,
) -> Path:
    """Writes NAME.safetensors with all that `load` needs to use the net again, whole or not at all; returns its path.

    net: from `models.build`, with .preprocess and .classes, as `transfer.classifier` makes it, or from timm.create_model, with
    `models.timm_preprocessing`; its .threshold, if it has one, and its .about, what `describe` says of it, are kept too.
    purpose, limits: what only a person knows of it. tested: what `evaluation.predict` gave for new pictures.
    Raises ValueError if something is missing or makes no sense, or the net is no longer of the architecture that it was built
    as, FileExistsError if there is such a file and overwrite is False.
    """
    path, net = _file(path), inside(net)
    with paths.writing(path):
        taken = path.exists()
    if taken and not overwrite:
        raise FileExistsError(
            f"There is a classifier '{path.name}' already, and it was left as it is. Take another name, or overwrite=True."
        )
    if not (architecture := _architecture(net)):
        raise ValueError(
            "This net has no .architecture, so nobody could build it again. Build it with models.build or timm.create_model."
        )
    for what, cure in {
        "preprocess": "Build it with pretrained=True; of a net of timm, net.preprocess = models.timm_preprocessing(net).",
        "classes": "Give it the names in the order of its scores: net.classes = dataset.classes.",
    }.items():
        if not hasattr(net, what):
            raise ValueError(
                f"This net has no .{what}, so nobody could use it rightly later. {cure}"
            )
    if not isinstance(recipe := net.preprocess, Preprocessing):
        raise ValueError(
            "This net's .preprocess cannot be written down; make it with models.preprocessing."
        )
    about = getattr(net, "about", About()).completed(purpose, limits, _of_its_own(tested, net))
    card = {
        "architecture": architecture,
        "options": timm_size(net),
        "about": asdict(about),
        "classes": net.classes,
        "threshold": getattr(net, "threshold", 0.0),
        "preprocessing": asdict(recipe)
        | {"interpolation": InterpolationMode(recipe.interpolation).value},
        # what pretrained nets have beside their tensors, such as GoogLeNet's transform_input
        "switches": {name: value for name, value in vars(net).items() if type(value) is bool},
    }
    # one number or several, of torch or numpy; what is no number fails below
    words = json.dumps(card, default=lambda value: getattr(value, "tolist", lambda: None)())
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    with torch.random.fork_rng(devices=[]):  # what is drawn here is drawn for nobody
        _require_same_answers(net, _rebuilt(words, state, "This net"))
    metadata = {"card": words, "sha256": _digest(words, state)}
    paths.write(path, safetensors.torch.save(state, metadata))
    return path


def _of_its_own(tested: Any, net: nn.Module) -> Any:
    """The Predictions that `save` was given, as they are or within an Evaluation. Raises ValueError if they are of other classes."""
    said = getattr(tested, "predictions", tested)
    if said is not None and {*getattr(said, "classes", ())} != {*map(str, net.classes)}:
        raise ValueError(
            "tested is what evaluation.predict gave for new pictures of the net's own classes."
        )
    return said


def load(path: str | Path) -> nn.Module:
    """The net that `save` wrote, in evaluation mode, with `.preprocess`, `.classes` and `.threshold`.

    Raises FileNotFoundError without such a file, OSError if it may not be read, ValueError if it is damaged or no classifier.
    """
    path = _file(path)
    what = f"The file '{path.name}'"
    with paths.reading(path):
        if path.exists() and not path.is_file():
            raise ValueError(f"'{path}' is no file. A classifier is one, NAME.safetensors.")
        try:
            path.open("rb").close()  # safe_open says of a closed file that there is none
            with safe_open(path, "pt") as opened:
                about = opened.metadata() or {}
                state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except FileNotFoundError:
            about = None
        except SafetensorError as error:
            raise ValueError(
                f"{what} is not a safetensors file, or not a whole one ({error}). Other formats are not read: they could run code."
            ) from None
    if about is None:
        near = ", ".join(sorted(file.stem for file in path.parent.glob("*.safetensors"))[:9])
        raise FileNotFoundError(
            f"There is no file '{path.name}' in {path.parent.resolve()}. Classifiers there: {near or 'none'}."
        )
    if "card" not in about:
        raise ValueError(
            f"{what} has no card of models.save: its classes and preprocessing are not known. Of another program's file take the tensors: safetensors.torch.load_file."
        )
    net = _rebuilt(about["card"], state, what)
    if about.get("sha256") != _digest(about["card"], state):
        raise ValueError(
            f"{what} is damaged, or belongs to another card: its sha256 is not the one that was written down. Save it again."
        )
    return net


def describe(path: str | Path, *, markdown: str | Path | None = None) -> Markdown:
    """The model card of a file that `save` wrote, with the lines that open it without this course; errors as of `load`.

    markdown: a file to write it to as well. What a person has to fill in is marked: `save` takes purpose, limits and tested.
    """
    card = model_card(load(path), _file(path).name)
    if markdown:
        paths.write(given(markdown), card.encode())
    return card


def _architecture(net: nn.Module) -> str:
    """The name by which `builder_of` knows a net of `models.build` or of timm.create_model; empty for any other."""
    of_timm = getattr(net, "pretrained_cfg", {}).get("architecture")
    return getattr(net, "architecture", of_timm and f"{FROM_TIMM}{of_timm}") or ""


def _file(path: str | Path) -> Path:
    """NAME.safetensors; whatever dots are in NAME belong to it."""
    path = given(path)
    if not path.name.strip():
        raise ValueError(f"'{path}' names no file. A classifier needs a name, such as 'mine'.")
    ends = path.suffix.lower() == ".safetensors"
    return path if ends else path.with_name(f"{path.name}.safetensors")


def _understood(words: str, what: str) -> tuple[str, dict, dict, dict]:
    """What a card says: architecture, options, switches, and the other attributes of a net. Raises ValueError, with the reason, unless all of it makes sense."""

    def numbers(values, low: float, high: float, kinds=frozenset({int, float})) -> bool:
        return all(type(value) in kinds and low < value < high for value in values)

    try:
        card = json.loads(words)
        name, classes, threshold = card["architecture"], card["classes"], card["threshold"]
        recipe, switches = {**card["preprocessing"]}, {**card.get("switches", {})}
        options, about = {**card.get("options", {})}, About(**card.get("about", {}))
        recipe["interpolation"] = InterpolationMode(recipe["interpolation"])
        preprocess = Preprocessing(**recipe)
        sides, mean, std = [recipe["resize"], recipe["crop"]], recipe["mean"], recipe["std"]
        reasons = {
            "its architecture is no name": type(name) is str and len(name) < 100,
            "its classes are not a list of two or more different names": type(classes) is list
            and all(type(one) is str for one in classes)
            and len({*classes}) == len(classes) > 1,
            "its threshold does not lie between 0 and 1": numbers([threshold], -1e-9, 1 + 1e-9),
            "resize and crop are not numbers of pixels": numbers(sides, 0, 10_000, {int}),
            "mean and std are not of one channel or three": {len(mean), len(std)} <= {1, 3}
            and numbers(mean, -1e6, 1e6)
            and numbers(std, 1e-6, 1e6),
            "its counts are not one a class": not about.pictures
            or len(about.pictures) == len(classes),
            "its options are more than the size of its pictures": options.keys() <= {"img_size"}
            and all(numbers(size, 0, 10_000, {int}) for size in options.values()),
            "its switches are not true or false": {*map(type, switches.values())} <= {bool},
            "tensors cannot be enlarged in that way": preprocess.interpolation.value in ENLARGED,
        }
        if wrong := [reason for reason, right in reasons.items() if not right]:
            raise ValueError(wrong[0])
    except Exception as error:  # a card of arbitrary text fails in many ways
        raise ValueError(
            f"{what} does not describe a classifier ({type(error).__name__}: {str(error)[:200]}). Put that right, and save the classifier again."
        ) from None
    known = {"preprocess": preprocess, "classes": tuple(classes), "threshold": float(threshold)}
    return name, options, switches, known | {"about": about}


def _digest(words: str, state: dict[str, Tensor]) -> str:
    """The sha256 of a card and of its tensors."""
    digest = hashlib.sha256(words.encode())
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _rebuilt(words: str, state: dict[str, Tensor], what: str) -> nn.Module:
    """The net on a card. Raises ValueError unless the tensors have the names and shapes of its architecture."""
    name, options, switches, attributes = _understood(words, what)
    classes = len(attributes["classes"])
    made = partial(builder_of(name, **options), classes=classes)
    with torch.device("meta"):  # where a giant costs no memory
        empty = made().state_dict()
    expected = {key: tuple(tensor.shape) for key, tensor in empty.items()}
    found = {key: tuple(tensor.shape) for key, tensor in state.items()}
    if odd := sorted({key for key, _ in expected.items() ^ found.items()}):
        raise ValueError(
            f"{what} is no {name} with {classes} classes: {len(odd)} tensors differ, '{odd[0]}' first ({found.get(odd[0], 'absent')} for {expected.get(odd[0], 'absent')})."
        )
    net = made().to(memory_format=torch.channels_last)
    net.load_state_dict(state)
    # of the switches only those that such a net has
    own = {key for key, value in vars(net).items() if type(value) is bool}
    vars(net).update({key: value for key, value in switches.items() if key in own})
    vars(net).update(attributes, architecture=name)
    return net.eval()


def _require_same_answers(net: nn.Module, again: nn.Module) -> None:
    """Raises ValueError unless both say the same to noise."""
    noise = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8, generator=noise)
    read = again.preprocess(pictures)
    with torch.inference_mode():
        finite = answer(again, read).isfinite().all()
    if not finite:
        raise ValueError("The net answers with NaN, no number: train it again.")
    weight = next(net.parameters())
    exact = weight.device.type == "cpu" and weight.dtype == torch.float32  # others round
    if not same_answers(net, again, read, near=0.001 if exact else 0.05):
        raise ValueError(
            f"This net has the tensors of {again.architecture}, but answers otherwise, so that it would not be the same when it is loaded. Was a layer changed after it was built?"
        )
