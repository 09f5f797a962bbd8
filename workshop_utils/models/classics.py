"""The nets that are written out here: LeNet-5, ZFNet, and small relatives of VGG and ResNet for small pictures."""

import torch.nn.functional as F
from torch import Tensor, nn


class PadTo(nn.Module):
    """Puts a border of zeros around smaller pictures, so that (B, C, 28, 28) becomes (B, C, 32, 32).

    Raises ValueError for pictures beyond `side` pixels, which the net behind could not read.
    """

    def __init__(self, side: int):
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        if max(height, width) > self.side:
            raise ValueError(
                f"This net reads pictures of at most {self.side} x {self.side} pixels; these have {height} x {width}. "
                "Shrink them, or take small_vgg or small_resnet."
            )
        top, left = (self.side - height) // 2, (self.side - width) // 2
        return F.pad(images, (left, self.side - width - left, top, self.side - height - top))


def lenet(*, classes: int, channels: int = 3) -> nn.Module:
    """LeNet-5 with today's parts: (B, channels, 32, 32) or smaller pictures -> (B, classes) logits.

    Differs from 1998 in ReLU for tanh, max pooling for trained subsampling, all 6 x 16 connections in the second
    convolution, and a linear output layer. Source: LeCun et al. 1998, section II-B.
    """
    return nn.Sequential(
        PadTo(32),
        nn.Conv2d(channels, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, classes),
    )


def zfnet(*, classes: int, channels: int = 3) -> nn.Module:
    """ZFNet: (B, channels, 224, 224) pictures, or others of 63 pixels or more, -> (B, classes) logits.

    AlexNet with a first kernel of 7x7 for 11x11 and steps of 2 for 4. Differs from the paper in that contrast
    normalisation is left out. Source: Zeiler and Fergus 2013, arXiv:1311.2901, figure 3.
    """
    return nn.Sequential(
        nn.Conv2d(channels, 96, 7, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Conv2d(96, 256, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.AdaptiveAvgPool2d(6),
        nn.Flatten(),  # 224 x 224 pixels give 6 x 6 as they are; others are brought to it, as torchvision's AlexNet does
        nn.Dropout(),
        nn.Linear(256 * 6 * 6, 4096),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, classes),
    )


def small_vgg(*, classes: int, channels: int = 3) -> nn.Module:
    """Three pairs of 3x3 convolutions, each halved by pooling: (B, channels, H, W) from 8 x 8 pixels on -> (B, classes)."""
    return _small_net(PlainBlock, classes, channels)


def small_resnet(*, classes: int, channels: int = 3) -> nn.Module:
    """The small VGG with a skip connection around each pair: (B, channels, H, W) from 8 x 8 pixels on -> (B, classes)."""
    return _small_net(ResidualBlock, classes, channels)


class PlainBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, then half the height and width: (B, c_in, H, W) -> (B, c_out, H/2, W/2)."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)
        )
        self.second = nn.Sequential(
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.second(F.relu(self.first(x)))), 2)


class ResidualBlock(PlainBlock):
    """The plain block, but its input is added to its output; a 1x1 convolution matches the channels first."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(c_in, c_out)
        self.skip = nn.Conv2d(c_in, c_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.second(F.relu(self.first(x))) + self.skip(x)), 2)


def _small_net(block: type[nn.Module], classes: int, channels: int) -> nn.Module:
    widths = (16, 32, 64)
    blocks = [block(c_in, c_out) for c_in, c_out in zip((channels, *widths), widths)]
    return nn.Sequential(
        *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes)
    )
