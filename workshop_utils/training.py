"""The training loop: batches in, a better net and its history out."""

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import Parameter, signature
from itertools import zip_longest
from operator import itemgetter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workshop_utils import device as devices
from workshop_utils import models
from workshop_utils.data import Batches, ImageDataset
from workshop_utils.data.batches import reading, within_memory
from workshop_utils.data.dataset import image_dataset
from workshop_utils.errors import rate, whole
from workshop_utils.models.cost import places, require_fit
from workshop_utils.models.modes import evaluating, inside, known, train_mode
from workshop_utils.progress import progress
from workshop_utils.tables import Measured, Table


@dataclass(repr=False)
class History(Measured):
    """What happened while a net was trained: one value an epoch in each list.

    Losses are mean cross-entropies in nats, accuracies fractions. The training values are means over the epoch's
    batches, measured while the net still changed. Validation lists stay empty without a validation set.
    """

    epochs: int
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""

    def table(self) -> Table:
        """One row an epoch; columns for validation where there is any."""
        lists = {"training loss": self.loss, "training accuracy": self.accuracy}
        if self.validation_loss:
            lists["validation loss"] = self.validation_loss
            lists["validation accuracy"] = self.validation_accuracy
        rows = zip_longest(range(1, len(self.loss) + 1), *lists.values())
        columns = {name: itemgetter(place) for place, name in enumerate(("epoch", *lists))}
        end = f", stopped: {self.stopped}" if self.stopped else ""
        return Table(rows, columns, f"History of {len(self.loss)} of {self.epochs} epochs{end}")


def fit(
    model: nn.Module,
    train: ImageDataset,
    *,
    validation: ImageDataset | None = None,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: Callable | None = None,
    augment: Callable | None = None,
    on_epoch: Callable[[History], None] | None = None,
    patience: int | None = None,
    device=None,
    seed: int = 0,
    name: str | None = None,
    balanced: bool = False,
) -> History:
    """Trains `model` in place on `train` and returns its History; an interrupt stops early and keeps what was learned.

    learning_rate: of Adam, 0.001 if nothing is said. optimizer: instead of it, for example with `transfer.parameter_groups`.
    schedule: (optimizer, steps) -> a torch scheduler, stepped after each batch, such as `one_cycle`; afterwards the optimizer
    has its own settings again. augment: float batch -> float batch. on_epoch: called with the history after each epoch.
    patience: stop after that many epochs without a lower validation loss; however it ends, the net goes back to the best one.
    seed: of the batches' order, and of torch.manual_seed. name: keeps the net for `models.ready(name)`, unless it is clearly
    worse than the one that is ready. balanced: by a weighted cross-entropy: all classes count the same within a batch.
    Raises ValueError, before the first batch, if net, pictures, validation pictures and optimizer do not fit together, and
    MemoryError, with the batch size to try, where the device's memory is too small.
    """
    _need_sense(epochs, patience, validation, seed, name)
    batches, judged = _prepared(model, train, validation, batch_size, augment, device, seed)
    weights = _balance(image_dataset(train)).to(batches.device) if balanced else None
    optimizer, steps = _optimizer(model, optimizer, learning_rate), epochs * len(batches)
    history, best, began = History(epochs), _Best(), time.perf_counter()

    def learn() -> None:
        for _ in range(epochs):
            learnt = _one_epoch(model, batches, optimizer, scheduler, bar, weights)
            _add(learnt, history.loss, history.accuracy)
            if judged:
                found = _validate(model, judged)
                _add(found, history.validation_loss, history.validation_accuracy)
            waited = best.waited(model, history.validation_loss) if patience else 0
            if on_epoch:
                on_epoch(history)
            if patience and waited >= patience:
                history.stopped = f"no lower validation loss in {patience} epochs"
                break

    try:
        bars = progress(description=f"Training, {epochs} epochs", total=steps)
        with _scheduled(optimizer, schedule, steps) as scheduler, bars as bar:
            within_memory(learn, batches)
    except KeyboardInterrupt:  # a way to finish and no error
        history.stopped = "interrupted"
    finally:
        best.back(model)
    history.seconds = time.perf_counter() - began
    _keep(name, model, image_dataset(train), history, best.epoch)
    return history


def step(
    model: nn.Module, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer, weights=None
) -> tuple[float, int]:
    """One step downhill on one batch, with (K,) weights of the classes; returns the loss before it and how many pictures were right."""
    train_mode(model)  # here, not in the caller: a watcher may have evaluated in between
    logits = model(images)
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"While it learns the net answers with {type(logits).__name__}, and not with the scores alone. "
            "Build it without its auxiliary heads, for example with aux_logits=False."
        )
    loss = F.cross_entropy(logits, labels, weights)
    optimizer.zero_grad()
    loss.backward()
    if math.isfinite(value := loss.item()):  # else the step would destroy the weights
        optimizer.step()
    return value, int((logits.argmax(1) == labels).sum())


def one_cycle(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """A rate that rises for the first quarter of the steps and falls to almost nothing; for fit(schedule=...).

    It rises to each group's rate; fewer than five steps keep that rate. Source: Smith and Topin 2017, arXiv:1708.07120.
    """
    if steps < 5:  # too few to rise and fall
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    rates = [group["lr"] for group in optimizer.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=steps, pct_start=0.25, cycle_momentum=False
    )


def _balance(train: ImageDataset) -> Tensor:
    """(K,) weights with which all classes count the same; one without a picture is never met."""
    return 1 / torch.bincount(train.labels, minlength=len(train.classes)).clamp(min=1)


def _keep(name: str | None, model, train: ImageDataset, history: History, epoch: int) -> None:
    """Notes what the net learned from; hands it over, with the accuracy that was measured when it was as it is now."""
    # earlier scores, answers and thresholds are no longer its own
    net = inside(model)
    vars(net).update(about=models.About.learned(train), left_out=None)
    if "threshold" in vars(net):
        net.threshold = 0.0
    if not name:
        return
    kind = "validation" if history.validation_accuracy else "training"
    found = history.validation_accuracy or history.accuracy
    about = f"~{100 * found[epoch]:.1f} % of the {kind} pictures right" if found else ""
    if history.stopped == "interrupted":
        when = f"{len(history.loss)} of {history.epochs} epochs"
        about = ", ".join(filter(None, [about, f"interrupted after {when}"]))
    models.keep(name, model, accuracy=found[epoch] if found else 0.0, about=about)


def _need_sense(epochs, patience, validation, seed, name) -> None:
    whole(epochs, "epochs")
    whole(seed, "seed", least=0)
    if patience is not None:
        whole(patience, "patience")
        if validation is None:
            raise ValueError("patience watches the validation loss: give fit validation=... too.")
    if name is not None and not isinstance(name, str):
        raise ValueError(
            f"The name to keep a net under is text, such as 'lenet'; this is {name!r}."
        )


def _add(values: tuple[float, float], *lists: list[float]) -> None:
    for value, each in zip(values, lists):
        each.append(value)


def _prepared(model, train, validation, batch_size, augment, device, seed):
    """The net on its device, random numbers from the seed on, and the batches to learn from and to judge by."""
    device, train = devices.pick(device), image_dataset(train)
    model.to(device)
    changes = {"augment": augment, "preprocess": known(model, "preprocess")}
    batches = Batches(train, batch_size, shuffle=True, device=device, seed=seed, **changes)
    judged = (
        None
        if validation is None
        else reading(known(model, "preprocess"), validation, device=device)
    )
    for dataset in (train,) if validation is None else (train, image_dataset(validation)):
        scores = require_fit(model, dataset)
        if dataset.classes != train.classes:
            raise ValueError(
                f"The classes of the validation pictures are not those of the training pictures, in their order: {_named(dataset.classes)}, and not {_named(train.classes)}."
            )
    if places(model, train) != list(range(len(train.classes))):
        raise ValueError(
            f"The net knows its classes in another order, {_named(known(model, 'classes'))}, than {train.name}, {_named(train.classes)}. Say net.classes = dataset.classes if it may learn them anew."
        )
    if (scores >= 0).all() and scores.sum(1).allclose(scores.new_ones(2)):
        warnings.warn(
            "The net answers with probabilities, and the loss takes the softmax itself: leave it out at the net's end, or the net learns slowly.",
            stacklevel=3,
        )
    _need_no_lone_picture(model, train, batches.batch_size)
    torch.manual_seed(seed)  # for dropout and augmentation; the order has a generator of its own
    return batches, judged


def _named(classes) -> str:
    return ", ".join(map(str, classes[:4])) + ", ..." * (len(classes) > 4)


def _need_no_lone_picture(model: nn.Module, train: ImageDataset, size: int) -> None:
    """Batch normalisation of single values cannot learn from a batch of one picture: said now, and not after an epoch."""
    count = len(train)
    if size != 1 and count % size != 1:
        return
    prepare, twin = known(model, "preprocess") or Tensor.float, copy.deepcopy(model)
    try:
        train_mode(twin)
        twin(prepare(train[0][0][None]).to(devices.of(twin)))
    except Exception as error:  # any other is told in its turn
        if "more than 1 value per channel" not in str(error):
            return
        sizes = range(max(size, 1) + 1, count + 1)
        fits = next((str(other) for other in sizes if count % other != 1), "")
        cure = f"Try batch_size={fits}" if fits else "Take two pictures or more"
        raise ValueError(
            f"{count:,} pictures in batches of {size} leave one alone, from which batch normalisation in this net cannot learn. {cure}."
        ) from None


def _optimizer(model, optimizer, learning_rate):
    if optimizer is not None and learning_rate is not None:
        raise ValueError("Give a learning_rate or an optimizer, not both: it has its own rate.")
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    if not learning:
        raise ValueError(
            "Nothing in this net can learn: it has no weights, or all are frozen. transfer.unfreeze(net) lets them learn again."
        )
    if optimizer is None:
        usual = 1e-3 if learning_rate is None else learning_rate
        return torch.optim.Adam(learning, lr=rate(usual, "learning_rate"))
    if not isinstance(optimizer, torch.optim.Optimizer) or _wants_more(optimizer):
        raise ValueError(
            f"fit steps an optimizer without more words, such as torch.optim.Adam(net.parameters()); this is {optimizer!r}."
        )
    ours = {id(weight) for weight in model.parameters()}
    steered = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    if steered - ours or not steered & {*map(id, learning)}:
        raise ValueError(
            f"The optimizer moves {len(steered - ours)} tensors that are not the net's, and {len(steered & {*map(id, learning)})} "
            f"of {len(learning)} that learn in it. Make it anew, from this net and after every change to its layers."
        )
    return optimizer


@contextmanager
def _scheduled(optimizer, schedule, steps) -> Iterator:
    """The scheduler, if there is to be one; afterwards the optimizer has its own settings again, for another to begin with."""
    kept = lambda value: value.clone() if isinstance(value, Tensor) else value  # a rate may be one
    had = [{name: kept(one) for name, one in group.items()} for group in optimizer.param_groups]
    try:
        yield _scheduler(schedule, optimizer, steps) if schedule else None
    finally:
        for group, options in zip(optimizer.param_groups, had if schedule else ()):
            group.clear()
            group.update(options)


def _scheduler(schedule, optimizer, steps):
    try:
        scheduler = schedule(optimizer, steps) if callable(schedule) else schedule
        came = f"this one gives {type(scheduler).__name__}"
    except (TypeError, ValueError) as error:  # it takes other words
        scheduler, came = None, f"this one cannot be called so: {error}"
    if not callable(schedule) or not hasattr(scheduler, "step") or _wants_more(scheduler):
        raise ValueError(
            f"schedule is a function (optimizer, steps) -> a scheduler that is stepped after each batch and needs no more words, "
            f"such as training.one_cycle; {came}."
        )
    return scheduler


def _wants_more(stepped) -> bool:
    """Whether its step() needs something that fit does not have, such as a metric, or a function to call."""
    _, *values = signature(type(stepped).step).parameters.values()  # all but self
    kinds = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return any(each.default is Parameter.empty and each.kind not in kinds for each in values)


class _Best:
    """The weights at the lowest validation loss, and its epoch: the last where nobody asks for the best."""

    weights: dict[str, Tensor] | None = None
    epoch = -1

    def waited(self, model: nn.Module, losses: list[float]) -> int:
        """Epochs since the loss was lowest; where it is now, the weights are kept."""
        known = [math.inf if math.isnan(loss) else loss for loss in losses]
        if losses[-1] <= min(known):  # NaN never is
            self.weights, self.epoch = copy.deepcopy(model.state_dict()), len(losses) - 1
        return len(known) - 1 - known.index(min(known))

    def back(self, model: nn.Module) -> None:
        """The net with these weights, if there are any, in evaluation mode."""
        if self.weights:
            model.load_state_dict(self.weights)
        model.eval()


def _one_epoch(model, batches, optimizer, scheduler, bar, weights) -> tuple[float, float]:
    losses, right, seen = 0.0, 0, 0
    for images, labels in batches:
        loss, hits = step(model, images, labels, optimizer, weights)
        if not math.isfinite(loss):
            raise ValueError(
                f"The loss became {loss} in training: the steps are too long, or augment makes what is no number. Build the net again, and try a tenth of the learning rate."
            )
        if scheduler:
            scheduler.step()
        losses, right, seen = losses + loss * len(labels), right + hits, seen + len(labels)
        bar.update()
    return losses / seen, right / seen


def _validate(model, batches) -> tuple[float, float]:
    losses, right = 0.0, 0
    with evaluating(model):
        for images, labels in batches:
            logits = model(images)
            losses += F.cross_entropy(logits, labels, reduction="sum").item()
            right += int((logits.argmax(1) == labels).sum())
    return losses / batches.count, right / batches.count
