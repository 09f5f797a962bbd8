"""Transfer learning: freeze, take features, train a head, and see what really changed."""

import numpy as np
import torch
from torch import Tensor, nn

from workshop_utils import device as devices
from workshop_utils.data import Batches, ImageDataset
from workshop_utils.models import head
from workshop_utils.models.modes import BatchNorm, evaluating
from workshop_utils.progress import progress


def freeze(model: nn.Module, *, keep_head: bool = True) -> nn.Module:
    """Stops every parameter from learning, but for the last linear layer; returns the same model.

    `training.fit` then also leaves the running statistics of frozen batch normalisation alone.
    keep_head=False freezes the head too.
    """
    model.requires_grad_(False)
    if keep_head:
        head(model)[1].requires_grad_(True)
    return model


def unfreeze(model: nn.Module, *parts: str, batchnorm: bool = False) -> nn.Module:
    """Lets the named parts learn again, or the whole net if none is named; returns the same model.

    parts: beginnings of parameter names, for example "blocks.6". batchnorm: whether batch normalisation in them learns
    as well; with few pictures its new statistics do more harm than good. Raises ValueError for a part that does not exist.
    """
    for part in parts or [""]:
        found = {name: parameter for name, parameter in model.named_parameters() if f"{name}.".startswith(f"{part}." if part else "")}
        if not found:
            known = dict.fromkeys(name.split(".")[0] for name, _ in model.named_parameters())
            raise ValueError(f"No parameter's name begins with '{part}'. At the top there are: {', '.join(known)}.")
        for name, parameter in found.items():
            if batchnorm or not isinstance(model.get_submodule(name.rpartition(".")[0]), BatchNorm):
                parameter.requires_grad_(True)
    return model


def features(backbone: nn.Module, dataset: ImageDataset, *, device=None, batch_size: int = 8) -> Tensor:
    """What reaches the head of a net, (N, D) float32, for every picture in order: computed once, used many times."""
    place = devices.pick(device)
    backbone.to(place)
    caught = []
    hook = head(backbone)[1].register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].flatten(1).cpu()))
    batches = Batches(dataset, batch_size, preprocess=getattr(backbone, "preprocess", None), device=place)
    with hook, evaluating(backbone):
        for images, _ in progress(batches, f"Features of {len(dataset):,} pictures"):
            backbone(images)
    return torch.cat(caught)


def fit_head(features: Tensor, labels: Tensor, *, classes: int, strength: float = 1.0) -> nn.Linear:
    """A linear layer from (N, D) features to (N, classes) logits: logistic regression, fitted in milliseconds.

    strength: how much larger weights are allowed (scikit-learn's C). The features are standardised for the fit, and the
    standardisation is folded into the layer, so that it fits onto the net as it is.
    Raises ValueError if a class has no picture.
    """
    from sklearn.linear_model import LogisticRegression

    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if missing:
        raise ValueError(f"{len(missing)} of {classes} classes have no picture to learn from, number {missing[0]} for one.")
    mean, std = features.mean(0), features.std(0).clamp(min=1e-6)
    fitted = LogisticRegression(C=strength, max_iter=1000).fit(((features - mean) / std).numpy(), labels.numpy())
    weight, bias = fitted.coef_, fitted.intercept_
    if classes == 2:  # scikit-learn keeps one row for two classes
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    layer = nn.Linear(features.shape[1], classes)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight) / std)
        layer.bias.copy_(torch.from_numpy(bias) - layer.weight @ mean)
    return layer


def parameter_groups(model: nn.Module, *, head_rate: float, body_rate: float) -> list[dict]:
    """Two groups for an optimizer: the head with its rate, everything else that learns with another, usually lower.

    For example torch.optim.AdamW(parameter_groups(model, head_rate=1e-3, body_rate=1e-4)).
    """
    in_head = {id(parameter) for parameter in head(model)[1].parameters()}
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [{"params": [p for p in learning if id(p) in in_head], "lr": head_rate},
              {"params": [p for p in learning if id(p) not in in_head], "lr": body_rate}]
    return [group for group in groups if group["params"]]


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    """The names of the tensors that differ between two state_dicts, batch normalisation's statistics included.

    A state_dict shares memory with its net: copy it first, for example with copy.deepcopy(model.state_dict()).
    Raises ValueError if they are not of the same net.
    """
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise ValueError(f"These are state_dicts of two different nets: {len(odd)} names are in one only, '{odd[0]}' first.")
    return [name for name in before if not torch.equal(before[name].cpu(), after[name].cpu())]
