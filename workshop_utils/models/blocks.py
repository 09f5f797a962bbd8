"""Blocks: the idea of each famous architecture in one small net that is the same for all, deep nets of one block, and the parts of our own nets."""

from bisect import bisect_right
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d

from workshop_utils import errors
from workshop_utils.models.stack import Inception, ResBlock

Block = Callable[[int, int], nn.Module]  # (c_in, c_out) -> (B, c_in, H, W) to (B, c_out, H, W)
WIDEST, PATCH = 256, 4


def small(
    block: str | Block, *, classes: int, channels: int = 3, budget: int = 50_000
) -> nn.Module:
    """A stem, three blocks of one idea with pooling before each, an average and a head: (B, channels, H, W) from 8 x 8 on -> (B, classes).

    block: a name of IDEAS, or a function (c_in, c_out) that gives a layer from (B, c_in, H, W) to (B, c_out, H, W). The maps are
    as many as fit into `budget` parameters, twice as many in each block, so that nets of different ideas can be compared. Raises
    ValueError for an idea that there is not, with those that there are, and for a budget that is too small.
    """
    if isinstance(block, str) and block not in IDEAS:
        raise errors.unknown("idea", block, IDEAS, "models.IDEAS")
    make = IDEAS[block] if isinstance(block, str) else block

    def size(width: int) -> int:
        with torch.device("meta"):
            net = of_width(make, width, classes=classes, channels=channels)
        return sum(parameter.numel() for parameter in net.parameters())

    widths = range(4, WIDEST + 1, 4)
    fitting = bisect_right(widths, budget, key=size)
    if not fitting:
        name = block if isinstance(block, str) else block.__name__
        raise ValueError(
            f"{budget:,} parameters are too few for '{name}': the smallest has {size(4):,}."
        )
    net = of_width(make, widths[fitting - 1], classes=classes, channels=channels)
    return net.to(memory_format=torch.channels_last)


def of_width(block: Block, width: int, *, classes: int, channels: int = 3) -> nn.Module:
    """The net of `small` with `width` maps in its stem and first block, twice as many in each block after it.

    A vision transformer does not shrink its maps: its stem cuts the picture into patches of 4 x 4 pixels, and all blocks have `width`.
    """
    if block is _vit:
        cut = nn.Conv2d(channels, width, PATCH, stride=PATCH)
        equal = [block(width, width) for _ in range(3)]
        return nn.Sequential(cut, Positions(), *equal, *averaged(width, classes))
    stages = [
        nn.Sequential(nn.MaxPool2d(2), block(c_in, c_out))
        for c_in, c_out in ((width, width), (width, 2 * width), (2 * width, 4 * width))
    ]
    return nn.Sequential(convolution(channels, width), *stages, *averaged(4 * width, classes))


def deep(layers: int, *, skip: bool, classes: int, channels: int = 3) -> nn.Module:
    """A narrow net of equal pairs of 3x3 convolutions, plain or with a skip connection around each pair: (B, channels, H, W) -> (B, classes).

    layers: convolutions and the head, an even number from 4 on, else ValueError. The stem quarters height and width, so that deep
    nets can be trained on a laptop. Source: the plain and residual nets of He et al. 2015, section 3.3, in small.
    """
    if layers < 4 or layers % 2:
        raise ValueError(
            f"A stem, pairs of convolutions and a head make an even number of layers, 4 or more; {layers} is none."
        )
    pairs = [(ResBlock if skip else _vgg)(16, 16) for _ in range(layers // 2 - 1)]
    stem = [convolution(channels, 16), nn.MaxPool2d(4)]
    net = nn.Sequential(*stem, *pairs, *averaged(16, classes))
    return net.to(memory_format=torch.channels_last)


def averaged(maps: int, classes: int) -> list[nn.Module]:
    """The end of a net: each map becomes its average, and the averages become scores."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, classes)]


def convolution(
    c_in: int, c_out: int, kernel: int = 3, *, groups: int = 1, relu: bool = True
) -> nn.Module:
    """A convolution that keeps height and width, batch normalisation and, unless something is to be added before it, ReLU."""
    weights = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(weights, nn.BatchNorm2d(c_out), *([nn.ReLU()] if relu else []))


class Residual(nn.Module):
    """What `body` gives is added to the input; where the channels differ, a 1x1 convolution matches them."""

    def __init__(self, c_in: int, c_out: int, body: nn.Module):
        super().__init__()
        self.body = body
        self.skip = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.skip(x)


class Squeeze(nn.Module):
    """Each channel is multiplied by a weight from 0 to 1 that depends on the averages of all channels."""

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(4, channels // 8)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(x)


class Dense(nn.Module):
    """Three layers, each of which reads the maps of all before it; a 1x1 convolution brings them together."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        growth = c_out // 4
        self.layers = nn.ModuleList(
            convolution(c_in + number * growth, growth) for number in range(3)
        )
        self.merge = convolution(c_in + 3 * growth, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return self.merge(x)


def separable(c_in: int, c_out: int, *, relu: bool = True) -> nn.Module:
    """First across pixels, each channel alone, then across channels."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False),
        convolution(c_in, c_out, 1, relu=relu),
    )


class Attention(nn.Module):
    """Every place of the maps takes in what the others hold, the more the better they answer it: (B, C, H, W) -> the same.

    Two heads, each for half of the maps. Source: Vaswani et al. 2017, section 3.2, arXiv:1706.03762.
    """

    def __init__(self, maps: int, heads: int = 2):
        super().__init__()
        self.mix = nn.MultiheadAttention(maps, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).transpose(1, 2)
        mixed, _ = self.mix(places, places, places, need_weights=False)
        return mixed.transpose(1, 2).unflatten(2, x.shape[2:])


class Positions(nn.Module):
    """Adds to each place sines and cosines of its row and column, for attention alone does not know where a place is.

    Source: Beyer et al. 2022, "Better plain ViT baselines", arXiv:2205.01580: as good as learned positions, for any height and width.
    """

    def forward(self, x: Tensor) -> Tensor:
        maps, height, width = x.shape[1:]
        rates = 1 / 10_000 ** torch.linspace(0, 1, maps // 4, device=x.device)
        rows, columns = torch.meshgrid(
            *(torch.arange(n, device=x.device) for n in (height, width)), indexing="ij"
        )
        angles = [rates.view(-1, 1, 1) * along for along in (rows, columns)]
        return x + torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)])


def _pair(c_in: int, c_out: int) -> nn.Module:
    """Two 3x3 convolutions; the second has no ReLU, for it comes after the addition."""
    return nn.Sequential(convolution(c_in, c_out), convolution(c_out, c_out, relu=False))


def _lenet(c_in: int, c_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 5, padding=2), nn.Tanh())


def _alexnet(c_in: int, c_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 5, padding=2), nn.ReLU(), nn.Dropout2d(0.1))


def _alexnet_bn(c_in: int, c_out: int) -> nn.Module:
    return nn.Sequential(convolution(c_in, c_out, 5), nn.Dropout2d(0.1))


def _zfnet(c_in: int, c_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.1))


def _vgg(c_in: int, c_out: int) -> nn.Module:
    return nn.Sequential(convolution(c_in, c_out), convolution(c_out, c_out))


def _resnext(c_in: int, c_out: int) -> nn.Module:
    middle = c_out // 2 * 2
    body = nn.Sequential(
        convolution(c_in, middle, 1),
        convolution(middle, middle, groups=4),
        convolution(middle, c_out, 1, relu=False),
    )
    return nn.Sequential(Residual(c_in, c_out, body), nn.ReLU())


def _senet(c_in: int, c_out: int) -> nn.Module:
    body = nn.Sequential(_pair(c_in, c_out), Squeeze(c_out))
    return nn.Sequential(Residual(c_in, c_out, body), nn.ReLU())


def _xception(c_in: int, c_out: int) -> nn.Module:
    body = nn.Sequential(separable(c_in, c_out), separable(c_out, c_out, relu=False))
    return Residual(c_in, c_out, body)


def _efficientnet(c_in: int, c_out: int) -> nn.Module:
    wide = 4 * c_in
    expand, across = convolution(c_in, wide, 1), convolution(wide, wide, groups=wide)
    squeeze, shrink = Squeeze(wide), convolution(wide, c_out, 1, relu=False)
    return Residual(c_in, c_out, nn.Sequential(expand, across, squeeze, shrink))


def _vit(c_in: int, c_out: int) -> nn.Module:
    mix = nn.Sequential(LayerNorm2d(c_in), Attention(c_in))
    think = nn.Sequential(LayerNorm2d(c_in), *_widened(c_in, c_out))
    return nn.Sequential(Residual(c_in, c_in, mix), Residual(c_in, c_out, think))


def _convnext(c_in: int, c_out: int) -> nn.Module:
    across = nn.Conv2d(c_in, c_in, 7, padding=3, groups=c_in)
    body = nn.Sequential(across, LayerNorm2d(c_in), *_widened(c_in, c_out))
    return Residual(c_in, c_out, body)


def _widened(c_in: int, c_out: int) -> list[nn.Module]:
    """Each place alone: to four times as many maps, GELU, and back."""
    return [nn.Conv2d(c_in, 4 * c_in, 1), nn.GELU(), nn.Conv2d(4 * c_in, c_out, 1)]


# "alexnet_bn" is no idea of its own but what AlexNet's block gains from batch normalisation alone
IDEAS: dict[str, Block] = {
    "lenet": _lenet,
    "alexnet": _alexnet,
    "alexnet_bn": _alexnet_bn,
    "zfnet": _zfnet,
    "vgg": _vgg,
    "googlenet": Inception,
    "resnet": ResBlock,
    "resnext": _resnext,
    "densenet": Dense,
    "senet": _senet,
    "xception": _xception,
    "efficientnet": _efficientnet,
    "vit": _vit,
    "convnext": _convnext,
}


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
                f"This net reads pictures of at most {self.side} x {self.side} pixels; these have {height} x {width}. Shrink them, or take small_vgg or small_resnet."
            )
        top, left = (self.side - height) // 2, (self.side - width) // 2
        return F.pad(images, (left, self.side - width - left, top, self.side - height - top))


class PlainBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, then half the height and width: (B, c_in, H, W) -> (B, c_out, H/2, W/2)."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.first = convolution(c_in, c_out, relu=False)
        self.second = convolution(c_out, c_out, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.second(F.relu(self.first(x)))), 2)


class ResidualBlock(PlainBlock):
    """The plain block, but its input is added to its output; a 1x1 convolution matches the channels first."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__(c_in, c_out)
        self.skip = nn.Conv2d(c_in, c_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.second(F.relu(self.first(x))) + self.skip(x)), 2)


class EachPlace(nn.Sequential):
    """Layers for vectors, which read each place of the maps alone; the mean over all places: (B, C, H, W) -> (B, outputs)."""

    def forward(self, maps: Tensor) -> Tensor:
        places = maps.permute(0, 2, 3, 1)
        return super().forward(places.flatten(0, 2)).unflatten(0, places.shape[:3]).mean((1, 2))


class Rectified(nn.Linear):
    """A linear layer with ReLU: what speaks against a class at one place takes nothing from another."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values).relu()
