"""Trained nets by name: those of this kernel first, then the small ones that come with the course."""

import hashlib
import json
from pathlib import Path

from torch import nn

from workshop_utils import errors
from workshop_utils.models.pretrained import build

READY = Path(__file__).with_name("ready")
_kept: dict[str, nn.Module] = {}


def keep(name: str, model: nn.Module) -> None:
    """Remembers a net under a name until the kernel ends; `training.fit(name=...)` calls it."""
    _kept[name] = model


def ready(name: str) -> nn.Module:
    """The net that was trained in this kernel under that name, else the one that comes with the course; prints which.

    Raises ValueError if there is neither, or if the file's sha256 is not the published one.
    """
    if name in _kept:
        print(f"{name}: the net that you trained in this notebook.")
        return _kept[name]
    cards = json.loads((READY / "cards.json").read_text("utf-8"))
    if name not in cards:
        raise errors.unknown(
            "trained net",
            name,
            [*_kept, *cards],
            "A net that you train with fit(name=...) is added; the folder models/ready",
        )
    card = cards[name]
    raw = (READY / f"{name}.safetensors").read_bytes()
    if hashlib.sha256(raw).hexdigest() != card["sha256"]:
        raise ValueError(
            f"The file '{name}.safetensors' is damaged: its sha256 is not the published one. "
            f"Bring it back with: git checkout -- workshop_utils/models/ready/{name}.safetensors"
        )
    from safetensors.torch import load

    model = build(card["architecture"], classes=card["classes"], channels=card["channels"])
    model.load_state_dict(load(raw))
    print(f"{name}: a net that comes with the course, trained on {card['trained_on']}.")
    return model.eval()
