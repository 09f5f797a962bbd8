"""What architectures there are, and how to build one by its name."""

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import torch
from torch import nn

from workshop_utils import errors
from workshop_utils.tables import Table

TORCHVISION = (
    "torchvision's first weights, IMAGENET1K_V1, https://docs.pytorch.org/vision/stable/models.html"
)
Builder = Callable[..., nn.Module]  # (*, classes, channels=3) -> net


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What there is to know about an architecture before it is built.

    layers: convolutions and dense layers one after another, side branches left out; a separable convolution counts twice.
    parameters: with the number of classes and channels that `source` states. pixels: the side of the pictures that it was
    made for. top1, top5: ImageNet accuracy in percent of one net, as `source` has it, or None. top1_v2: of torchvision's second
    weights, IMAGENET1K_V2, the same net trained by a longer recipe, or None. ours: whether it was made for this course.
    builder: what stands below the card.
    """

    name: str
    title: str
    year: int
    paper: str
    layers: int
    parameters: int
    pixels: int = 224
    top1: float | None = None
    top5: float | None = None
    top1_v2: float | None = None
    source: str = TORCHVISION
    idea: str
    ours: bool = False
    builder: Builder = field(repr=False)

    @property
    def pretrained(self) -> Callable[[str], nn.Module] | None:
        """Title -> the net with weights from ImageNet and their preprocessing, if the builder knows some."""
        return getattr(self.builder, "pretrained", None)


CARDS: dict[str, ModelCard] = {}


def architecture(*, name: str = "", **facts) -> Callable[[Builder], Builder]:
    """Lists the builder that stands below under its own name or, for a library's net, `name`.

    facts: the other fields of a ModelCard. The builder takes classes and channels by name.
    """

    def listed(builder: Builder) -> Builder:
        card = ModelCard(name=name or builder.__name__, builder=builder, **facts)
        CARDS[card.name] = card
        return builder

    return listed


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
            "top-1, %": lambda card: f"{card.top1:.1f}" if card.top1 else "",
            "top-5, %": lambda card: f"{card.top5:.1f}" if card.top5 else "",
            "top-1 of V2, %": lambda card: f"{card.top1_v2:.1f}" if card.top1_v2 else "",
            "idea": lambda card: card.idea,
        },
    )


def card(name: str) -> ModelCard:
    """The card of one architecture. Raises ValueError, with the nearest name, if there is none."""
    if name not in CARDS:
        raise errors.unknown("model", name, CARDS, "models.catalog()")
    return CARDS[name]


def build(name: str, *, classes: int, channels: int = 3, pretrained: bool = False) -> nn.Module:
    """A net that turns (B, channels, H, W) float32 into one (B, classes) tensor of logits, in train and eval alike.

    pretrained: with weights from ImageNet and their preprocessing as `.preprocess`; the head is new unless classes is
    1000. Raises ValueError for an unknown name, for weights that do not exist or do not fit, and RuntimeError where
    they cannot be had without a network.
    """
    found = card(name)
    if classes < 2:
        raise ValueError(f"A classifier needs two classes or more; classes is {classes}.")
    if not pretrained:
        model = found.builder(classes=classes, channels=channels)
    elif not found.pretrained:
        known = ", ".join(card.name for card in CARDS.values() if card.pretrained)
        raise ValueError(f"There are no pretrained weights for '{name}'. There are for: {known}.")
    elif channels != 3:
        raise ValueError(
            f"Pretrained nets read RGB, so channels must stay 3, not {channels}; their .preprocess turns grey pictures into RGB."
        )
    else:
        model = found.pretrained(found.title)
        if classes != 1000:
            place, old = head(model)
            model.set_submodule(place, nn.Linear(old.in_features, classes))
    model.architecture = name  # for `models.save`
    # Pixels of all channels side by side in memory: on a CPU every net here trains and predicts 1.04 to 1.6 times as fast.
    return model.to(memory_format=torch.channels_last)


def head(model: nn.Module) -> tuple[str, nn.Linear]:
    """(name, layer) of the last linear layer that the net calls, which turns features into logits.

    Where its way cannot be told without a picture, it is the one that was defined last. Raises ValueError if there is none,
    if a convolution gives the scores, or the net ends in its features.
    """
    layers = dict(model.named_modules(remove_duplicate=False))
    weighing = [name for name, layer in layers.items() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    ends = [name for name in weighing if isinstance(layers[name], nn.Linear)]
    if len(ends) > 1 or ends != weighing[-1:]:
        ends = [name for name in _called(model) if name in weighing] or ends
    if headless(model) or not ends or not isinstance(layer := layers[ends[-1]], nn.Linear):
        raise ValueError(
            "This net has no linear layer at its end, so it has no head to take off or to train."
        )
    return ends[-1], layer


def headless(model: nn.Module) -> bool:
    """Whether a net ends in its features, as timm builds it with num_classes=0, or with nn.Identity in its head's place."""
    *_, last = model.modules()
    with suppress(AttributeError):  # timm's own word: a head of its nets may end in an Identity
        last = model.get_classifier()
    return getattr(model, "num_classes", None) == 0 or isinstance(last, nn.Identity)


def _called(model: nn.Module) -> list[str]:
    """The names of the layers in the order in which the net calls them; empty where its code depends on the picture."""
    from torch.fx import Tracer

    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    try:
        # a copy without weights of its own: what its forward keeps stays out of the net
        nodes = Tracer().trace(copy.deepcopy(model, shared)).nodes
    except Exception:  # code that looks at values cannot be followed
        return []
    return [str(node.target) for node in nodes if node.op == "call_module"]
