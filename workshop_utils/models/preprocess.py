"""From a picture of any size to what a pretrained net was trained to read."""

import torch
from torch import nn
from torchvision.transforms import v2


def preprocessing(
    *,
    resize: int,
    crop: int,
    mean: list[float],
    std: list[float],
    interpolation: v2.InterpolationMode = v2.InterpolationMode.BICUBIC,
) -> nn.Module:
    """A function from uint8 (C, H, W), (B, C, H, W) or a PIL picture to float32 (..., 3, crop, crop).

    The short side is scaled to `resize` pixels, the centre is cut out, grey becomes RGB, and pixels on a scale
    of 0 to 1 are normalised by mean and std.
    """
    return v2.Compose(
        [
            v2.RGB(),
            v2.ToImage(),
            v2.Resize(resize, interpolation, antialias=True),
            v2.CenterCrop(crop),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
            v2.ToPureTensor(),
        ]
    )
