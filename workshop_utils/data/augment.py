"""Whole batches, changed at random: what makes few pictures go further."""

from collections.abc import Callable
from numbers import Integral

import torch
import torch.nn.functional as F
from torch import Tensor


def augmentation(
    *, crop: int = 0, flip: bool = False, rotate: float = 0, jitter: float = 0
) -> Callable[[Tensor], Tensor]:
    """A function that changes every picture of a batch in its own way; for `Batches(augment=...)` and `fit(augment=...)`.

    (B, C, H, W) floats to the same shape. crop: shift by up to so many pixels, what is left free is 0 (the mean, once
    pictures are normalised). flip: mirror half of them, left to right. rotate: turn by up to so many degrees. jitter:
    change brightness, contrast and, in colour, saturation by up to this fraction. `torch.manual_seed` repeats it.
    Raises ValueError for a negative number, a turn above 180 or a jitter above 1.
    """
    if not (isinstance(crop, Integral) and crop >= 0 and 0 <= rotate <= 180 and 0 <= jitter <= 1):
        raise ValueError(
            f"crop counts pixels, rotate lies in 0..180 degrees, jitter in 0..1; these are {crop}, {rotate} and {jitter}."
        )

    def augment(images: Tensor) -> Tensor:
        if not len(images):
            return images
        images = rotated(images, rotate) if rotate else images
        images = cropped(images, crop) if crop else images
        images = flipped(images) if flip else images
        return jittered(images, jitter) if jitter else images

    return augment


def cropped(images: Tensor, pixels: int) -> Tensor:
    """Each picture shifted by its own -pixels..pixels in both directions."""
    count, maps, height, width = images.shape
    rows, columns = torch.randint(0, 2 * pixels + 1, (2, count, 1, 1), device=images.device)
    padded = F.pad(images, [pixels] * 4)
    # every run of `width` pixels in memory, as a view: a row of a cropped picture is one of them, copied as a whole
    runs = padded.flatten().unfold(0, width, 1)
    number = torch.arange(count * maps, device=images.device).view(count, maps, 1)
    row = number * padded.shape[2] + rows + torch.arange(height, device=images.device)
    chosen = row * padded.shape[3] + columns
    return runs.index_select(0, chosen.flatten()).view(images.shape)


def flipped(images: Tensor) -> Tensor:
    """About half of the pictures mirrored, left to right."""
    mirrored = (torch.rand(len(images), device=images.device) < 0.5).nonzero().squeeze(1)
    return images.index_copy(0, mirrored, images.index_select(0, mirrored).flip(-1))


def rotated(images: Tensor, degrees: float) -> Tensor:
    """Each picture turned around its centre by its own -degrees..degrees."""
    return turned(images, (2 * torch.rand(len(images), device=images.device) - 1) * degrees)


def turned(images: Tensor, degrees: Tensor) -> Tensor:
    """Each picture turned clockwise around its centre by its own number of degrees, (B,); what is left free is 0."""
    angles = torch.deg2rad(-degrees)
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    height, width = images.shape[2:]  # the grid's axes run from -1 to 1 whatever the sides are
    turns = [cos, -sin * height / width, zero, sin * width / height, cos, zero]
    matrices = torch.stack(turns, 1).view(-1, 2, 3)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def jittered(images: Tensor, fraction: float) -> Tensor:
    """Each picture with its own brightness, contrast and saturation, changed by up to the fraction."""
    changes = (2 * torch.rand(3, len(images), 1, 1, 1, device=images.device) - 1) * fraction
    brightness, contrast, saturation = changes
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (1 + saturation)
    middle = images.mean((1, 2, 3), keepdim=True)
    return middle + (images - middle) * (1 + contrast) + brightness
