"""An accelerator that only pretends: its tensors lie in the computer's own memory, and what mixes them with the CPU's fails, as on a GPU.

PyTorch's dispatcher treats it as a device of its own (torch.utils.backend_registration, "PrivateUse1"). Every tensor on it is
an empty shell; HELD keeps, for the storage of each shell, the tensor of the CPU with which its operations really compute.
"""

from contextlib import nullcontext

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _pytree as tree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretended"
COPIES = ("aten::_to_copy", "aten::copy_", "aten::_copy_from")
# else made of steps that reckon with a shell's strides, not with those of what it holds
WHOLE = (
    "affine_grid_generator",
    "index.Tensor",
    "diagonal",
    "expand",
    "permute",
    "select.int",
    "slice.Tensor",
    "split.Tensor",
    "split_with_sizes",
    "squeeze",
    "squeeze.dim",
    "squeeze.dims",
    "t",
    "transpose.int",
    "unbind.int",
    "unfold",
    "unsqueeze",
)
HELD: dict[int, tuple[StorageWeakRef, torch.Tensor]] = {}
_swept = 0


def shell(held: torch.Tensor) -> torch.Tensor:
    """A tensor on the pretended device around one of the CPU; what nobody holds any more is forgotten now and then."""
    global _swept
    found = torch._C._acc.create_empty_tensor(held.shape, held.dtype)
    HELD[found.untyped_storage()._cdata] = StorageWeakRef(found.untyped_storage()), held
    if len(HELD) > 2 * _swept + 1000:
        for key in [key for key, (storage, _) in HELD.items() if storage.expired()]:
            del HELD[key]
        _swept = len(HELD)
    return found


def is_there(one) -> bool:
    return isinstance(one, torch.Tensor) and one.device.type == NAME


def held(one):
    return HELD[one.untyped_storage()._cdata][1] if is_there(one) else one


def kernel(op, *args, **kwargs):
    """Any operation: on the CPU's tensors, and what it gives lies on the pretended device again, unless it was copied back."""
    name, wanted = op.name(), kwargs.get("device")
    given = [one for one in tree.tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
    if (
        name not in COPIES
        and any(map(is_there, given))
        and any(one.dim() and not is_there(one) for one in given)
    ):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but {name} got some on {NAME} and some on the CPU."
        )
    shells = {id(held(one)): one for one in given if is_there(one)}
    args, kwargs = tree.tree_map(held, (args, kwargs))
    if wanted is not None:
        kwargs["device"] = torch.device("cpu")
    if name == "aten::_copy_from":
        return args[1].copy_(args[0])
    found = (torch.ops.aten.reshape.default if name == "aten::view" else op)(*args, **kwargs)
    for one in shells.values():
        if one.shape != held(one).shape:  # an empty result that the operation has given its size
            one.data = shell(held(one))
    if wanted is not None and torch.device(wanted).type == "cpu":
        return found
    return tree.tree_map(
        lambda one: (
            shells.get(id(one))
            if id(one) in shells
            else shell(one)
            if isinstance(one, torch.Tensor)
            else one
        ),
        found,
    )


def attention(query, key, value, *_):
    """Without mask and dropout, in steps: torch's own write into results whose strides a shell does not have."""
    heads = query.shape[:2]
    query, key, value = (one.flatten(0, 1) for one in (query, key, value))
    weights = (query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(-1)
    return (weights @ value).unflatten(0, heads)


def register() -> None:
    _setup_privateuseone_for_python_backend(NAME)
    every = torch.library.Library("_", "IMPL")
    every.fallback(kernel, "PrivateUse1")
    some = torch.library.Library("aten", "IMPL")  # these ask for kernels of their own
    for name in WHOLE:
        family, _, overload = name.partition(".")
        op = getattr(getattr(torch.ops.aten, family), overload or "default")
        some.impl(name, lambda *args, op=op: kernel(op, *args), "PrivateUse1")
    some.impl(
        "convolution_overrideable",
        lambda *args: kernel(torch.ops.aten.convolution.default, *args),
        "PrivateUse1",
    )
    some.impl(
        "convolution_backward_overrideable",
        lambda grad, x, weight, *rest: kernel(
            torch.ops.aten.convolution_backward.default, grad, x, weight, [weight.shape[0]], *rest
        ),
        "PrivateUse1",
    )
    torch.inference_mode = lambda mode=True: (
        torch.no_grad() if mode else nullcontext()
    )  # tensors of its kind cannot be made here
    attend = torch.nn.functional.scaled_dot_product_attention
    torch.nn.functional.scaled_dot_product_attention = lambda query, *rest: (
        attention(query, *rest) if is_there(query) else attend(query, *rest)
    )
    usual = torch.Tensor.__deepcopy__
    torch.Tensor.__deepcopy__ = lambda one, memo: (
        memo.setdefault(id(one), one.detach().clone()) if is_there(one) else usual(one, memo)
    )
    register.keep = every, some  # they hold only as long as somebody holds them


register()
