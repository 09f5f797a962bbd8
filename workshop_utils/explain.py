"""Looking inside a net: what a layer sees, and where the net looked."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from workshop_utils import device as devices
from workshop_utils.models.modes import evaluating, in_evaluation_mode


def feature_maps(model: nn.Module, image: Tensor, layer: str) -> Tensor:
    """What one layer makes of one picture.

    image: (C, H, W) float32, normalised as in training. layer: its name, as `models.summary` lists it. Returns (channels,
    height, width) float32. Raises ValueError if there is no such layer, or it gives no maps.
    """
    with evaluating(model):
        maps, _ = _maps(model, image, layer, Tensor.clone)
    return maps[0][0].cpu()


def grad_cam(model: nn.Module, image: Tensor, target: int, *, layer: str | None = None) -> Tensor:
    """Where `model` looked when it scored class `target`.

    image: (C, H, W) float32, normalised as in training. layer: whose maps are weighed; the last with maps larger than
    1 x 1 if not given. Returns (H, W) float32 in 0..1; all zeros if nothing speaks for `target`. The net stays as it is.
    Raises ValueError if the net or the layer has no such maps, or `target` is not one of its classes.
    Source: Selvaraju et al. 2017, equations 1 and 2, arXiv:1610.02391.
    """
    layer = last_layer_with_maps(model, image) if layer is None else layer
    cut = lambda maps: maps.detach().clone().requires_grad_()  # gradients flow to here, no further
    with in_evaluation_mode(model), torch.enable_grad():
        (*_, maps), scores = _maps(model, image, layer, cut)  # of its last run
        if not 0 <= target < len(scores):
            raise ValueError(f"The net has the classes 0 to {len(scores) - 1}; target is {target}.")
        (gradient,) = torch.autograd.grad(scores[target], maps)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = F.relu((weights * maps.detach()).sum(1, keepdim=True))
    heat = F.interpolate(heat, image.shape[1:], mode="bilinear", align_corners=False)[0, 0]
    return (heat / heat.max().clamp(min=1e-12)).cpu()


def last_layer_with_maps(model: nn.Module, image: Tensor) -> str:
    """The name of the last layer that gives maps larger than 1 x 1. Raises ValueError if there is none."""
    names = {layer: name for name, layer in model.named_modules() if name}
    found: list[str] = []

    def watch(layer: nn.Module, _, output) -> None:
        maps = isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1
        if maps and layer in names:
            found.append(names[layer])

    with register_module_forward_hook(watch), evaluating(model):
        _scores(model, image)
    if not found:
        raise ValueError("This net has no convolution whose maps could be weighed.")
    return found[-1]


def _scores(model: nn.Module, image: Tensor) -> Tensor:
    return model(image.unsqueeze(0).to(devices.of(model)))[0]


def _maps(
    model: nn.Module, image: Tensor, layer: str, taken: Callable[[Tensor], Tensor]
) -> tuple[list[Tensor], Tensor]:
    """The maps (1, C, H, W) of each run of one layer, as `taken` takes them, and the scores that the net then gives.

    The net goes on with a copy: an activation that works in place would rewrite the maps.
    """
    caught: list[Tensor] = []
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(
            f"This net has no layer '{layer}'. models.summary(net, {tuple(image.shape)}) lists its layers."
        )

    def catch(_, __, output: Tensor) -> Tensor:
        caught.append(taken(output))
        return caught[-1].clone()

    with layers[layer].register_forward_hook(catch):
        scores = _scores(model, image)
    if not caught or caught[0].ndim != 4:
        given = f"a shape of {tuple(caught[0].shape[1:])}" if caught else "nothing for a picture"
        raise ValueError(f"Layer '{layer}' gives {given} and no maps of height and width.")
    return caught, scores
