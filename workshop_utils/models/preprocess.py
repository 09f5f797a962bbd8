"""From a picture of any size to what a pretrained net was trained to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from workshop_utils.data.pictures import decode
from workshop_utils.errors import DamagedFile, whole


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a net wants done to its pictures: a value to read, compare and call, no layer of the net.

    resize: the short side in pixels; crop: the side of the square that is then cut out of the middle. order: of the channels,
    "RGB" or "BGR". mean, std: of pixels on a scale of 0 to 1, in that order. Raises ValueError for another order,
    or numbers that fit no picture.
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
        whole(self.resize, "resize")
        whole(self.crop, "crop")
        for name in ("mean", "std"):  # lists would have no hash
            given = getattr(self, name)
            values = [given] * 3 if isinstance(given, Real) else given
            object.__setattr__(self, name, tuple(map(float, values)))
        if (
            not {len(self.mean), len(self.std)} <= {1, 3}
            or not all(0 <= one <= 1 for one in self.mean)
            or not all(one > 0 for one in self.std)
        ):
            raise ValueError(
                f"mean and std have one number for each of 3 channels, or one for all, mean from 0 to 1 and std above 0; these are {self.mean} and {self.std}."
            )

    def __call__(self, picture) -> Tensor:
        """uint8 (C, H, W) or (B, C, H, W), a PIL picture or an array (H, W, C) -> float32 (..., 3, crop, crop).

        C is 1 (grey), 3 (RGB), or 2 or 4 with how opaque each pixel is; PIL pictures and arrays become what
        `data.from_folder` makes of their files. Raises ValueError for anything else.
        """
        pixels = _on_white(picture if isinstance(picture, Tensor) else _decoded(picture))
        pixels = F.resize(self._middle(pixels), [self.resize], self.interpolation, antialias=True)
        pixels = F.to_dtype(F.center_crop(pixels, [self.crop]), torch.float32, scale=True)
        if self.order == "BGR":
            pixels = pixels.flip(-3)
        return F.normalize(pixels.as_subclass(Tensor), self.mean, self.std)

    def _middle(self, pixels: Tensor) -> Tensor:
        """Of a strip that is to be enlarged, the part that can reach the crop: the whole of it may not fit into the memory."""
        sides = pixels.shape[-2:]
        if min(sides) >= self.resize:
            return pixels
        most = 16 * min(sides) * max(self.crop, self.resize) // self.resize
        # as odd or even as the side was, so that the middle stays where it is
        return F.center_crop(pixels, [min(side, most + (side - most) % 2) for side in sides])


def _decoded(picture) -> Tensor:
    """The steps of a picture file, for a picture that is in memory."""
    if isinstance(picture, np.ndarray):
        array = picture.squeeze(2) if picture.shape[2:] == (1,) else picture
        try:
            picture = Image.fromarray(array)
        except (TypeError, ValueError, IndexError):
            raise ValueError(
                f"An array of shape {array.shape} and type {array.dtype} is no picture; expected is uint8 of shape (H, W) or (H, W, C). For a batch give a uint8 tensor (B, C, H, W)."
            ) from None
    if not isinstance(picture, Image.Image):
        raise ValueError(
            f"A {type(picture).__name__} is no picture. Give a PIL picture, as PIL.Image.open(path) opens it, or a uint8 tensor (C, H, W)."
        )
    try:
        return decode(picture)
    except DamagedFile as error:
        raise DamagedFile(f"This picture {error}.") from None


def _on_white(pixels: Tensor) -> Tensor:
    """Three channels of a tensor's one to four. Raises ValueError where they are none of a picture."""
    if pixels.ndim not in (3, 4) or pixels.shape[-3] not in range(1, 5) or not pixels.numel():
        raise ValueError(
            f"A tensor of shape {tuple(pixels.shape)} is no picture; expected is (C, H, W), or (B, C, H, W) for a batch, with 1 to 4 channels and no side of 0. From (H, W, C) it is pixels.permute(2, 0, 1)."
        )
    if pixels.dtype != torch.uint8:
        raise ValueError(
            f"Pixels must be uint8, from 0 to 255; these are {pixels.dtype}. Fractions from 0 to 1 become that by (pixels * 255).round().to(torch.uint8)."
        )
    if pixels.shape[-3] in (2, 4):
        colours, opaque = pixels.int().tensor_split([-1], dim=-3)
        pixels = ((colours * opaque + 255 * (255 - opaque) + 127) // 255).to(torch.uint8)
    return F.grayscale_to_rgb(pixels)


preprocessing = Preprocessing  # as `models.preprocessing(resize=..., ...)`
