"""Transfer learning: freeze, take features, train a head, and see what really changed."""

import copy
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workshop_utils import device as devices
from workshop_utils import errors, models
from workshop_utils.data import ImageDataset, imagenet
from workshop_utils.data.dataset import image_dataset
from workshop_utils.data.labels import array
from workshop_utils.evaluation import Predictions, predict
from workshop_utils.features import features as features
from workshop_utils.features import forget as forget
from workshop_utils.inference import classify as classify
from workshop_utils.models.cards import head, headless
from workshop_utils.models.cost import places
from workshop_utils.models.modes import BatchNorm, copied, inside


def freeze(model: nn.Module, *, keep_head: bool = True) -> nn.Module:
    """Stops every parameter from learning, but for the last linear layer; returns the same model.

    `training.fit` then also leaves the running statistics of frozen layers alone.
    keep_head=False freezes the head too.
    """
    ends = [head(model)[1]] if keep_head else []
    model.requires_grad_(False)
    for layer in ends:
        layer.requires_grad_(True)
    return model


def unfreeze(model: nn.Module, *parts: str, batchnorm: bool = False) -> nn.Module:
    """Lets the named parts learn again, or the whole net if none is named; returns the same model.

    parts: names of layers, as named_modules() has them, for example "blocks.6". batchnorm: whether batch normalisation in them learns
    as well; with few pictures its new statistics do more harm than good. Raises ValueError for a part that does not exist.
    """
    for part in parts or [""]:
        found = {name: value for name, value in model.named_parameters() if _within(name, part)}
        if not found:
            known = dict.fromkeys(name.split(".")[0] for name, _ in model.named_parameters())
            top = f"At the top there are: {', '.join(known)}."
            raise ValueError(f"No layer or weight is called '{part}'. {top}")
        for name, value in found.items():
            if batchnorm or not isinstance(model.get_submodule(name.rpartition(".")[0]), BatchNorm):
                value.requires_grad_(True)
    return model


def fit_head(
    features: Tensor,
    labels: Tensor,
    *,
    classes: int,
    strength: float = 1.0,
    balanced: bool = False,
) -> nn.Linear:
    """A linear layer from (N, D) features to (N, classes) logits: logistic regression, fitted in milliseconds.

    strength: how large the weights may become (scikit-learn's C). balanced: errors on a class count the more the fewer
    pictures it has, so that a rare one is not given up. For the fit the features are centred and divided by one
    spread for all of them: one for each would blow up those that a few pictures hardly show. Both are folded into the
    layer, so that it fits onto the net as it is.
    Arrays and lists will do as well. Raises ValueError if a class has no picture.
    """
    from sklearn.linear_model import LogisticRegression

    classes = errors.whole(classes, "classes", least=2)
    features, labels = _tensors(features, labels)
    given, known = set(labels.flatten().tolist()), features.isfinite().all()
    fit = features.ndim == 2 and labels.shape == features.shape[:1]
    if not (fit and known and given <= set(range(classes))):
        raise ValueError(
            f"A head learns from (N, D) features and (N,) labels in 0..{classes - 1}; these are {tuple(features.shape)}"
            f"{'' if known else ', some of them NaN or infinite,'} and {tuple(labels.shape)} in {min(given)}..{max(given)}."
        )
    missing = sorted(set(range(classes)) - given)
    if missing:
        count = f"{len(missing)} of {classes} classes have no picture to learn from"
        raise ValueError(f"{count}, number {missing[0]} for one.")
    mean = features.mean(0)
    spread = (features - mean).std().clamp(min=1e-6)
    scaled = ((features - mean) / spread).numpy()
    weighting = "balanced" if balanced else None
    fitted = LogisticRegression(C=strength, max_iter=1000, class_weight=weighting)
    fitted.fit(scaled, labels.numpy())
    weight, bias = fitted.coef_, fitted.intercept_
    if classes == 2:  # scikit-learn keeps one row for two classes
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    # without the random numbers that a new layer draws: what comes after must not depend on them
    layer = nn.utils.skip_init(nn.Linear, features.shape[1], classes)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight) / spread)
        layer.bias.copy_(torch.from_numpy(bias) - layer.weight @ mean)
    return layer


def _tensors(features, labels) -> tuple[Tensor, Tensor]:
    """Features and labels on the CPU, whatever they are."""
    return torch.tensor(array(features)).float(), torch.tensor(array(labels))


def out_of_fold(features: Tensor, labels: Tensor, *, classes: int, **options) -> Tensor:
    """(N, classes) logits, each row from a head that was fitted without that picture: what to expect of new pictures.

    options: as of `fit_head`. Five folds, or as many as the smallest class has pictures. Raises ValueError if a class has fewer than two.
    """
    from sklearn.model_selection import StratifiedKFold

    features, labels = _tensors(features, labels)
    fewest = int(torch.bincount(labels.long(), minlength=classes).min())
    if fewest < 2:
        raise ValueError(
            f"A class with {fewest} {'picture' if fewest == 1 else 'pictures'} has none to leave out. Give every class two or more."
        )
    logits = torch.empty(len(labels), classes)
    folds = StratifiedKFold(min(5, fewest), shuffle=True, random_state=0)
    for train, rest in folds.split(features, labels):
        layer = fit_head(features[train], labels[train], classes=classes, **options)
        with torch.inference_mode():
            logits[rest] = layer(features[rest])
    return logits


def zero_shot(
    net: nn.Module, dataset: ImageDataset, words: dict[str, str | list[str]]
) -> Predictions:
    """What a net of ImageNet's 1,000 classes says of other classes, from their names alone: no picture is learned from.

    words: class of `dataset` -> a noun of WordNet, or several, as `data.imagenet.paths` writes them. A class gets the
    probabilities of all of ImageNet's classes below its nouns, and each picture's sums are divided by their own sum. So it
    works only where the nouns stand above classes of ImageNet: raises ValueError for one that does not.
    """
    above = [set().union(*imagenet.paths(wnid)) for wnid in imagenet.wnids()]
    known, below, dataset = set().union(*above), [], image_dataset(dataset)
    if missing := [name for name in dataset.classes if name not in words]:
        raise ValueError(
            f"words has no noun for the class '{missing[0]}'. Give every class one or more."
        )
    for name in dataset.classes:
        nouns = {words[name]} if isinstance(words[name], str) else {*words[name]}
        for noun in nouns - known:
            raise errors.unknown(
                "noun above ImageNet's classes", noun, known, "data.imagenet.paths"
            )
        below.append([bool(nouns & names) for names in above])
    asked, asked_for = copy.copy(dataset), tuple(imagenet.wnids())
    asked.labels, asked.classes, asked.name = torch.zeros_like(asked.labels), asked_for, "ImageNet"
    found = predict(net, asked).probabilities @ np.array(below, float).T
    return Predictions(found / found.sum(1, keepdims=True), dataset.labels.numpy(), dataset.classes)


def temperature(logits: Tensor, labels: Tensor) -> float:
    """The number by which to divide (N, K) logits, so that softmax gives probabilities that can be believed.

    It makes the labels most probable (Guo et al. 2017, arXiv:1706.04599), and stays near 1 while pictures are few: its
    logarithm is taken to be normally distributed beforehand, with standard deviation 0.5.
    """
    from scipy.optimize import minimize_scalar

    def surprise(log: float) -> float:
        loss = F.cross_entropy(logits / math.exp(log), labels, reduction="sum")
        return float(loss) + log**2 / (2 * 0.5**2)

    return math.exp(minimize_scalar(surprise, bounds=(-5, 5), method="bounded").x)


def classifier(
    backbone: nn.Module, dataset: ImageDataset, *, strength: float = 0.01, balanced: bool = False
) -> nn.Module:
    """A copy of a pretrained net with a calibrated head for the classes of `dataset`: .classes, .preprocess, .threshold.

    threshold: 95 % of the pictures, each judged by a head that was fitted without it, reach this probability for some
    class; a new picture that does not looks like none of them. .left_out: what was said of each of them, as Predictions;
    .about: for `models.describe`. With one picture in a class threshold is 0, left_out None, and the probabilities are not
    calibrated. A net without a head, as timm builds it with num_classes=0, gets one. Raises ValueError if a class has no
    picture.
    """
    dataset = image_dataset(dataset)
    known, labels, classes = features(backbone, dataset), dataset.labels, len(dataset.classes)
    how: dict[str, Any] = {"classes": classes, "strength": strength, "balanced": balanced}
    layer, threshold, left_out = fit_head(known, labels, **how), 0.0, None
    about = models.About.learned(dataset)
    if torch.bincount(labels).min() > 1:
        logits = out_of_fold(known, labels, **how)
        threshold, left_out = _calibrated(layer, logits, dataset)
        about = about.scored(left_out, "each judged by a head that was fitted without it")
    net = copied(inside(backbone))
    net.set_submodule(_place(net, classes), layer.to(devices.of(net)))
    values = {"classes": dataset.classes, "threshold": threshold, "left_out": left_out}
    vars(net).update(values, about=about)  # beside the layers
    return net.eval()


def calibrate(net: nn.Module, dataset: ImageDataset) -> nn.Module:
    """A copy of a net that was trained as a whole, with what `classifier` gives a head: .classes, .threshold, probabilities to believe.

    dataset: labelled pictures that the net did not learn from, for it is surer of those than it should be of others.
    """
    dataset, net = image_dataset(dataset), copied(inside(net))
    logits = torch.from_numpy(predict(net, dataset).probabilities).clamp(min=1e-12).log().float()
    threshold, _ = _calibrated(head(net)[1], logits, dataset)
    own = dict(zip(places(net, dataset), dataset.classes))  # in the order of the net's scores
    classes = tuple(own[place] for place in range(len(own)))
    vars(net).update(classes=classes, threshold=threshold, left_out=None)
    return net.eval()


def _calibrated(
    layer: nn.Module, logits: Tensor, dataset: ImageDataset
) -> tuple[float, Predictions]:
    """Divides a head by the temperature of its (N, K) logits for other pictures; what 95 % of these then reach, and their answers."""
    scale = temperature(logits, dataset.labels)
    layer.load_state_dict({name: tensor / scale for name, tensor in layer.state_dict().items()})
    rows = (logits / scale).softmax(1)
    answers = Predictions(rows.numpy(), dataset.labels.numpy(), dataset.classes)
    return float(rows.amax(1).quantile(0.05)), answers


def _place(net: nn.Module, classes: int) -> str:
    """The name of a net's head, or of where it belongs: timm makes room for it."""
    if headless(net) and hasattr(net, "reset_classifier"):
        net.reset_classifier(classes)
    *_, (last, _) = net.named_modules()
    return last if headless(net) else head(net)[0]


def parameter_groups(
    model: nn.Module, *, head_rate: float, body_rate: float | dict[str, float]
) -> list[dict]:
    """Groups for an optimizer: the head with its rate, everything else that learns with others, usually lower.

    body_rate: one rate, or one for each part of the body, by the names of layers; the longest decides. For example
    torch.optim.AdamW(parameter_groups(model, head_rate=1e-3, body_rate={"blocks.6": 1e-4, "blocks.5": 3e-5})).
    Raises ValueError for a parameter that learns and has no rate, and for a part that does not exist.
    """
    learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
    body = body_rate if isinstance(body_rate, dict) else {"": body_rate}
    body = {part: body[part] for part in sorted(body, key=len, reverse=True)}
    last = head(model)[0]
    if body.pop(last, None) is not None and isinstance(body_rate, dict):
        raise ValueError(f"'{last}' is the head: its rate is head_rate, and not in body_rate.")
    groups: list[dict] = []
    for part, given in {last: head_rate, **body}.items():
        rate = errors.rate(given, f"The rate of '{part or 'the body'}'")
        if not any(_within(name, part) for name, _ in model.named_parameters()):
            raise ValueError(f"No layer or weight is called '{part}', which has a rate.")
        found = [learning.pop(name) for name in list(learning) if _within(name, part)]
        groups += [{"params": found, "lr": rate}] if found else []
    if learning:
        raise ValueError(
            f"{len(learning)} tensors learn and have no rate, '{next(iter(learning))}' for one. Freeze them, or give their part a rate."
        )
    return groups


def _within(name: str, part: str) -> bool:
    """Whether a parameter belongs to a part of the net; the empty part is the whole net."""
    return f"{name}.".startswith(f"{part}." if part else "")


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    """The names of the tensors that differ between two state_dicts, batch normalisation's statistics included.

    A state_dict shares memory with its net: copy it first, for example with copy.deepcopy(model.state_dict()).
    Raises ValueError if they are not of the same net, or one was not copied.
    """
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        which = f"{len(odd)} names are in one only, '{odd[0]}' first"
        raise ValueError(f"These are state_dicts of two different nets: {which}.")
    shared = [0 != one.data_ptr() == after[name].data_ptr() for name, one in before.items()]
    if before and all(shared):
        raise ValueError(
            "Both state_dicts are the net's own memory, so they could never differ. Copy the first before you change the net: copy.deepcopy(model.state_dict())."
        )
    return [name for name in before if not _same(before[name].cpu(), after[name].cpu())]


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same values; NaN is NaN."""
    return one.shape == other.shape and bool((one.eq(other) | one.isnan() & other.isnan()).all())
