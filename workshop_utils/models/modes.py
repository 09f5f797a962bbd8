"""Training and evaluation mode, switched so that nobody forgets to switch back."""

import copy
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

BatchNorm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


@contextmanager
def evaluating(model: nn.Module):
    """Inside: evaluation mode and no gradients; afterwards every layer is in the mode it had before."""
    # a lazy layer makes its weights when a net is first used: those of inference mode could never learn
    lazy = any(map(is_lazy, (*model.parameters(), *model.buffers())))
    with in_evaluation_mode(model), torch.no_grad() if lazy else torch.inference_mode():
        yield


@contextmanager
def in_evaluation_mode(model: nn.Module):
    """Inside: evaluation mode, and gradients as before; afterwards every layer is in the mode it had before."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


def train_mode(model: nn.Module) -> None:
    """`model.train()`, but layers with frozen weights keep their statistics as well: frozen means frozen.

    A layer that has statistics and no weights goes with the weights before it.
    """
    model.train()
    learns = next((weight.requires_grad for weight in model.parameters()), True)
    for layer in model.modules():
        own = next(layer.parameters(recurse=False), None)
        learns = learns if own is None else own.requires_grad
        if not learns and next(layer.buffers(recurse=False), None) is not None:
            layer.training = False  # of this layer alone, for a learning one may lie in it


def inside(model: nn.Module) -> nn.Module:
    """The net itself where torch.compile or DataParallel has wrapped it: its layers have their own names, and their hooks run."""
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return inside(model.module)
    return getattr(model, "_orig_mod", model)


def known(model: nn.Module, name: str) -> Any:
    """What a net knows beside its layers, .classes or .preprocess, also where it is wrapped; None if it does not."""
    return getattr(model, name, getattr(inside(model), name, None))


def same_answers(net: nn.Module, again: nn.Module, pictures: Tensor, *, near: float) -> bool:
    """Whether two nets say the same to pictures, the second of them on the CPU: another ReLU has no tensors that could tell."""
    with evaluating(net), evaluating(again):
        said, found = net(pictures.to(next(net.parameters()))).float().cpu(), again(pictures)
    scale = float(found.nan_to_num().abs().amax())
    return torch.allclose(said, found, rtol=near, atol=near * scale, equal_nan=True)


def copied(model: nn.Module) -> nn.Module:
    """A copy of a net, also of one whose forward keeps a tensor that autograd still follows, which has no copy of its own."""
    held = [value for layer in model.modules() for value in vars(layer).values()]
    detached = {id(one): one.detach().clone() for one in held if isinstance(one, Tensor)}
    return copy.deepcopy(model, detached)
