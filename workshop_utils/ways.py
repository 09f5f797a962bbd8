"""The way of a picture through a net, found by sending one: layers in a row, connections around them, and what has no place in a row."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torchvision.models.swin_transformer import ShiftedWindowAttention

from workshop_utils.models.blocks import Attention
from workshop_utils.models.cost import answer
from workshop_utils.models.modes import evaluating, inside

GROUPS_AT_MOST = 12
ATTENTION = (Attention, nn.MultiheadAttention, ShiftedWindowAttention)
MEETINGS = {"add": "+", "cat": "||"}  # last letters of a function's name -> how ways meet


@dataclass(eq=False)
class Step:
    """What a layer, or a meeting of ways, gives for one picture.

    text: "3x3", "pool", "dense"; "+" or "||" where ways meet. depth: how many layers with weights lie on the longest way to it.
    before: where its input comes from, the longest way first. strongest: the map that varies most, after normalisation and activation.
    """

    kind: str
    text: str
    shape: tuple[int, ...]
    depth: int = 0
    before: tuple["Step", ...] = ()
    strongest: Tensor | None = None


@dataclass(frozen=True)
class Group:
    """Neighbours in a row that are drawn as one: `times` a layer, or a block of layers, of these texts; shape and map of the last.

    skips: how many connections lead around a part of it. last: its last step's place on the way.
    """

    kind: str
    texts: tuple[str, ...]
    shape: tuple[int, ...]
    strongest: Tensor | None = None
    last: int = 0
    times: int = 1
    block: bool = False
    skips: int = 0

    @property
    def size(self) -> tuple[int, ...]:
        return self.shape[1:]

    @property
    def pieces(self) -> int:
        """The blocks, or layers, that it stands for."""
        return self.times * (1 if self.block else len(self.texts))

    @property
    def words(self) -> tuple[str, str]:
        """How many of what; and of which kernels."""
        kernels = [text for text in self.texts if text[0].isdigit()]
        pool = ", pool" * ("pool" in self.texts)
        if self.block:
            listed = f"{len(kernels)} conv{pool}" if len(self.texts) > 3 else ", ".join(self.texts)
            return f"{self.times} blocks" if self.times > 1 else "block", listed
        count, name = self.times * len(kernels or self.texts), "conv" if kernels else self.texts[0]
        listed = ", ".join(dict.fromkeys(self.texts)) if kernels else ""
        return f"{count} {name}" if count > 1 else name, listed


@dataclass(frozen=True)
class Way:
    """A net as a row of groups. arcs: the (first, last) group of each connection across groups, -1 for the picture. layers: those with weights in the row."""

    groups: list[Group]
    arcs: list[tuple[int, int]]
    layers: int
    left_out: str
    scores: Any


class Following(TorchFunctionMode):
    """While it is on, every tensor that was made from the picture has the step it comes from as `.step`."""

    def __init__(self, start: Step):
        super().__init__()
        self.steps = {start: None}  # in order; a net may keep tensors of an earlier picture
        self.weights: set[int] = set()
        self.begun: list[int] = []  # how many steps there were before each layer of attention

    def __torch_function__(self, func, types, args=(), kwargs=None):
        given = func(*args, **(kwargs or {}))
        read = _tensors((args, kwargs))
        if sources := [one for one in read if getattr(one, "step", None) in self.steps]:
            for one in _tensors(given):
                one.step = self._step(func.__name__.strip("_"), read, sources, one)
        return given

    def _step(self, name: str, read: list[Tensor], sources: list, given: Tensor) -> Step:
        # a factor weighs maps: the way is theirs, who are more, however deep the factor comes from
        rank = lambda one: (one.numel() * name.endswith("mul"), one.step.depth)
        ranked = sorted(reversed(sources), key=rank, reverse=True)
        before, raw = tuple(dict.fromkeys(one.step for one in ranked)), tuple(given.shape[1:])
        step, depth, shape = before[0], before[0].depth, _maps_first(raw, before[0].shape)
        if name.startswith("conv") or name == "linear":
            self.weights.add(id(read[1]))
            kernel = "x".join(map(str, read[1].shape[2:]))
            if name == "linear" and len(raw) == 3:  # of maps: each place alone
                kernel, shape = "1x1", (raw[2], *raw[:2])
            kind = "convolution" if kernel else "dense"
            step = Step(kind, kernel or kind, shape, depth + 1, before)
        elif shape != step.shape and ("pool" in name or (name == "mean" and read[0].ndim == 4)):
            step = Step("pooling", "pool", shape, depth, before)
        elif len(before) > 1 and name[-3:] in MEETINGS:
            step = Step("meeting", MEETINGS[name[-3:]], shape, depth, before)
        self.steps[step] = None
        if given.ndim == 4 and raw == step.shape and not given.is_meta:
            varied = given[0].flatten(1).std(1, correction=0).nan_to_num()
            step.strongest = given[0, varied.argmax()].float().cpu()
        return step

    def attended(self, layer: nn.Module, inputs: tuple, options: dict, output) -> None:
        """To be called after a layer of attention: what it did inside becomes one step, as deep as what goes in and what comes out of it."""
        inner, given = list(self.steps)[self.begun.pop() :], _tensors(output)[0]
        read = _tensors((inputs, options))
        sources = [one.step for one in read if getattr(one, "step", None) in self.steps]
        if not sources:
            return
        self.weights |= {id(weight) for weight in layer.parameters()}
        for step in inner:
            del self.steps[step]
        shape = _maps_first(tuple(given.shape[1:]), sources[0].shape)
        given.step = Step("attention", "attention", shape, sources[0].depth + 2, (sources[0],))
        self.steps[given.step] = None


def _maps_first(shape: tuple[int, ...], before: tuple[int, ...]) -> tuple[int, ...]:
    """A shape, or that of before where they differ only in that the maps stand last, as in nets that normalise each place."""
    return before if shape == (*before[1:], *before[:1]) else shape


def _tensors(values) -> list:
    return [one for one in tree_leaves(values) if isinstance(one, Tensor)]


def follow(net: nn.Module, picture: Tensor) -> Way:
    """Sends a picture, (C, H, W) float32 as the net reads it, through a net, on the meta device too, where nothing is computed.

    The row is the longest way from the picture to an answer. Raises ValueError if the net cannot read such a picture.
    """
    net, images, start = inside(net), picture.unsqueeze(0), Step("picture", "", (*picture.shape,))
    images.step, seen = start, Following(start)  # type: ignore[attr-defined]
    attention = [layer for layer in net.modules() if isinstance(layer, ATTENTION)]
    begins = lambda *_: seen.begun.append(len(seen.steps))
    with ExitStack() as hooks, evaluating(net), seen:
        for layer in attention:
            hooks.enter_context(layer.register_forward_pre_hook(begins))
            hooks.enter_context(layer.register_forward_hook(seen.attended, with_kwargs=True))
        scores = answer(net, images)
    ends = [one.step for one in _tensors(scores) if getattr(one, "step", None) in seen.steps]
    path = [max(ends, key=lambda step: step.depth, default=start)]
    while path[0].before:
        path.insert(0, path[0].before[0])
    groups, far = _groups(path)
    groups = _merged(groups)
    at = lambda place: next((n for n, one in enumerate(groups) if one.last >= place > 0), -1)
    arcs = [(at(first), at(last)) for first, last in far]
    out = Counter(step.kind for step in seen.steps if step not in path and step.kind != "meeting")
    others = {
        type(layer).__name__
        for layer in net.modules()
        for weight in layer.parameters(recurse=False)
        if weight.ndim in (2, 4) and id(weight) not in seen.weights
    }
    said = [f"{count} {kind} layer{'s' * (count > 1)} on branches" for kind, count in out.items()]
    return Way(groups, arcs, path[-1].depth, ", ".join([*said, *sorted(others)]), scores)


def _groups(path: list[Step]) -> tuple[list[Group], list[tuple[int, int]]]:
    """Each layer on the way, or each block of layers that a connection leads around; and the connections around several blocks."""
    place, groups, far = {step: number for number, step in enumerate(path)}, list[Group](), []
    for number, step in enumerate(path[1:], 1):
        now = Group(step.kind, (step.text,), step.shape, step.strongest, number)
        if step.kind != "meeting":
            groups.append(now)
            continue
        forks = {}
        for side in step.before[1:]:
            layers = 0
            while side not in place:
                layers, side = layers + (side.kind != "meeting"), side.before[0]
            forks[place[side]] = layers
        fork = max(forks)
        while path[fork + 1].kind == "meeting" and fork + 1 < number:  # read where it was made
            fork += 1
        around = [group for group in groups if group.last > fork]
        same = bool(groups) and groups[-1].size == now.size
        if not same or not around or any(one.block for one in around):
            far += [(fork, number)] if around else []
            for group in groups[-1:]:
                met = now if same else group
                groups[-1] = replace(group, shape=met.shape, strongest=met.strongest, last=number)
            continue
        skips = int(step.text == "+" or not all(forks.values()))
        texts, times = tuple(text for group in around for text in group.texts), 1
        del groups[len(groups) - len(around) :]
        before = [one for one in groups[-len(texts) :] if not one.block]
        if not skips and before and before[-1].texts == ("1x1",):  # which feeds all branches
            texts = groups.pop().texts + texts
        elif tuple(one.texts[0] for one in before) == texts and before[-1].size == now.size:
            # the same layers, without a connection, for they change the shape
            del groups[-len(texts) :]
            times = 2
        kind = around[0].kind
        groups.append(replace(now, kind=kind, texts=texts, times=times, block=True, skips=skips))
    return groups, far


def _merged(groups: list[Group]) -> list[Group]:
    """Equal neighbours as one; where that leaves too many, alike ones; then those with the fewest layers."""
    for n in range(len(groups) - 1, 0, -1):  # a transformer's block is attention and what follows
        if groups[n - 1].block and groups[n - 1].texts == ("attention",) and groups[n].block:
            texts, skips = ("attention", *groups[n].texts), 1 + groups[n].skips
            groups[n - 1 : n + 1] = [replace(groups[n], kind="attention", texts=texts, skips=skips)]
    for near, enough in enumerate((0, 9, GROUPS_AT_MOST)):
        found: list[Group] = []
        for group in groups:
            if len(groups) > enough and found and _distance(found[-1], group) <= near:
                group = _together(found.pop(), group)
            found.append(group)
        groups = found
    while len(groups) > GROUPS_AT_MOST:
        pairs = [_together(*pair) for pair in pairwise(groups)]
        n = min(range(len(pairs)), key=lambda n: len(pairs[n].texts) * pairs[n].times)
        groups = [*groups[:n], pairs[n], *groups[n + 2 :]]
    return groups


def _distance(one: Group, other: Group) -> int:
    """0: the same again. 1: both convolutions of one size. 2: a convolution and its pooling. 3: others."""
    alike = (one.texts, one.block, one.size) == (other.texts, other.block, other.size)
    if alike and (one.block or one.shape == other.shape):
        return 0
    if one.block or other.block or one.kind != "convolution":
        return 3
    kinds = {"convolution": 1 if one.size == other.size else 3, "pooling": 2}
    return kinds.get(other.kind, 3)


def _together(one: Group, other: Group) -> Group:
    skips, times = one.skips + other.skips, one.times + other.times
    if not _distance(one, other):
        return replace(other, skips=skips, times=times)
    texts = one.texts * one.times + other.texts * other.times
    return replace(other, kind=one.kind, texts=texts, times=1, block=False, skips=skips)
