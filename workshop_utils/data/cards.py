"""The cards: what every data set is, who made it, under which licence, and where its files are."""

from dataclasses import dataclass
from html import escape

from workshop_utils import errors
from workshop_utils.data import imagenet
from workshop_utils.data import published as files
from workshop_utils.data.published import RemoteFile
from workshop_utils.tables import Table

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100 = tuple(
    """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
    hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
    orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
    seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
    tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split()
)
CIFAR100_COARSE = tuple(
    """aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
    household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
    large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2""".split()
)


@dataclass(frozen=True)
class DatasetCard:
    """What there is to know about a data set before it is loaded.

    shape: (channels, height, width) in pixels. train, test, validation: how many pictures the whole set has. licence: as
    its owner states it. bundled: how many (train, test) pictures of it come with the course, or None. files: as they are
    published; kaggle: its name there. coarse: the names of its superclasses.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train: int
    test: int
    licence: str
    homepage: str
    citation: str
    bundled: tuple[int, int] | None
    note: str
    files: tuple[RemoteFile, ...] = ()
    kaggle: str = ""
    validation: int = 0
    coarse: tuple[str, ...] = ()
    size_on_request: int = 0

    @property
    def download_bytes(self) -> int:
        """What the full set weighs on its way here; 0 where all of it comes with the course."""
        return self.size_on_request or sum(file.bytes for file in self.files)

    @property
    def splits(self) -> dict[str, int]:
        """How many pictures each split of the whole set has."""
        counts = {"train": self.train, "test": self.test, "validation": self.validation}
        return {split: count for split, count in counts.items() if count}

    @property
    def how(self) -> str:
        """The one line that brings the whole set."""
        if self.name == "imagenet":
            return f'data.load("{self.name}", source="full", root="the folder of your copy")'
        return (
            f'data.load("{self.name}", source="full")'
            if self.files
            else f'data.load("{self.name}")'
        )

    def _repr_html_(self) -> str:
        facts = {
            "classes": f"{len(self.classes):,}: {', '.join(self.classes[:10])}{', ...' if len(self.classes) > 10 else ''}",
            "pictures": f"{' + '.join(f'{count:,} {split}' for split, count in self.splits.items())}, {_shape(self)}",
            "here": f"{_bundled(self)} pictures come with the course"
            if self.bundled
            else "no cut comes with the course",
            "whole set": f"{self.how}{f', {_megabytes(self)} MB' if self.download_bytes else ''}",
            "licence": self.licence,
            "from": self.homepage,
            "cite": self.citation,
            "note": self.note,
        }
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{name}</th><td style="text-align:left">{escape(fact)}</td></tr>'
            for name, fact in facts.items()
            if fact
        )
        return f"<table><caption>{escape(self.title)}</caption><tbody>{rows}</tbody></table>"


CARDS = {
    card.name: card
    for card in (
        DatasetCard(
            "mnist",
            "MNIST",
            tuple("0123456789"),
            (1, 28, 28),
            60_000,
            10_000,
            "CC BY-SA 3.0",
            "https://yann.lecun.org/exdb/mnist/",
            "LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791",
            (4_000, 1_000),
            "Handwritten digits, the hello world of image classification. Both parts of the bundled cut come from the "
            "official training images.",
            files.MNIST,
        ),
        DatasetCard(
            "fashion-mnist",
            "Fashion-MNIST",
            FASHION,
            (1, 28, 28),
            60_000,
            10_000,
            "MIT",
            "https://github.com/zalandoresearch/fashion-mnist",
            "Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747",
            (10_000, 2_000),
            "Clothes in the format of MNIST, made because MNIST had become too easy (Xiao et al. 2017, arXiv:1708.07747).",
            files.FASHION_MNIST,
        ),
        DatasetCard(
            "medical-mnist",
            "Medical MNIST",
            ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"),
            (1, 64, 64),
            47_164,
            11_790,
            "CC BY-SA 4.0 (MedNIST)",
            "https://www.kaggle.com/datasets/andrewmvd/medical-mnist",
            "MedNIST, made available by B. J. Erickson (Mayo Clinic), from TCIA, the RSNA Bone Age Challenge and the NIH Chest X-ray data set",
            None,
            "Which part of the body a scan shows. Kaggle's set is taken for MedNIST, for classes and counts agree. It has no official split: here the last fifth of each class, in order of file names, is "
            "the test set. The files do not say whose scans they are, so pictures of one patient may be on both sides of any split.",
            files.MEDICAL_MNIST,
            kaggle="andrewmvd/medical-mnist",
        ),
        DatasetCard(
            "sign-mnist",
            "Sign Language MNIST",
            tuple("ABCDEFGHIKLMNOPQRSTUVWXY"),
            (1, 28, 28),
            27_455,
            7_172,
            "CC0",
            "https://www.kaggle.com/datasets/datamunge/sign-language-mnist",
            "tecperson 2017, Kaggle",
            None,
            "Hands that form the letters of American Sign Language. J and Z are movements, so there are 24 classes. All of it was made from "
            "1,704 photographs by cropping, turning and changing brightness, so a test picture may have a close relative to learn from.",
            files.SIGN_MNIST,
            kaggle="datamunge/sign-language-mnist",
        ),
        DatasetCard(
            "cifar10",
            "CIFAR-10",
            CIFAR10,
            (3, 32, 32),
            50_000,
            10_000,
            "none stated",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            None,
            "Small colour photographs, 6,000 a class. About 3 % of the test pictures have a near-duplicate among the training pictures "
            "(Barz and Denzler 2020, arXiv:1902.00423).",
            files.CIFAR10,
        ),
        DatasetCard(
            "cifar100",
            "CIFAR-100",
            CIFAR100,
            (3, 32, 32),
            50_000,
            10_000,
            "none stated",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            None,
            'The same size with 600 a class, and 20 superclasses above the 100 (labels="coarse"). About 10 % of the test pictures have a '
            "near-duplicate among the training pictures (Barz and Denzler 2020, arXiv:1902.00423).",
            files.CIFAR100,
            coarse=CIFAR100_COARSE,
        ),
        DatasetCard(
            "imagenet",
            "ImageNet (ILSVRC 2012)",
            tuple(imagenet.class_names()),
            (3, 256, 256),
            1_281_167,
            50_000,
            "non-commercial research and education only, after registration",
            "https://image-net.org/download",
            "Russakovsky et al. 2015, arXiv:1409.0575",
            None,
            "1,000 of ImageNet's more than 20,000 classes. The photographs have many sizes; loading scales and cuts them to 256 x 256. The test "
            "set here is ILSVRC's validation set: the labels of its own test set are secret.",
            size_on_request=154_642_401_280,
        ),
        DatasetCard(
            "clip-art",
            "Clip-art",
            ("bird", "bug", "dessert", "drink", "fruit", "home", "instrument", "mammal", "vehicle"),
            (3, 128, 128),
            168,
            152,
            "public domain",
            "https://packages.debian.org/bookworm/openclipart-png",
            "Open Clip Art Library 0.18",
            (168, 152),
            "Drawings by many hands, 15 to 20 a class to learn from: too few to train a net from nothing, enough to transfer one. "
            "How they were chosen stands in bundle/clip_art.md.",
        ),
        DatasetCard(
            "photos",
            "Photographs",
            (
                "alp",
                "cocker spaniel",
                "dragonfly",
                "drum",
                "espresso",
                "fig",
                "fire engine",
                "nuthatch",
                "pagoda",
                "paintbrush",
                "rocket",
                "tabby",
                "wall clock",
            ),
            (3, 320, 320),
            13,
            0,
            "CC0, public domain, CC BY, CC BY-SA: see bundled/LICENSES.md",
            "",
            "",
            (13, 0),
            "One photograph a class, ten of them ImageNet classes, to try pretrained nets on. They have boxes that we drew.",
        ),
        DatasetCard(
            "pneumoniamnist",
            "PneumoniaMNIST",
            ("normal", "pneumonia"),
            (1, 28, 28),
            4_708,
            624,
            "CC BY 4.0",
            "https://medmnist.com",
            "Yang et al. 2023, doi:10.1038/s41597-022-01721-8",
            None,
            "Chest X-rays of children, from MedMNIST: unbalanced, small, and a question that matters.",
            files.PNEUMONIA_MNIST,
            validation=524,
        ),
        DatasetCard(
            "pathmnist",
            "PathMNIST",
            (
                "adipose",
                "background",
                "debris",
                "lymphocytes",
                "mucus",
                "smooth muscle",
                "normal colon mucosa",
                "cancer-associated stroma",
                "colorectal adenocarcinoma epithelium",
            ),
            (3, 28, 28),
            89_996,
            7_180,
            "CC BY 4.0",
            "https://medmnist.com",
            "Yang et al. 2023, doi:10.1038/s41597-022-01721-8",
            None,
            "Tissue under the microscope, from MedMNIST. Its test pictures come from another hospital than the rest.",
            files.PATH_MNIST,
            validation=10_004,
        ),
    )
}


def catalog() -> list[DatasetCard]:
    """Every data set that `data.load` knows, as a table in a notebook."""
    return Table(
        CARDS.values(),
        {
            "name": lambda card: card.name,
            "what": lambda card: card.title,
            "classes": lambda card: len(card.classes),
            "picture": _shape,
            "train": lambda card: card.train,
            "test": lambda card: card.test,
            "bundled here": lambda card: _bundled(card) if card.bundled else "",
            "whole set, MB": lambda card: _megabytes(card) if card.download_bytes else "",
            "licence": lambda card: card.licence,
        },
    )


def card(name: str) -> DatasetCard:
    """The card of one set. Raises ValueError, with the nearest name, if there is none."""
    if name not in CARDS:
        raise errors.unknown("dataset", name, CARDS, "data.catalog()")
    return CARDS[name]


def _shape(card: DatasetCard) -> str:
    return " x ".join(map(str, card.shape))


def _bundled(card: DatasetCard) -> str:
    return " + ".join(f"{count:,}" for count in card.bundled if count)


def _megabytes(card: DatasetCard) -> str:
    return f"{card.download_bytes / 1e6:,.0f}"
