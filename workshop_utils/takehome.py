"""Nets to take home: each becomes one web page that holds it and needs nothing else, offline, on a phone too."""

import base64
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.node import Node, map_arg
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights
from torchvision.transforms.v2 import InterpolationMode

from workshop_utils import paths
from workshop_utils.data import ImageDataset
from workshop_utils.data.dataset import image_dataset
from workshop_utils.data.picture_files import given
from workshop_utils.models.cost import places, require_fit
from workshop_utils.models.modes import copied, inside
from workshop_utils.models.preprocess import Preprocessing

HERE = Path(__file__).parent
# torch's operations that the page's script has, and those that only give the same numbers another shape
STEPS = "adaptive_avg_pool2d add batch_norm cat conv2d hardtanh linear max_pool2d mean pad permute relu relu6"
VIEWS = "contiguous dropout feature_dropout flatten reshape squeeze unflatten unsqueeze view"
FILTERS = (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)


def page(net: nn.Module, dataset: ImageDataset, path: str | Path = "my-net.html") -> Path:
    """Writes a page that opens by double click, offline and on a phone, and classifies what is drawn on it; returns its path.

    net: trained on dataset, 1 x 28 x 28, without a preprocessing of its own; the page says so if it comes with the course, and
    calculates with weights of 16 bits. Raises ValueError for a net that does not fit, and, naming it, for what the page cannot do.
    """
    dataset = image_dataset(dataset)
    own = " through a preprocessing of its own" if getattr(net, "preprocess", None) else ""
    if dataset.shape != (1, 28, 28) or own:
        raise ValueError(
            f"The page's pad gives 1 x 28 x 28 pixels; this net reads {' x '.join(map(str, dataset.shape))}{own}. "
            "Train one on MNIST or Fashion-MNIST."
        )
    require_fit(net := copied(inside(net)).cpu().float(), dataset)
    title, whose = "My net", 'trained by me in the workshop "Image Classification"'
    if hasattr(net, "of_the_course"):
        title = "A net of the course"
        whose = 'not mine: this net comes with the workshop "Image Classification"'
    pad = (HERE / "widgets/pad.js").read_text("utf-8")
    text = (HERE / "takehome_pad.html").read_text("utf-8").replace("__WHOSE__", whose)
    text = text.replace("__PAD__", pad.replace("export default", "const drawingPad ="))
    scores = sorted(zip(places(net, dataset), dataset.classes))  # in the net's order
    names = [name for _, name in scores]
    content = {"mean": float(dataset.mean), "std": float(dataset.std), "classes": names}
    return _write(path, title, text, net, (1, 28, 28), content)


def classifier(net: nn.Module, path: str | Path = "my-classifier.html") -> Path:
    """Writes a page that opens by double click, offline and on a phone, and classifies pictures and photographs; returns its path.

    net: what `transfer.classifier` or `models.load` gives, with .classes and .preprocess, and .threshold for "none looks likely".
    A phone gets the file by a cable or by Bluetooth; tried in Chromium and its imitation of a phone, not on a real one. The page
    calculates with weights of 16 bits. Raises ValueError for a net without the two, and, naming it, for what the page cannot do.
    """
    recipe, known = getattr(net, "preprocess", None), getattr(net, "classes", None)
    classes = list(() if known is None else known)
    if (
        not isinstance(recipe, Preprocessing)
        or not classes
        or (way := InterpolationMode(recipe.interpolation)) not in FILTERS
    ):
        raise ValueError(
            "The page needs a net with .classes, and with a .preprocess that resizes bilinear or bicubic, as transfer.classifier gives it."
        )
    three = {
        name: [*values] * (3 // len(values))
        for name, values in (("mean", recipe.mean), ("std", recipe.std))
    }
    content = {
        **{name: getattr(recipe, name) for name in ("resize", "crop", "order")},
        **three,
        "interpolation": way.value,
        "classes": classes,
        "threshold": float(getattr(net, "threshold", 0)),
    }
    text = (HERE / "takehome_pictures.html").read_text("utf-8")
    return _write(path, "My classifier", text, net, (3, recipe.crop, recipe.crop), content)


def _write(
    path: str | Path, title: str, text: str, net: nn.Module, shape: tuple[int, ...], content: dict
) -> Path:
    """Writes a page with this text that holds the net, which reads pictures of this shape, and what its script has to know besides."""
    steps, weights = _steps(copied(inside(net)).cpu().float().eval(), torch.zeros(1, *shape))
    if steps[-1][1] != [1, len(content["classes"])]:
        raise ValueError(
            f"The net answers with {steps[-1][1][-1]} numbers, but has {len(content['classes'])} classes."
        )
    numbers = base64.b64encode(weights.numpy().astype("<f2").tobytes()).decode()
    content |= {"shape": [1, *shape], "steps": steps, "weights": numbers}
    whole, script = ((HERE / f"takehome.{kind}").read_text("utf-8") for kind in ("html", "js"))
    whole = whole.replace("__TITLE__", title).replace("__PAGE__", text)
    whole = whole.replace("__SCRIPT__", script)
    whole = whole.replace("__NET__", json.dumps(content).replace("<", "\\u003c"))
    path = given(path)
    if path.suffix.lower() not in (".html", ".htm"):  # a double click opens no other
        path = path.with_name(f"{path.name}.html")
    paths.write(path, whole.encode())
    return path


def _steps(net: nn.Module, picture: Tensor) -> tuple[list[list], Tensor]:
    """A net as [name, shape of the output, arguments] for each of torch's operations, and all of its numbers in one row.

    An argument {"step": n} is what step n gave, 0 the picture; {"from": n, "shape": s} are numbers of the row.
    """
    try:
        exported = torch.export.export(net, (picture,))
    except Exception as error:  # such as a forward that decides by the numbers which it reads
        name = type(error).__name__
        raise ValueError(f"torch.export cannot follow this net ({name}): {error}"[:500]) from error
    signature, tensors = exported.graph_signature, {**exported.state_dict, **exported.constants}
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    names |= signature.inputs_to_lifted_tensor_constants
    steps: list[list] = []
    held: dict[Node, Any] = {}  # a tensor, or a step
    for node in exported.graph.nodes:
        given = map_arg(node.args, held.get)
        if node.op == "placeholder":
            held[node] = tensors[names[node.name]].detach() if node.name in names else {"step": 0}
        elif node.op == "output":
            steps.append(["view", [*node.args[0][0].meta["val"].shape], given[0][:1]])
        elif not any(isinstance(held[one], dict) for one in node.all_input_nodes):
            held[node] = node.target(*given, **node.kwargs)  # of weights alone: a parametrisation
        else:
            name, shape = _name(node), [*node.meta["val"].shape]
            if name == "batch_norm":
                _normalised(steps, shape, given, alone=len(node.args[0].users) == 1)
            else:
                steps.append([name, shape, [*given]])
            held[node] = {"step": len(steps)}
    numbers: list[Tensor] = []
    for step in steps:
        step[2] = _as_json(step[2], numbers)
    return steps, torch.cat(numbers)


def _name(node: Node) -> str:
    """The name of an operation as the page's script has it. Raises ValueError for one that it has not."""
    name, _, kind = str(node.target).removeprefix("aten.").partition(".")
    plain = name.removesuffix("_")
    given: tuple[Any, ...] = node.args
    shapes = [one.meta["val"].shape for one in given if isinstance(one, Node)]
    fits = {
        "add": lambda: len(shapes) == 2 and shapes[0] == shapes[1],
        "batch_norm": lambda: len(shapes[0]) in (2, 4) and not given[5],
        "conv2d": lambda: kind == "default",  # the other has its padding as a word
        "dropout": lambda: not given[2],
        "feature_dropout": lambda: not given[2],
        "mean": lambda: kind == "dim",
        "pad": lambda: given[2:3] in ((), ("constant",)) and len(given[1]) <= 4,
    }
    known = plain in f"{STEPS} {VIEWS}".split() and not node.kwargs
    if not known or not fits.get(plain, lambda: True)():
        layer = [path for path, _ in node.meta.get("nn_module_stack", {}).values()][-1:] or [""]
        raise ValueError(
            f"The page cannot do '{node.target}', which this net does{f' in {layer[0]}' if layer[0] else ''}. It can do convolutions whose padding is a number, batch normalisation, ReLU, max pooling, adaptive averages, "
            "sums and linear layers: efficientnet_lite0, squeezenet1_1 and the ResNets work."
        )
    return "view" if plain in VIEWS.split() else name


def _normalised(steps: list[list], shape: list[int], given: tuple, *, alone: bool) -> None:
    """Batch normalisation, as another weight and bias of the convolution or linear layer before it; a new one where somebody else reads that."""
    before, weight, bias, mean, variance, _, _, epsilon, *_ = given
    scale = torch.ones_like(mean) if weight is None else weight
    shift = torch.zeros_like(mean) if bias is None else bias
    kind, fuse, unchanged = "linear", fuse_linear_bn_weights, [torch.eye(shape[1]), None]
    if len(shape) == 4:
        kind, fuse = "conv2d", fuse_conv_bn_weights
        unchanged = [torch.ones(shape[1], 1, 1, 1), None, 1, 0, 1, shape[1]]
    if not (alone and before == {"step": len(steps)} and steps and steps[-1][0] == kind):
        steps.append([kind, shape, [before, *unchanged]])
    source, filters, *more = steps[-1][2]
    added, *more = more or [None]
    folded = fuse(filters, added, mean, variance, epsilon, scale, shift)
    steps[-1][2] = [source, *folded, *more]


def _as_json(given: Any, numbers: list[Tensor]) -> Any:
    """What JSON can hold of an argument; the numbers of a tensor go into the row, as 16 bits."""
    if isinstance(given, (list, tuple)):
        return [_as_json(one, numbers) for one in given]
    if not isinstance(given, Tensor):
        return given
    halves = given.detach().half().flatten()
    if not halves.isfinite().all():
        cure = "Train the net anew, with a lower learning rate."
        raise ValueError(f"Some weights are not numbers, or beyond 65,504. {cure}")
    start = sum(map(len, numbers))
    numbers.append(halves)
    return {"from": start, "shape": [*given.shape]}
