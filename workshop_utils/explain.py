"""Looking inside a net: what a layer sees, and where the net looked."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workshop_utils import device as devices
from workshop_utils.models.modes import evaluating, in_evaluation_mode


def feature_maps(model: nn.Module, image: Tensor, layer: str) -> Tensor:
    """What one layer makes of one picture.

    image: (C, H, W) float32, normalised as in training. layer: its name, as `models.summary` lists it. Returns (channels,
    height, width) float32. Raises ValueError if there is no such layer, or it gives no maps.
    """
    caught = []
    # a copy: an activation that works in place would rewrite the map
    with (
        _named(model, layer, image).register_forward_hook(
            lambda _, __, output: caught.append(output.clone())
        ),
        evaluating(model),
    ):
        model(_batch(model, image))
    if not caught or caught[0].ndim != 4:
        raise ValueError(
            f"Layer '{layer}' gives {'nothing for a picture' if not caught else f'a shape of {tuple(caught[0].shape[1:])}'} and no maps of height and width."
        )
    return caught[0][0].cpu()


def grad_cam(model: nn.Module, image: Tensor, target: int, *, layer: str | None = None) -> Tensor:
    """Where `model` looked when it scored class `target`.

    image: (C, H, W) float32, normalised as in training. layer: whose maps are weighed; the last with maps larger than
    1 x 1 if not given. Returns (H, W) float32 in 0..1; all zeros if nothing speaks for `target`. The net stays as it is.
    Raises ValueError if the net or the layer has no such maps, or `target` is not one of its classes.
    Source: Selvaraju et al. 2017, equations 1 and 2, arXiv:1610.02391.
    """
    if layer is None:
        layer = last_layer_with_maps(model, image)
    caught = []

    def cut(_, __, output: Tensor) -> Tensor:
        """Gradients need to flow back to these maps and no further; the copy protects them from activations in place."""
        if output.ndim != 4:
            raise ValueError(
                f"Layer '{layer}' gives a shape of {tuple(output.shape[1:])} and no maps of height and width."
            )
        caught.append(output.detach().clone().requires_grad_())
        return caught[0].clone()

    with (
        _named(model, layer, image).register_forward_hook(cut),
        in_evaluation_mode(model),
        torch.enable_grad(),
    ):
        scores = model(_batch(model, image))[0]
        if not 0 <= target < len(scores):
            raise ValueError(f"The net has the classes 0 to {len(scores) - 1}; target is {target}.")
        (gradient,) = torch.autograd.grad(scores[target], caught[0])
    weights = gradient.mean((2, 3), keepdim=True)
    heat = F.relu((weights * caught[0].detach()).sum(1, keepdim=True))
    heat = F.interpolate(heat, image.shape[1:], mode="bilinear", align_corners=False)[0, 0]
    return (heat / heat.max().clamp(min=1e-12)).cpu()


def last_layer_with_maps(model: nn.Module, image: Tensor) -> str:
    """The name of the last layer that gives maps larger than 1 x 1. Raises ValueError if there is none."""
    found: list[str] = []
    hooks = [
        part.register_forward_hook(
            lambda _, __, output, name=name: (
                found.append(name)
                if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1
                else None
            )
        )
        for name, part in model.named_modules()
        if name
    ]
    try:
        with evaluating(model):
            model(_batch(model, image))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ValueError("This net has no convolution whose maps could be weighed.")
    return found[-1]


def _batch(model: nn.Module, image: Tensor) -> Tensor:
    return image.unsqueeze(0).to(devices.of(model))


def _named(model: nn.Module, layer: str, image: Tensor) -> nn.Module:
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(
            f"This net has no layer '{layer}'. models.summary(net, {tuple(image.shape)}) lists its layers."
        )
    return layers[layer]
