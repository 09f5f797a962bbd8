"""Looking inside a net: what a layer sees, and where the net looked."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from workshop_utils import device as devices
from workshop_utils.data import ImageDataset
from workshop_utils.data.batches import reading
from workshop_utils.data.dataset import image_dataset
from workshop_utils.models.cost import answer
from workshop_utils.models.modes import evaluating, in_evaluation_mode, inside, known


def read_by(model: nn.Module, dataset: ImageDataset, number: int = 0) -> Tensor:
    """One picture of a set as the net reads it, (C, H, W) float32, on the net's device."""
    chosen = image_dataset(dataset).subset([number])
    images, _ = next(iter(reading(known(model, "preprocess"), chosen, device=devices.of(model))))
    return images[0]


def feature_maps(model: nn.Module, image: Tensor, layer: str, *, run: int = 0) -> Tensor:
    """What one layer makes of one picture.

    image: (C, H, W) float32, normalised as in training. layer: its name, as `models.summary` lists it. run: which of its runs that
    give maps, if there are several. Returns (channels, height, width) float32. Raises ValueError for no such layer, run or maps.
    """
    with evaluating(model):
        maps, _ = _maps(model, image, layer, Tensor.clone)
    if run >= len(maps):
        raise ValueError(f"Layer '{layer}' gives maps {len(maps)} times; there is no run {run}.")
    return _channels_first(maps[run], image)[0].float().cpu()


def attention(model: nn.Module, image: Tensor) -> list[Tensor]:
    """How much each place takes in of each other in the layers of attention, mean of their heads.

    image: (C, H, W) float32, normalised as in training. Returns, for each nn.MultiheadAttention in the order in which they run,
    (places, places) float32, each row the weights of one place, which add up to 1. Raises ValueError if the net has none.
    """
    found: list[Tensor] = []

    def weigh(layer: nn.MultiheadAttention, inputs: tuple, options: dict) -> None:
        asked = options | {"need_weights": True, "average_attn_weights": True}
        found.append(layer.forward(*inputs, **asked)[1][0].float().cpu())

    layers = [layer for layer in model.modules() if isinstance(layer, nn.MultiheadAttention)]
    with ExitStack() as hooks, evaluating(model):
        for layer in layers:
            hooks.enter_context(layer.register_forward_pre_hook(weigh, with_kwargs=True))
        answer(inside(model), _alone(image))
    if not found:
        raise ValueError(
            "This net has no nn.MultiheadAttention, whose weights could be read. Nets of timm compute their attention in layers of their own."
        )
    return found


def grad_cam(model: nn.Module, image: Tensor, target: int, *, layer: str | None = None) -> Tensor:
    """Where `model` looked when it scored class `target`.

    image: (C, H, W) float32, normalised as in training. layer: whose maps are weighed, those of its last run; if not given,
    the last convolution's, with what its normalisation, activation and block make of them. Returns (H, W) float32 in 0..1;
    all zeros if nothing speaks for `target`. The net stays as it is. Raises ValueError if the net or the layer has no such
    maps, `target` is not one of its classes, or the scores are not numbers.
    Source: Selvaraju et al. 2017, equations 1 and 2, arXiv:1610.02391.
    """
    return heat_and_scores(model, image, target, layer=layer)[0]


def heat_and_scores(
    model: nn.Module, image: Tensor, target: int | None, *, layer: str | None = None
) -> tuple[Tensor, Tensor]:
    """What `grad_cam` gives, and the (K,) scores of the same pass through the net; target None: the class that scores highest."""
    layer = last_layer_with_maps(model, image) if layer is None else layer
    cut = lambda maps: maps.detach().clone().requires_grad_()  # gradients flow to here, no further
    with in_evaluation_mode(model), torch.inference_mode(False), torch.enable_grad():
        (*_, maps), scores = _maps(model, _alone(image)[0].detach().clone(), layer, cut)
        if not isinstance(scores, Tensor) or scores.ndim != 2:
            shape = f" of shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else ""
            raise ValueError(
                f"The net answers with a {type(scores).__name__}{shape}, not with one tensor of a score a class. Have its forward return those alone."
            )
        scores = scores[0]
        target = int(scores.argmax()) if target is None else target
        if target not in range(len(scores)):
            raise ValueError(f"The net has the classes 0 to {len(scores) - 1}; target is {target}.")
        if not scores.isfinite().all():
            raise ValueError(
                "The net's scores for this picture are not numbers but NaN or infinite, so it looked nowhere. Lower the learning rate, or look for NaN in the picture."
            )
        score = scores[target] if scores.requires_grad else scores[target].requires_grad_()
        (gradient,) = torch.autograd.grad(score, maps, allow_unused=True)
    if gradient is None:
        raise ValueError(f"What layer '{layer}' gives does not reach the score of class {target}.")
    maps, gradient = (_channels_first(one.detach().float(), image) for one in (maps, gradient))
    heat = F.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True))
    heat = F.interpolate(heat, image.shape[1:], mode="bilinear", align_corners=False)[0, 0]
    return (heat / heat.max().clamp(min=1e-12)).cpu(), scores.detach()


def last_layer_with_maps(model: nn.Module, image: Tensor) -> str:
    """The name of the last layer whose maps, larger than 1 x 1, are as large as those of the last convolution that is called.

    Without a convolution it is the last that gives maps at all. Raises ValueError if there is none.
    """
    model = inside(model)
    names = {layer: name for name, layer in model.named_modules() if name}
    found: list[tuple[str, bool, torch.Size]] = []

    def watch(layer: nn.Module, _, output) -> None:
        maps = isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1
        if maps and layer in names:
            convolution = isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))
            found.append((names[layer], convolution, output.shape[2:]))

    with register_module_forward_hook(watch), evaluating(model):
        answer(model, _alone(image))
    if not found:
        raise ValueError("This net has no convolution whose maps could be weighed.")
    *_, size = [size for _, convolution, size in found if convolution] or [found[-1][2]]
    return [name for name, _, other in found if other == size][-1]


def _channels_first(maps: Tensor, image: Tensor) -> Tensor:
    """(1, C, H, W), also of a layer whose channels come last, as Swin's: there the sides before them have the picture's form."""
    form, first, last = (
        math.log(high / wide) for high, wide in (image.shape[1:], maps.shape[2:], maps.shape[1:3])
    )
    turned = abs(last - form) < abs(first - form) and maps.shape[3] > 1
    return maps.movedim(-1, 1) if turned else maps


def _alone(image: Tensor) -> Tensor:
    """A batch of one picture, (1, C, H, W). Raises ValueError for what is no picture as a net reads it."""
    if not isinstance(image, Tensor) or image.ndim != 3 or not image.is_floating_point():
        kind = f"a {type(image).__name__}"
        came = f"{image.dtype} of shape {tuple(image.shape)}" if isinstance(image, Tensor) else kind
        raise ValueError(
            f"The net cannot read pictures that are {came}: it takes one, (C, H, W) of normalised floats. explain.read_by(net, dataset, number) gives it."
        )
    return image.unsqueeze(0)


def _maps(
    model: nn.Module, image: Tensor, layer: str, taken: Callable[[Tensor], Tensor]
) -> tuple[list[Tensor], Any]:
    """The maps (1, C, H, W) of each run of one layer that gives some, as `taken` takes them, and what the net then answers.

    The net goes on with a copy: an activation that works in place would rewrite the maps.
    """
    caught: list[Tensor] = []
    given, model = "nothing for a picture", inside(model)
    layers = dict(model.named_modules(remove_duplicate=False))
    if layer not in layers:
        lists = f"models.summary(net, {tuple(image.shape)}) lists its layers."
        raise ValueError(f"This net has no layer '{layer}'. {lists}")

    def catch(_, __, output) -> Tensor | None:
        nonlocal given
        if not isinstance(output, Tensor) or output.ndim != 4:
            shape = f"shape of {tuple(output.shape[1:])}" if isinstance(output, Tensor) else ""
            given = f"a {shape or type(output).__name__}"
            return None
        caught.append(taken(output))
        return caught[-1].clone()

    with layers[layer].register_forward_hook(catch):
        scores = answer(model, _alone(image))
    if not caught:
        raise ValueError(f"Layer '{layer}' gives {given} and no maps of height and width.")
    return caught, scores
