"""The training loop: batches in, a better net and its history out."""

import copy
import math
import time
from collections.abc import Callable
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
    if optimizer and learning_rate is not None:
        raise ValueError(
            "Give a learning_rate or an optimizer, not both: an optimizer has its own rate."
        )
    if patience and validation is None:
        raise ValueError(
            "patience watches the validation loss, so fit needs validation=... as well."
        )
    place = devices.pick(device)
    model.to(place)
    require_fit(model, train)
    torch.manual_seed(
        seed
    )  # for dropout and augmentation; the order of the batches has a generator of its own
    batches = Batches(
        train,
        batch_size,
        shuffle=True,
        augment=augment,
        preprocess=getattr(model, "preprocess", None),
        device=place,
        seed=seed,
    )
    judged = reading(model, validation, device=place) if validation is not None else None
    optimizer = optimizer or torch.optim.Adam(
        (p for p in model.parameters() if p.requires_grad),
        lr=1e-3 if learning_rate is None else learning_rate,
    )
    scheduler = schedule(optimizer, epochs * len(batches)) if schedule else None
    history, best, full = History(epochs), None, False
    began = time.perf_counter()
    bar = progress(description=f"Training, {epochs} epochs", total=epochs * len(batches))
    try:
        for _ in range(epochs):
            loss, accuracy = _one_epoch(model, batches, optimizer, scheduler, bar)
            history.loss.append(loss)
            history.accuracy.append(accuracy)
            if judged:
                loss, accuracy = _validate(model, judged)
                history.validation_loss.append(loss)
                history.validation_accuracy.append(accuracy)
                if patience and loss <= min(history.validation_loss):
                    best = copy.deepcopy(model.state_dict())
            if on_epoch:
                on_epoch(history)
            if (
                patience
                and len(history.validation_loss)
                - history.validation_loss.index(min(history.validation_loss))
                > patience
            ):
                history.stopped = f"no lower validation loss in {patience} epochs"
                break
    except KeyboardInterrupt:  # stopping is a way to finish, not an error
        history.stopped = "interrupted"
    except (RuntimeError, MemoryError) as error:
        if not (full := devices.memory_is_full(error)):
            raise
    finally:
        bar.close()
    if full:  # raised here, for the error above would keep the batch in memory
        cure = (
            f"Try batch_size={batch_size // 2}"
            if batch_size > 1
            else "Try a smaller net, or smaller pictures"
        )
        raise MemoryError(
            f"The memory of the device '{place}' is too small for this net with batches of {batch_size} pictures. {cure}."
        )
    if best:
        model.load_state_dict(best)
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
