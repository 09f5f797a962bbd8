"""The cards of the architectures: who, when, how large, how good, and the one idea."""

from dataclasses import dataclass

from workshop_utils import errors
from workshop_utils.tables import Table

TORCHVISION = "torchvision's table of weights, https://docs.pytorch.org/vision/stable/models.html"
TIMM = "timm's results-imagenet.csv, https://github.com/huggingface/pytorch-image-models/tree/main/results"
OURS = "made for this course"


@dataclass(frozen=True)
class ModelCard:
    """What there is to know about an architecture before it is built.

    layers: convolutions and dense layers one after another, side branches left out; a separable convolution counts twice.
    parameters: with the number of classes and channels that `source` states. pixels: the side of the pictures that it was
    made for. top1, top5: ImageNet accuracy in percent of one net, as `source` has it, or None. library: where
    the net comes from, "here" or a library and its name there, which has weights.
    """

    name: str
    title: str
    year: int
    paper: str
    layers: int
    parameters: int
    pixels: int
    top1: float | None
    top5: float | None
    source: str
    idea: str
    library: str


CARDS = {
    card.name: card
    for card in (
        ModelCard(
            "lenet",
            "LeNet-5",
            1998,
            "LeCun et al., Gradient-based learning applied to document recognition, section II-B",
            5,
            61_706,
            32,
            None,
            None,
            "arithmetic, 1 channel and 10 classes; 1998 had tanh, trained subsampling, a sparse second convolution and RBF outputs, here ReLU, "
            "max pooling, full connections and a linear output",
            "convolve, shrink, repeat, then decide",
            "here",
        ),
        ModelCard(
            "alexnet",
            "AlexNet",
            2012,
            "Krizhevsky et al., ImageNet classification with deep convolutional neural networks",
            8,
            61_100_840,
            224,
            56.522,
            79.066,
            TORCHVISION
            + "; the single-tower variant of 2014 (arXiv:1404.5997), 2012 had two towers and local response normalisation",
            "deeper, with ReLU, dropout and augmentation, on GPUs",
            "torchvision/alexnet",
        ),
        ModelCard(
            "zfnet",
            "ZFNet",
            2013,
            "Zeiler and Fergus, arXiv:1311.2901, figure 3",
            8,
            62_357_608,
            224,
            61.6,
            83.5,
            "arithmetic from figure 3, 3 channels and 1,000 classes; the paper's contrast normalisation is left out; accuracy: the paper's table 2",
            "AlexNet after a look inside: finer first layers",
            "here",
        ),
        ModelCard(
            "vgg16",
            "VGG-16",
            2014,
            "Simonyan and Zisserman, arXiv:1409.1556",
            16,
            138_357_544,
            224,
            71.592,
            90.382,
            TORCHVISION,
            "nothing but 3x3 convolutions, stacked",
            "torchvision/vgg16",
        ),
        ModelCard(
            "vgg19",
            "VGG-19",
            2014,
            "Simonyan and Zisserman, arXiv:1409.1556",
            19,
            143_667_240,
            224,
            72.376,
            90.876,
            TORCHVISION,
            "the same, three layers deeper",
            "torchvision/vgg19",
        ),
        ModelCard(
            "googlenet",
            "GoogLeNet",
            2014,
            "Szegedy et al., arXiv:1409.4842",
            22,
            6_624_904,
            224,
            69.778,
            89.530,
            TORCHVISION
            + "; without the auxiliary heads; with batch normalisation, and 3x3 where the paper has 5x5",
            "several kernel sizes side by side in each block",
            "torchvision/googlenet",
        ),
        ModelCard(
            "resnet18",
            "ResNet-18",
            2015,
            "He et al., arXiv:1512.03385",
            18,
            11_689_512,
            224,
            69.758,
            89.078,
            TORCHVISION,
            "add the input to the output of each block",
            "torchvision/resnet18",
        ),
        ModelCard(
            "resnet50",
            "ResNet-50",
            2015,
            "He et al., arXiv:1512.03385",
            50,
            25_557_032,
            224,
            76.130,
            92.862,
            TORCHVISION,
            "blocks with a 1x1 bottleneck",
            "torchvision/resnet50",
        ),
        ModelCard(
            "resnet101",
            "ResNet-101",
            2015,
            "He et al., arXiv:1512.03385",
            101,
            44_549_160,
            224,
            77.374,
            93.546,
            TORCHVISION,
            "the same, twice as deep",
            "torchvision/resnet101",
        ),
        ModelCard(
            "resnet152",
            "ResNet-152",
            2015,
            "He et al., arXiv:1512.03385",
            152,
            60_192_808,
            224,
            78.312,
            94.046,
            TORCHVISION,
            "the same, three times as deep",
            "torchvision/resnet152",
        ),
        ModelCard(
            "resnext50",
            "ResNeXt-50, 32x4d",
            2016,
            "Xie et al., arXiv:1611.05431",
            50,
            25_028_904,
            224,
            77.618,
            93.698,
            TORCHVISION,
            "many narrow paths in each block: grouped convolutions",
            "torchvision/resnext50_32x4d",
        ),
        ModelCard(
            "densenet121",
            "DenseNet-121",
            2016,
            "Huang et al., arXiv:1608.06993",
            121,
            7_978_856,
            224,
            74.434,
            91.972,
            TORCHVISION,
            "each layer reads the maps of all before it",
            "torchvision/densenet121",
        ),
        ModelCard(
            "xception",
            "Xception",
            2016,
            "Chollet, arXiv:1610.02357",
            71,
            22_855_952,
            299,
            79.040,
            94.382,
            TIMM + "; at 299 x 299 pixels",
            "first across pixels, then across channels: separable convolutions",
            "timm/legacy_xception.tf_in1k",
        ),
        ModelCard(
            "seresnet50",
            "SE-ResNet-50",
            2017,
            "Hu et al., arXiv:1709.01507",
            50,
            28_088_024,
            224,
            77.644,
            93.758,
            TIMM,
            "each channel gets a weight that depends on the picture",
            "timm/legacy_seresnet50.in1k",
        ),
        ModelCard(
            "efficientnet_b0",
            "EfficientNet-B0",
            2019,
            "Tan and Le, arXiv:1905.11946",
            50,
            5_288_548,
            224,
            77.692,
            93.532,
            TORCHVISION,
            "depth, width and resolution grow together",
            "torchvision/efficientnet_b0",
        ),
        ModelCard(
            "efficientnet_lite0",
            "EfficientNet-Lite0",
            2020,
            "Tan and Le, arXiv:1905.11946; Liu, Higher accuracy on vision models with EfficientNet-Lite",
            50,
            4_652_008,
            224,
            75.1,
            None,
            "the authors' table, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
            "EfficientNet-B0 for phones: ReLU6, no squeeze-and-excitation",
            "timm/tf_efficientnet_lite0.in1k",
        ),
        ModelCard(
            "small_vgg",
            "Small VGG",
            2026,
            "after VGG",
            7,
            72_666,
            28,
            None,
            None,
            OURS + ", 1 channel and 10 classes",
            "three pairs of 3x3 convolutions for small pictures",
            "here",
        ),
        ModelCard(
            "small_resnet",
            "Small ResNet",
            2026,
            "after ResNet",
            7,
            75_242,
            28,
            None,
            None,
            OURS + ", 1 channel and 10 classes",
            "the small VGG with skip connections",
            "here",
        ),
    )
}


def catalog() -> list[ModelCard]:
    """Every architecture that `models.build` knows, as a table in a notebook."""
    return Table(
        CARDS.values(),
        {
            "name": lambda card: card.name,
            "what": lambda card: card.title,
            "year": lambda card: str(card.year),
            "layers": lambda card: card.layers,
            "parameters": lambda card: card.parameters,
            "top-1, %": lambda card: "" if card.top1 is None else f"{card.top1:.1f}",
            "top-5, %": lambda card: "" if card.top5 is None else f"{card.top5:.1f}",
            "idea": lambda card: card.idea,
        },
    )


def card(name: str) -> ModelCard:
    """The card of one architecture. Raises ValueError, with the nearest name, if there is none."""
    if name not in CARDS:
        raise errors.unknown("model", name, CARDS, "models.catalog()")
    return CARDS[name]
