"""From a picture of any size to what a pretrained net was trained to read."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a net wants done to its pictures: a value to read, compare and call, no layer of the net.

    resize: the short side in pixels; crop: the side of the square that is then cut out of the middle. order: of the channels,
    "RGB" or "BGR". mean, std: of pixels on a scale of 0 to 1, in that order. Raises ValueError for another order.
    """

    resize: int
    crop: int
    order: str = "RGB"
    mean: Sequence[float]
    std: Sequence[float]
    interpolation: InterpolationMode = InterpolationMode.BICUBIC

    def __post_init__(self):
        if self.order not in ("RGB", "BGR"):
            raise ValueError(f"Channels come in the order 'RGB' or 'BGR', not {self.order!r}.")
        for name in ("mean", "std"):  # lists would have no hash
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))

    def __call__(self, picture) -> Tensor:
        """uint8 (C, H, W), (B, C, H, W) or a PIL picture, grey or in colours -> float32 (..., 3, crop, crop)."""
        pixels = F.to_image(F.grayscale_to_rgb(picture))
        pixels = F.resize(pixels, [self.resize], self.interpolation, antialias=True)
        pixels = F.to_dtype(F.center_crop(pixels, [self.crop]), torch.float32, scale=True)
        if self.order == "BGR":
            pixels = pixels.flip(-3)
        return F.normalize(pixels.as_subclass(Tensor), self.mean, self.std)

    @property
    def transforms(self) -> list:
        """The steps as torchvision's, for one version: read .resize, .crop, .mean and .std instead."""
        warnings.warn("Read .resize, .crop, .mean and .std.", DeprecationWarning, stacklevel=2)
        scaled = v2.Resize([self.resize], self.interpolation), v2.CenterCrop([self.crop])
        return [*scaled, v2.ToDtype(torch.float32, scale=True), v2.Normalize(self.mean, self.std)]


preprocessing = Preprocessing  # as `models.preprocessing(resize=..., ...)`
