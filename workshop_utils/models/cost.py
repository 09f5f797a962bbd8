"""What goes into a net, what comes out of each layer, and what it costs."""

import copy
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from workshop_utils import device as devices
from workshop_utils.data import ImageDataset
from workshop_utils.data.labels import class_names
from workshop_utils.errors import sides
from workshop_utils.models.modes import evaluating, in_evaluation_mode, inside, known
from workshop_utils.tables import Table

# Attention on a Mac's GPU, which torch's counter does not know.
OF_MACS = {
    torch.ops.aten._scaled_dot_product_attention_math_for_mps: lambda query, key, value, *_, **__: (
        sdpa_flop_count(query, key, value)
    )
}


@dataclass(frozen=True)
class LayerRow:
    """One layer: the shape of its output for one picture, its parameters, and the multiply-adds it needs for it.

    run: how often the layer ran before. Parameters count once, where they are met first.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    run: int = 0

    @property
    def label(self) -> str:
        return self.name + " again" * self.run


class Summary(Table):
    """The layers of a net in the order in which a picture passes them, and their sums."""

    def __init__(self, rows: list[LayerRow]):
        self.parameters = sum(row.parameters for row in rows)
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        super().__init__(
            rows,
            {
                "layer": lambda row: row.label,
                "kind": lambda row: row.kind,
                "output shape": lambda row: " x ".join(map(str, row.output)),
                "parameters": lambda row: row.parameters,
                "multiply-adds": lambda row: row.multiply_adds,
            },
            f"{self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds a picture",
        )


def summary(model: nn.Module, input_shape: tuple[int, int, int]) -> Summary:
    """Every layer with output shape, parameters and multiply-adds, found by sending one empty picture through.

    input_shape: (channels, height, width). Works on the meta device too, where nothing is computed. A layer that is used
    twice has two rows. Multiply-adds are half of what torch.utils.flop_counter counts: of convolutions, matrix products and
    attention, biases left out, and of what computes weights; a recurrent layer's are those of its weights.
    Raises ValueError if such a picture does not fit.
    """
    rows: list[LayerRow] = []
    model, counted, listed, waiting = inside(model), set[nn.Parameter](), 0, list[int]()

    def unlisted() -> int:
        """What was counted so far and stands in no row."""
        return counter.get_total_flops() // 2 - listed

    def begin(*_) -> None:
        waiting.append(unlisted())

    def add(name: str, layer: nn.Module, inputs: tuple, output) -> None:
        nonlocal listed
        costs = unlisted() - waiting.pop()  # its own, for what lies in it has its rows
        new = [one for one in layer.parameters() if one not in counted and not is_lazy(one)]
        own = new or not list(layer.children()) or list(layer.parameters(recurse=False))
        if own or costs:
            listed += costs
            counted.update(new)
            parameters, run = sum(map(Tensor.numel, new)), sum(row.name == name for row in rows)
            size, kind = _first(output), type(layer).__name__
            costs = _steps(layer, size) if isinstance(layer, nn.RNNBase) else costs
            rows.append(LayerRow(name, kind, tuple(size.shape[1:]), parameters, costs, run))

    with ExitStack() as hooks, in_evaluation_mode(model), _counting() as counter:
        for name, layer in model.named_modules():
            if "parametrizations" not in name:  # they make weights, and see no picture
                hooks.enter_context(layer.register_forward_pre_hook(begin))
                hooks.enter_context(layer.register_forward_hook(partial(add, name)))
        answer(model, torch.zeros(1, *sides(input_shape)))
    return Summary(rows)


@contextmanager
def _counting() -> Iterator[FlopCounterMode]:
    """Counts what runs inside; attention in single products, for torch's counter does not know all of the fused ones."""
    fused = torch.backends.mha.get_fastpath_enabled()
    off = torch.no_grad()  # in inference mode it fails where a net computes its weights
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        counter = FlopCounterMode(display=False, custom_mapping=OF_MACS)
        with off, sdpa_kernel(SDPBackend.MATH), counter:
            yield counter
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def require_fit(model: nn.Module, dataset: ImageDataset) -> Tensor:
    """The net's scores for the first picture, twice, (2, K). Raises ValueError, in a sentence, unless it reads such pictures and answers so."""
    prepare, count = known(model, "preprocess") or Tensor.float, len(dataset.classes)
    twice = dataset[0][0].expand(2, -1, -1, -1)  # a net may mix the pictures of a batch
    kinds = {weight.dtype for weight in model.parameters()} - {torch.float32}
    if kinds:
        raise ValueError(
            f"The net calculates in {kinds.pop()}, and pictures come in torch.float32. net.float() makes them agree."
        )
    with evaluating(model):
        outputs = answer(model, prepare(twice))
    if count < 2:
        raise ValueError(f"{dataset.name} has {count} class: there is nothing to tell apart.")
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != 2:
        given = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(
            f"For 2 pictures the net answers with {given}, and not with a tensor of (2, {count}), one score a class. End it with nn.Flatten() and nn.Linear(..., {count})."
        )
    if outputs.shape[1] != count:
        raise ValueError(
            f"The net answers with {outputs.shape[-1]} scores, but {dataset.name} has {count} classes. Build it with classes={count}."
        )
    if not outputs.is_meta and outputs.isnan().any():
        raise ValueError("The net answers with NaN, no number: build it, or load it, again.")
    return outputs


def places(model: nn.Module, dataset: ImageDataset) -> list[int]:
    """For each class of the set its place among the net's scores: its own, unless the net knows its .classes in another order.

    Raises ValueError if it knows other classes.
    """
    own = known(model, "classes")
    if not isinstance(own, (list, tuple, np.ndarray)):
        return list(range(len(dataset.classes)))
    names = class_names(own)
    if sorted(names) != sorted(dataset.classes):
        odd = sorted({*names} ^ {*dataset.classes})
        raise ValueError(
            f"net.classes and the classes of {dataset.name} are not the same: '{odd[0]}' is in one only. If they mean the same, say net.classes = dataset.classes."
        )
    return [names.index(name) for name in dataset.classes]


def answer(model: nn.Module, images: Tensor) -> Any:
    """What a net says to pictures. Raises ValueError, in a sentence, if it cannot read them."""
    try:
        return model(devices.like(model, images))
    except (RuntimeError, AssertionError, IndexError, TypeError, ValueError) as error:
        if devices.memory_is_full(error):
            raise
        why = (str(error) or type(error).__name__).splitlines()[0]
        words = f"The net cannot read pictures of shape {tuple(images.shape[1:])} (channels, height, width): {why}"
        side = _smallest_side(model, images.shape[1])
        if side and min(images.shape[-2:]) < side:
            words = (
                f"Pictures of {images.shape[-2]} x {images.shape[-1]} pixels are too small for this net: it needs {side} x {side} or more. "
                "Enlarge them, or take a net for small pictures, such as small_resnet."
            )
        raise ValueError(words) from None


def _smallest_side(model: nn.Module, channels: int) -> int | None:
    """The side in pixels of the smallest square that the net can read, or None if it reads none up to 512."""
    empty = copy.deepcopy(model).to("meta").eval()  # nothing is computed

    def works(side: int) -> bool:
        try:
            return empty(torch.zeros(1, channels, side, side, device="meta")).ndim == 2
        except Exception:  # a net of one's own can fail in any way
            return False

    return bisect_left(range(513), True, key=works) if works(512) else None


def _first(values) -> Tensor:
    """The first tensor in what a layer takes or gives: some hand over tuples or dictionaries, or nothing."""
    return next((one for one in tree_leaves(values) if isinstance(one, Tensor)), torch.empty(0))


def _steps(layer: nn.RNNBase, output: Tensor) -> int:
    """A recurrent layer's multiply-adds, which no counter sees: all of its weights, once a step."""
    weights = sum(weight.numel() for weight in layer.parameters() if weight.ndim == 2)
    return output[..., 0].numel() * weights
