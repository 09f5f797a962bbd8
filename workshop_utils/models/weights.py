"""A finished classifier in two files: its numbers as safetensors, all else that it needs as JSON beside them. No pickle."""

import hashlib
import json
from pathlib import Path

import torch
from torch import nn
from torchvision.transforms.v2 import InterpolationMode

from workshop_utils import paths
from workshop_utils.models.preprocess import preprocessing
from workshop_utils.models.pretrained import build


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
    for what, cure in {
        "architecture": "Build it with models.build.",
        "preprocess": "Build it with pretrained=True.",
        "classes": "Give it the names in the order of its scores: net.classes = dataset.classes.",
    }.items():
        if not hasattr(net, what):
            raise ValueError(
                f"This net has no .{what}, so nobody could use it rightly later. {cure}"
            )
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    _require_same(net.architecture, len(net.classes), state, "This net")
    raw = to_bytes(state)
    resize, crop, normalise = (
        step
        for step in net.preprocess.transforms
        if type(step).__name__ in ("Resize", "CenterCrop", "Normalize")
    )
    card = {
        "architecture": net.architecture,
        "classes": list(net.classes),
        "threshold": getattr(net, "threshold", 0.0),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "preprocessing": {
            "resize": resize.size[0],
            "crop": crop.size[0],
            "mean": list(normalise.mean),
            "std": list(normalise.std),
            "interpolation": resize.interpolation.value,
        },
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
        architecture, classes, recipe = (
            card["architecture"],
            tuple(card["classes"]),
            dict(card["preprocessing"]),
        )
        sha256, threshold = card["sha256"], float(card["threshold"])
        preprocess = preprocessing(
            **recipe | {"interpolation": InterpolationMode(recipe["interpolation"])}
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The file '{path.with_suffix('.json').name}' does not describe a classifier ({type(error).__name__}: {error}). "
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


def _require_same(
    architecture: str, classes: int, state: dict[str, torch.Tensor], what: str
) -> None:
    """Raises ValueError unless the tensors have the names and shapes of that architecture."""
    with torch.device("meta"):
        expected = {
            name: tuple(tensor.shape)
            for name, tensor in build(architecture, classes=classes).state_dict().items()
        }
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    odd = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if odd:
        raise ValueError(
            f"{what} is no {architecture} with {classes} classes: {len(odd)} tensors differ, '{odd[0]}' first "
            f"({found.get(odd[0], 'absent')} for {expected.get(odd[0], 'absent')})."
        )
