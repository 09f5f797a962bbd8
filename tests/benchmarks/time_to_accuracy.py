"""Seconds of training until the goal on the test set: a net made to be fast, our other nets, the recipe of most courses, and LeNet as it is usually trained."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from notebooks.recorded import ninety
from tests.benchmarks import fashion
from tests.benchmarks.timing import markdown, ratio, spread
from workshop_utils import data, evaluation, models, training

GOAL = 0.90 if fashion.FULL else 0.86  # the bundled cut has a sixth of the pictures
SEEDS = (0, 1, 2, 3, 4)
EPOCHS, SECONDS = 20, 3_000  # after which a contender gives up
OUR_EPOCHS = 2 if fashion.FULL else 8  # chosen with seed 7
FAST_EPOCHS = ninety.RECIPE["epochs"] if fashion.FULL else 4
FAST = "the companion's `fast`, `fit`, one cycle to 0.01, 128 a batch"
OURS, IDEA = (
    "small_resnet, `fit`, one cycle to 0.005, 128 a batch",
    'chapter 2\'s `small("resnet")`, `fit`, one cycle to 0.01, 128 a batch',
)
TARGETS = {FAST: "at most 0.04", OURS: "at most 0.125", IDEA: "at most 0.125"}
USUAL, LENET = (
    "TinyVGG, SGD 0.1, 32 a batch, DataLoader",
    "LeNet, Adam 0.001, 64 a batch, DataLoader",
)


@dataclass
class Race:
    """A clock that stands still while the net is judged, after each epoch."""

    test: data.ImageDataset
    goal: float
    seconds: float = 0.0
    scores: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def over(self, net: nn.Module) -> bool:
        self.seconds += time.perf_counter() - self.began
        self.scores.append(evaluation.evaluate(evaluation.predict(net, self.test)).accuracy)
        self.began = time.perf_counter()
        return self.scores[-1] >= self.goal or len(self.scores) == EPOCHS or self.seconds > SECONDS


def table(seeds: tuple[int, ...] = SEEDS) -> str:
    train, test = fashion.load(), fashion.load("test")
    plain = fashion.usual(ToTensor(), full=fashion.FULL)
    plain_test = data.ImageDataset(
        test.images,
        test.labels,
        test.classes,
        name="from 0 to 1",
        mean=torch.zeros(1),
        std=torch.ones(1),
    )
    contenders: dict[str, Callable[[int, float], Race]] = {
        FAST: lambda seed, goal: _ours(
            train,
            test,
            seed,
            goal,
            lambda: ninety.fast(ninety.first(train)),
            **ninety.RECIPE | {"epochs": FAST_EPOCHS},
        ),
        OURS: lambda seed, goal: _ours(
            train,
            test,
            seed,
            goal,
            lambda: models.build("small_resnet", classes=10, channels=1),
            learning_rate=5e-3,
        ),
        IDEA: lambda seed, goal: _ours(
            train,
            test,
            seed,
            goal,
            lambda: models.small("resnet", classes=10, channels=1),
            learning_rate=1e-2,
        ),
        USUAL: lambda seed, goal: _usual(
            plain, plain_test, seed, goal, tiny_vgg, lambda p: torch.optim.SGD(p, lr=0.1), 32
        ),
        LENET: lambda seed, goal: _usual(
            plain,
            plain_test,
            seed,
            goal,
            lambda: models.build("lenet", classes=10, channels=1),
            torch.optim.Adam,
            64,
        ),
    }
    for run in contenders.values():
        run(0, 0.0)  # warms up: any accuracy after one epoch is enough
    races: dict[str, list[Race]] = {name: [] for name in contenders}
    for seed in seeds:
        for name, run in contenders.items():
            race = run(seed, GOAL)
            races[name].append(race)
            print(
                f"seed {seed}, {name}: {race.seconds:.1f} s, {', '.join(f'{score:.1%}' for score in race.scores)}",
                flush=True,
            )
    return markdown(
        f"Fashion-MNIST, {len(train):,} training pictures, until {GOAL:.0%} of {len(test):,} test pictures are right after an epoch; judging does not count. "
        f"Seeds {', '.join(map(str, seeds))}, in turn; medians; at most {EPOCHS} epochs and {SECONDS} s.",
        [
            "trained",
            "part of TinyVGG's time",
            "target",
            "seconds",
            "epochs",
            "reached",
            "best accuracy of each seed",
        ],
        [_row(name, found, races[USUAL]) for name, found in races.items()],
    )


def _row(name: str, races: list[Race], usual: list[Race]) -> tuple:
    seconds = [race.seconds for race in races]
    best = [max(race.scores) for race in races]
    return (
        name,
        f"{ratio(seconds, [race.seconds for race in usual]):.3f}",
        TARGETS.get(name, ""),
        spread(seconds, 1),
        median(len(race.scores) for race in races),
        f"{sum(score >= GOAL for score in best)} of {len(races)}",
        ", ".join(f"{score:.1%}" for score in best),
    )


def _ours(
    train: data.ImageDataset,
    test: data.ImageDataset,
    seed: int,
    goal: float,
    build: Callable,
    **recipe,
) -> Race:
    torch.manual_seed(seed)
    race = Race(test, goal)  # counts what building takes: a first layer may be computed
    net = build()

    def judge(_: training.History) -> None:
        if race.over(net):
            raise KeyboardInterrupt  # as a person stops a training

    training.fit(
        net,
        train,
        seed=seed,
        on_epoch=judge,
        **{"epochs": OUR_EPOCHS, "schedule": training.one_cycle} | recipe,
    )
    return race


def _usual(
    train: Dataset,
    test: data.ImageDataset,
    seed: int,
    goal: float,
    build: Callable,
    optimizer: Callable,
    batch: int,
) -> Race:
    torch.manual_seed(seed)
    net, loader = build(), DataLoader(train, batch, shuffle=True)
    steps, race = optimizer(net.parameters()), Race(test, goal)
    while True:
        for images, labels in loader:
            training.step(net, images, labels, steps)
        if race.over(net):
            return race


def tiny_vgg() -> nn.Module:
    """Two blocks of two 3x3 convolutions with ten maps, a linear head: (B, 1, 28, 28) -> (B, 10). Known from "Learn PyTorch for Deep Learning"."""
    maps = lambda c_in: (
        nn.Conv2d(c_in, 10, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(10, 10, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
    return nn.Sequential(*maps(1), *maps(10), nn.Flatten(), nn.Linear(10 * 7 * 7, 10))
