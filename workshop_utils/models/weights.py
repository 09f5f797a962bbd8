"""Trained nets by name or as two files: their numbers as safetensors, all else that they need as JSON beside them. No pickle."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import InterpolationMode

from workshop_utils import errors, paths
from workshop_utils.models.cards import build
from workshop_utils.models.modes import copied
from workshop_utils.models.preprocess import Preprocessing

READY = Path(__file__).with_name("ready")
kept: dict[str, nn.Module] = {}  # the nets that this kernel trained, by name


def keep(name: str, model: nn.Module) -> None:
    """Remembers a net under a name until the kernel ends; `training.fit(name=...)` calls it."""
    kept[name] = model


def ready(name: str) -> nn.Module:
    """A copy of the net that was trained in this kernel under that name, else the one that comes with the course; prints which.

    Raises ValueError if there is neither, or if the file's sha256 is not the published one.
    """
    if name in kept:
        print(f"{name}: the net that you trained in this notebook.")
        return copied(kept[name])  # whoever trains it on must not change another's
    cards = json.loads((READY / "cards.json").read_text("utf-8"))
    if name not in cards:
        where = "A net that you train with fit(name=...) is added; the folder models/ready"
        raise errors.unknown("trained net", name, [*kept, *cards], where)
    card = cards[name]
    raw = (READY / f"{name}.safetensors").read_bytes()
    if hashlib.sha256(raw).hexdigest() != card["sha256"]:
        raise ValueError(
            f"The file '{name}.safetensors' is damaged: its sha256 is not the published one. "
            f"Bring it back with: git checkout -- workshop_utils/models/ready/{name}.safetensors"
        )
    from safetensors.torch import load as from_bytes

    model = build(card["architecture"], classes=card["classes"], channels=card["channels"])
    model.load_state_dict(from_bytes(raw))
    print(f"{name}: a net that comes with the course, trained on {card['trained_on']}.")
    return model.eval()


def save(net: nn.Module, path: str | Path, *, overwrite: bool = False) -> Path:
    """Writes NAME.safetensors and NAME.json with all that `load` needs to use the net again; returns the first path.

    net: from `models.build`, with .preprocess and .classes, as `transfer.classifier` makes it; its .threshold, if it has one,
    is kept too. Raises ValueError if something is missing, or the net is no longer of the architecture that it was built
    as, FileExistsError if there is such a file and overwrite is False.
    """
    from safetensors.torch import save as to_bytes

    path = Path(path).with_suffix(".safetensors")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"There is a classifier '{path.name}' already, and it was left as it is. Take another name, or overwrite=True."
        )
    facts = {}
    for what, cure in {
        "architecture": "Build it with models.build.",
        "preprocess": "Build it with pretrained=True.",
        "classes": "Give it the names in the order of its scores: net.classes = dataset.classes.",
    }.items():
        if not hasattr(net, what):
            raise ValueError(
                f"This net has no .{what}, so nobody could use it rightly later. {cure}"
            )
        facts[what] = getattr(net, what)
    architecture, preprocess, classes = facts.values()
    if not isinstance(preprocess, Preprocessing):
        raise ValueError(
            "This net's .preprocess cannot be written down; make it with models.preprocessing."
        )
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    _require_same(architecture, len(classes), state, "This net")
    raw = to_bytes(state)
    card = {
        "architecture": architecture,
        "classes": list(classes),
        "threshold": getattr(net, "threshold", 0.0),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "preprocessing": asdict(preprocess) | {"interpolation": preprocess.interpolation.value},
    }
    paths.write(path, raw)
    paths.write(path.with_suffix(".json"), json.dumps(card, indent=1, ensure_ascii=False).encode())
    return path


def load(path: str | Path) -> nn.Module:
    """The net that `save` wrote, in evaluation mode, with `.preprocess`, `.classes` and `.threshold`.

    Raises FileNotFoundError if one of the two files is missing, ValueError if they are damaged or do not belong together.
    """
    from safetensors.torch import load as from_bytes

    path = Path(path).with_suffix(".safetensors")
    for file in (path, path.with_suffix(".json")):
        if not file.is_file():
            raise FileNotFoundError(
                f"There is no file '{file.name}' in {file.parent.resolve()}. A classifier is two files: NAME.safetensors and NAME.json."
            )
    raw = path.read_bytes()
    try:
        card = json.loads(path.with_suffix(".json").read_text("utf-8"))
        architecture, classes = card["architecture"], tuple(card["classes"])
        sha256, threshold = card["sha256"], float(card["threshold"])
        recipe = dict(card["preprocessing"])
        recipe["interpolation"] = InterpolationMode(recipe["interpolation"])
        preprocess = Preprocessing(**recipe)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The file '{path.stem}.json' does not describe a classifier ({type(error).__name__}: {error}). "
            "Was it changed by hand? Save the classifier again."
        ) from None
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError(
            f"The file '{path.name}' is damaged, or belongs to another classifier: its sha256 is not the one in '{path.stem}.json'. Save it again."
        )
    try:
        state = from_bytes(raw)
    except Exception as error:  # safetensors has an exception of its own
        raise ValueError(
            f"The file '{path.name}' is not a safetensors file ({error}). Other formats are not read: they could run code."
        ) from None
    _require_same(architecture, len(classes), state, f"The file '{path.name}'")
    net = build(architecture, classes=len(classes))
    net.load_state_dict(state)
    net.preprocess, net.classes, net.threshold = preprocess, classes, threshold
    return net.eval()


def _require_same(architecture: str, classes: int, state: dict[str, Tensor], what: str) -> None:
    """Raises ValueError unless the tensors have the names and shapes of that architecture."""
    with torch.device("meta"):
        empty = build(architecture, classes=classes).state_dict()
    expected, found = (
        {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        for tensors in (empty, state)
    )
    odd = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if odd:
        raise ValueError(
            f"{what} is no {architecture} with {classes} classes: {len(odd)} tensors differ, '{odd[0]}' first "
            f"({found.get(odd[0], 'absent')} for {expected.get(odd[0], 'absent')})."
        )
