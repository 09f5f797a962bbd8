"""Nets that a person trained under a name of the course, kept on the disk for the next kernel."""

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from workshop_utils import paths
from workshop_utils.models.cards import build
from workshop_utils.models.modes import same_answers


def store(name: str, net: nn.Module, card: dict, about: str, accuracy: float | None) -> None:
    """Writes the numbers of a net, if it is of the architecture on the card, however it was written down; others cannot be built again.

    about: words for `stored` to give back; accuracy: a fraction for `stored_accuracy`. Prints a sentence where the folder cannot be written.
    """
    if (state := _as_built(net, card)) is not None:
        try:
            words = {"about": about, "accuracy": str(accuracy)}
            paths.write(paths.folder() / f"{name}.safetensors", save(state, words))
        except OSError as error:
            print(f"{name} is kept until this kernel ends. {error}")


def stored(name: str, card: dict) -> tuple[nn.Module, str] | None:
    """The net that `store` wrote, and the words about it; None where there is none. A file that cannot be read is said to be left out."""
    path = paths.folder() / f"{name}.safetensors"
    try:
        if not path.is_file():
            return None
        net = _built(card)
        with safe_open(path, "pt") as opened:
            net.load_state_dict({key: opened.get_tensor(key) for key in opened.keys()})  # noqa: SIM118
            return net, (opened.metadata() or {}).get("about", "")
    except (SafetensorError, RuntimeError, OSError):
        print(f"{name}: your net of an earlier time cannot be read, and is left out.")
        return None


def stored_accuracy(name: str) -> float | None:
    """The accuracy of the net that `store` wrote; None where there is none, or nobody knows it."""
    try:
        with safe_open(paths.folder() / f"{name}.safetensors", "pt") as opened:
            return float((opened.metadata() or {})["accuracy"])
    except (KeyError, ValueError, SafetensorError, OSError):
        return None


def _built(card: dict) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # what is drawn here is drawn for nobody
        return build(card["architecture"], classes=card["classes"], channels=card["channels"])


def _as_built(net: nn.Module, card: dict) -> dict[str, Tensor] | None:
    """The numbers of a net under the names of the card's architecture; None unless both answer the same to noise."""
    twin = _built(card)
    names, given = twin.state_dict(), net.state_dict()
    shapes = [[tensor.shape for tensor in state.values()] for state in (names, given)]
    if shapes[0] != shapes[1] or hasattr(net, "of_the_course"):
        return None
    twin.load_state_dict(dict(zip(names, given.values())))
    noise = torch.rand(2, card["channels"], 28, 28, generator=torch.Generator().manual_seed(0))
    try:
        same = same_answers(net, twin, noise, near=0.01)
    except (RuntimeError, TypeError):  # it reads something else than such pictures
        return None
    return {key: tensor.contiguous() for key, tensor in names.items()} if same else None
