"""MNIST and Fashion-MNIST: grey pictures of 28 x 28 pixels in IDX files. Format: https://yann.lecun.org/exdb/mnist/"""

import math
import struct

import torch
from torch import Tensor

from workshop_utils.data.archives import GZIP, gunzip
from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.errors import DamagedFile

CLOTHES = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
PARTS = {"train": "train", "test": "t10k"}  # a split in the official file names
# Of each file its bytes, sha256 and name, then sha256 and name of what is packed in it. Sums: of the packed files by TensorFlow
# Datasets, of the unpacked ones as Debian and npm carry them (computed from both).
DIGIT_FILES = """
9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 train-images-idx3-ubyte.gz
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db train-images-idx3-ubyte
28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c train-labels-idx1-ubyte.gz
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 train-labels-idx1-ubyte
1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6 t10k-images-idx3-ubyte.gz
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 t10k-images-idx3-ubyte
4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6 t10k-labels-idx1-ubyte.gz
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 t10k-labels-idx1-ubyte
"""
FASHION_FILES = """
26421880 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84 train-images-idx3-ubyte.gz
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 train-images-idx3-ubyte
29515 a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845 train-labels-idx1-ubyte.gz
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 train-labels-idx1-ubyte
4422102 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073 t10k-images-idx3-ubyte.gz
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b t10k-images-idx3-ubyte
5148 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5 t10k-labels-idx1-ubyte.gz
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 t10k-labels-idx1-ubyte
"""


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    names = [f"{PARTS[split]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    images, labels = (read_idx(raw, name) for raw, name in zip(files.contents(*names), names))
    return images.unsqueeze(1), labels.long()


def read_idx(raw: bytes, name: str) -> Tensor:
    """An IDX file, gzipped or not, as a uint8 tensor of the shape in its header. Raises DamagedFile if its length is another."""
    raw = gunzip(raw, name) if raw[:2] == GZIP else raw
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or not 0 < 4 * raw[3] <= len(raw) - 4:
        raise DamagedFile(
            f"'{name}' does not begin as an IDX file of bytes does: {raw[:4].hex(' ')} instead of 00 00 08 and how many sides. Get it again."
        )
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    body, expected = raw[4 + 4 * raw[3] :], math.prod(shape)
    if len(body) != expected or not body:
        raise DamagedFile(
            f"'{name}' promises {expected:,} values ({' x '.join(map(str, shape))}) but holds {len(body):,}. Get it again."
        )
    return torch.frombuffer(bytearray(body), dtype=torch.uint8).view(shape)


def _files(table: str, *hosts: str) -> tuple[RemoteFile, ...]:
    words, files = table.split(), []
    for start in range(0, len(words), 5):
        size, packed, name, plain, content = words[start : start + 5]
        inside, urls = {content: f"sha256:{plain}"}, tuple(host + name for host in hosts)
        files.append(RemoteFile(name, int(size), f"sha256:{packed}", inside, urls))
    return tuple(files)


CARDS = (
    DatasetCard(
        name="mnist",
        title="MNIST",
        classes=tuple("0123456789"),
        shape=(1, 28, 28),
        train=60_000,
        test=10_000,
        licence="CC BY-SA 3.0",
        homepage="https://yann.lecun.org/exdb/mnist/",
        citation="LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791",
        bundled=(4_000, 1_000),
        note="Handwritten digits, the hello world of image classification. Both parts of the bundled cut come from the "
        "official training images.",
        files=_files(
            DIGIT_FILES,
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        read=read,
        place=1,
    ),
    DatasetCard(
        name="fashion-mnist",
        title="Fashion-MNIST",
        classes=tuple(CLOTHES.split(", ")),
        shape=(1, 28, 28),
        train=60_000,
        test=10_000,
        licence="MIT",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        citation="Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747",
        bundled=(10_000, 2_000),
        note="Clothes in the format of MNIST, made because MNIST had become too easy (Xiao et al. 2017, arXiv:1708.07747).",
        files=_files(
            FASHION_FILES,
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        read=read,
        place=2,
    ),
)
