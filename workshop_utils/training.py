"""The training loop: batches in, a better net and its history out."""

import copy
import math
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workshop_utils import device as devices
from workshop_utils import models
from workshop_utils.data import Batches, ImageDataset
from workshop_utils.data.batches import reading
from workshop_utils.models.cost import require_fit
from workshop_utils.models.modes import evaluating, train_mode
from workshop_utils.progress import progress

FULL = "the memory of the device was full"


@dataclass
class History:
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

    def __repr__(self) -> str:
        end = f", stopped: {self.stopped}" if self.stopped else ""
        return f"History of {len(self.loss)} of {self.epochs} epochs{end}"


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
) -> History:
    """Trains `model` in place on `train` and returns its History; an interrupt stops early and keeps what was learned.

    learning_rate: of Adam, 0.001 if nothing is said. optimizer: instead of it, for example with
    `transfer.parameter_groups`. schedule: (optimizer, steps) -> a torch scheduler, stepped after each batch, such as
    `one_cycle`. augment: float batch -> float batch. on_epoch: called with the history after each epoch.
    patience: stop after that many epochs without a lower validation loss, and go back to the best one.
    seed: repeats the order of the batches. name: keeps the net for `models.ready(name)`.
    Raises ValueError if net and pictures do not fit together, or both learning_rate and optimizer are given, and MemoryError,
    with the batch size to try, where the device's memory is too small.
    """
    if patience and validation is None:
        raise ValueError(
            "patience watches the validation loss, so fit needs validation=... as well."
        )
    batches, judged = _prepared(model, train, validation, batch_size, augment, device, seed)
    optimizer = _optimizer(model, optimizer, learning_rate)
    steps = epochs * len(batches)
    scheduler = schedule(optimizer, steps) if schedule else None
    history, best, began = History(epochs), _Best(), time.perf_counter()
    with progress(description=f"Training, {epochs} epochs", total=steps) as bar, _stopping(history):
        for _ in range(epochs):
            loss, accuracy = _one_epoch(model, batches, optimizer, scheduler, bar)
            history.loss.append(loss)
            history.accuracy.append(accuracy)
            if judged:
                loss, accuracy = _validate(model, judged)
                history.validation_loss.append(loss)
                history.validation_accuracy.append(accuracy)
            waited = best.waited(model, history.validation_loss) if patience else 0
            if on_epoch:
                on_epoch(history)
            if patience and waited >= patience:
                history.stopped = f"no lower validation loss in {patience} epochs"
                break
    if history.stopped == FULL:
        raise _too_large(batches)
    if best.weights:
        model.load_state_dict(best.weights)
    history.seconds = time.perf_counter() - began
    model.eval()
    if name:
        models.keep(name, model)
    return history


def step(
    model: nn.Module, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer
) -> tuple[float, int]:
    """One step downhill on one batch; returns the loss before it and how many pictures were right."""
    train_mode(model)  # here, not in the caller: a watcher may have evaluated in between
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item(), int((logits.argmax(1) == labels).sum())


def one_cycle(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """A rate that rises for the first quarter of the steps and falls to almost nothing; for fit(schedule=...).

    Source: Smith and Topin 2017, arXiv:1708.07120.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rates, total_steps=steps, pct_start=0.25, cycle_momentum=False
    )


def _prepared(model, train, validation, batch_size, augment, device, seed):
    """The net on its device, random numbers from the seed on, and the batches to learn from and to judge by."""
    device = devices.pick(device)
    model.to(device)
    require_fit(model, train)
    torch.manual_seed(seed)  # for dropout and augmentation; the order has a generator of its own
    changes = {"augment": augment, "preprocess": getattr(model, "preprocess", None)}
    batches = Batches(train, batch_size, shuffle=True, device=device, seed=seed, **changes)
    return batches, reading(model, validation, device=device) if validation is not None else None


def _optimizer(model, optimizer, learning_rate):
    if optimizer and learning_rate is not None:
        raise ValueError(
            "Give a learning_rate or an optimizer, not both: an optimizer has its own rate."
        )
    learning = (parameter for parameter in model.parameters() if parameter.requires_grad)
    rate = 1e-3 if learning_rate is None else learning_rate
    return optimizer or torch.optim.Adam(learning, lr=rate)


@contextmanager
def _stopping(history: History):
    """Inside, an interrupt is a way to finish and no error. A full memory is one, but not here, where it would keep the batch."""
    try:
        yield
    except KeyboardInterrupt:
        history.stopped = "interrupted"
    except (RuntimeError, MemoryError) as error:
        if not devices.memory_is_full(error):
            raise
        history.stopped = FULL


def _too_large(batches: Batches) -> MemoryError:
    size = batches.batch_size
    cure = f"batch_size={size // 2}" if size > 1 else "a smaller net, or smaller pictures"
    return MemoryError(
        f"The memory of the device '{batches.device}' is too small for this net with batches of {size} pictures. Try {cure}."
    )


class _Best:
    """The weights at the lowest validation loss."""

    weights: dict[str, Tensor] | None = None

    def waited(self, model: nn.Module, losses: list[float]) -> int:
        """Epochs since the loss was lowest; where it is now, the weights are kept."""
        if losses[-1] <= min(losses):
            self.weights = copy.deepcopy(model.state_dict())
        return len(losses) - 1 - losses.index(min(losses))


def _one_epoch(model, batches, optimizer, scheduler, bar) -> tuple[float, float]:
    losses, right, seen = 0.0, 0, 0
    for images, labels in batches:
        loss, hits = step(model, images, labels, optimizer)
        if not math.isfinite(loss):
            raise ValueError(
                f"The loss became {loss} in training: the steps are too long. Try a tenth of the learning rate."
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
