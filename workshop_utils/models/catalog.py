"""The cards of the architectures: who, when, how large, how good, and the one idea."""

from dataclasses import dataclass

from workshop_utils import names
from workshop_utils.tables import Table

TORCHVISION = "torchvision's table of weights, https://docs.pytorch.org/vision/stable/models.html"
OURS = "made for this course"


@dataclass(frozen=True)
class ModelCard:
    """What there is to know about an architecture before it is built.

    parameters: with the number of classes and channels that `source` states. top1: ImageNet top-1 accuracy in percent
    of the weights that `pretrained=True` brings, or None where there are none.
    """

    name: str
    title: str
    year: int
    paper: str
    parameters: int
    top1: float | None
    source: str
    idea: str


CARDS = {card.name: card for card in (
    ModelCard("lenet", "LeNet-5", 1998, "LeCun et al., Gradient-based learning applied to document recognition, section II-B", 61_706, None,
              "arithmetic, 1 channel and 10 classes; 1998 had tanh, trained subsampling, a sparse second convolution and RBF outputs, here ReLU, "
              "max pooling, full connections and a linear output",
              "convolve, shrink, repeat, then decide"),
    ModelCard("alexnet", "AlexNet", 2012, "Krizhevsky et al., ImageNet classification with deep convolutional neural networks", 61_100_840, 56.522,
              TORCHVISION + "; the single-tower variant of 2014 (arXiv:1404.5997), 2012 had two towers and local response normalisation",
              "deeper, with ReLU, dropout and augmentation, on GPUs"),
    ModelCard("vgg16", "VGG-16", 2014, "Simonyan and Zisserman, arXiv:1409.1556", 138_357_544, 71.592, TORCHVISION, "nothing but 3x3 convolutions, stacked"),
    ModelCard("vgg19", "VGG-19", 2014, "Simonyan and Zisserman, arXiv:1409.1556", 143_667_240, 72.376, TORCHVISION, "the same, three layers deeper"),
    ModelCard("resnet18", "ResNet-18", 2015, "He et al., arXiv:1512.03385", 11_689_512, 69.758, TORCHVISION, "add the input to the output of each block"),
    ModelCard("resnet50", "ResNet-50", 2015, "He et al., arXiv:1512.03385", 25_557_032, 76.130, TORCHVISION, "blocks with a 1x1 bottleneck"),
    ModelCard("resnet101", "ResNet-101", 2015, "He et al., arXiv:1512.03385", 44_549_160, 77.374, TORCHVISION, "the same, twice as deep"),
    ModelCard("resnet152", "ResNet-152", 2015, "He et al., arXiv:1512.03385", 60_192_808, 78.312, TORCHVISION, "the same, three times as deep"),
    ModelCard("efficientnet_lite0", "EfficientNet-Lite0", 2020, "Tan and Le, arXiv:1905.11946; Liu, Higher accuracy on vision models with EfficientNet-Lite",
              4_652_008, 75.1, "the authors' table, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite", "EfficientNet-B0 for phones: ReLU6, no squeeze-and-excitation"),
    ModelCard("small_vgg", "Small VGG", 2026, "after VGG", 72_666, None, OURS + ", 1 channel and 10 classes", "three pairs of 3x3 convolutions for small pictures"),
    ModelCard("small_resnet", "Small ResNet", 2026, "after ResNet", 75_242, None, OURS + ", 1 channel and 10 classes", "the small VGG with skip connections"),
)}


def catalog() -> list[ModelCard]:
    """Every architecture that `models.build` knows, as a table in a notebook."""
    return Table(CARDS.values(), {
        "name": lambda card: card.name,
        "what": lambda card: card.title,
        "year": lambda card: str(card.year),
        "parameters": lambda card: card.parameters,
        "ImageNet top-1, %": lambda card: "" if card.top1 is None else f"{card.top1:.1f}",
        "idea": lambda card: card.idea,
    })


def card(name: str) -> ModelCard:
    """The card of one architecture. Raises ValueError, with the nearest name, if there is none."""
    if name not in CARDS:
        raise names.unknown("model", name, CARDS, "models.catalog()")
    return CARDS[name]
