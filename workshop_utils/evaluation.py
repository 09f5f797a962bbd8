"""From predictions to every metric of the course; scikit-learn does the arithmetic."""

from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import numpy as np
import torch
from torch import Tensor, nn

from workshop_utils import errors
from workshop_utils.data import ImageDataset
from workshop_utils.data.batches import reading, within_memory
from workshop_utils.data.dataset import image_dataset
from workshop_utils.data.labels import array, class_names, positions
from workshop_utils.models.cost import places, require_fit
from workshop_utils.models.modes import evaluating, known
from workshop_utils.progress import progress
from workshop_utils.tables import Measured, Table


@dataclass(frozen=True, repr=False, eq=False)
class Predictions:
    """What a net, or a person, said to N pictures, and what was right.

    probabilities: (N, K) floats, each row summing to 1. labels: (N,) int, positions in `classes`; a column, one-hot rows and
    names are read as well. classes: K names.
    Raises ValueError if the shapes do not agree, a label is none, or a row is no probability distribution.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self):
        probabilities, classes = array(self.probabilities).astype(float), class_names(self.classes)
        labels = positions(self.labels, classes)
        if len(classes) < 2:
            raise ValueError(
                f"Predictions choose between two classes or more; these have {len(classes)}."
            )
        if probabilities.shape != (shape := (len(labels), len(classes))):
            raise ValueError(
                f"{shape[0]} labels and {shape[1]} classes need probabilities of shape {shape}; these have {probabilities.shape}."
            )
        if np.isnan(probabilities).any():
            raise ValueError("Some probabilities are NaN, no numbers: so are the net's weights.")
        if (probabilities < 0).any() or not np.allclose(probabilities.sum(1), 1, atol=1e-3):
            raise ValueError(
                "Each row of probabilities must be non-negative and sum to 1. Were these logits? Apply softmax once."
            )
        probabilities = probabilities / probabilities.sum(1, keepdims=True)
        vars(self).update(probabilities=probabilities, labels=labels, classes=classes)

    def __repr__(self) -> str:
        return f"Predictions for {len(self.labels):,} pictures of {len(self.classes)} classes"

    @property
    def predicted(self) -> np.ndarray:
        """(N,) the class with the highest probability for each picture."""
        return self.probabilities.argmax(1)

    @property
    def accuracy(self) -> float:
        """The fraction of the pictures whose predicted class is the right one."""
        return float((self.predicted == self.labels).mean())


@dataclass(frozen=True)
class ClassScores:
    """One class's precision, recall and F1 as fractions, and how many pictures of it there were."""

    name: str
    precision: float
    recall: float
    f1: float
    pictures: int


@dataclass(frozen=True)
class Wrong:
    """One wrong prediction: which picture, what it is, what was said, and with what probability."""

    index: int
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True)
class Counts:
    """Four counts of a yes-or-no decision: what was rightly called so, what was missed, what was a false alarm, and the rest."""

    hits: int
    misses: int
    alarms: int
    rest: int

    @property
    def recall(self) -> float:
        """The fraction of those that are so which was found; 0 if there are none."""
        return self.hits / max(self.hits + self.misses, 1)

    @property
    def precision(self) -> float:
        """The fraction of those called so that are so; 0 if none was called so."""
        return self.hits / max(self.hits + self.alarms, 1)

    def cost(self, miss: float, alarm: float) -> float:
        """What all errors cost together, where one of each costs this."""
        return miss * self.misses + alarm * self.alarms


@dataclass(frozen=True)
class Calibration:
    """Whether a net's confidence can be believed: what it said, and how often it was right, for ten bands of confidence.

    confidence, accuracy: the mean of each band that has pictures, (B,) fractions. pictures: (B,) counts. error: the expected
    calibration error, the mean distance of the two weighted by the pictures. Source: Guo et al. 2017, arXiv:1706.04599.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    pictures: np.ndarray

    @property
    def error(self) -> float:
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.pictures))


@dataclass(frozen=True, repr=False)
class Evaluation(Measured):
    """Every metric of the course, computed from Predictions when asked for. All are fractions, the cross-entropy is in nats.

    precision, recall and f1 are macro averages: every class counts the same. A class that is never predicted has
    precision 0, one that never occurs has recall 0.
    """

    predictions: Predictions

    def table(self) -> Table:
        """The metrics of the whole, one a row."""
        rows = (
            ("accuracy", self.accuracy),
            ("precision, macro", self.precision),
            ("recall, macro", self.recall),
            ("F1, macro", self.f1),
            ("cross-entropy, nats", self.cross_entropy),
        )
        labels, classes = self.predictions.labels, self.predictions.classes
        about = f"Evaluation of {len(labels):,} pictures of {len(classes)} classes"
        return Table(rows, {"metric": itemgetter(0), "value": itemgetter(1)}, about)

    accuracy = property(lambda self: self.predictions.accuracy)

    precision = property(lambda self: self.averages["macro"].precision)
    recall = property(lambda self: self.averages["macro"].recall)
    f1 = property(lambda self: self.averages["macro"].f1)

    @cached_property
    def averages(self) -> dict[str, ClassScores]:
        """Macro (each class counts the same), micro (each picture) and weighted (each class by its size) averages."""
        found = {}
        for kind in ("macro", "micro", "weighted"):
            precision, recall, f1, _ = self._scores(kind)
            found[kind] = ClassScores(kind, precision, recall, f1, len(self.predictions.labels))
        return found

    @cached_property
    def cross_entropy(self) -> float:
        """The mean of -log(probability given to the right class), in nats; lower is better. scikit-learn takes 0 as 2e-16."""
        from sklearn.metrics import log_loss

        said = self.predictions
        return float(log_loss(said.labels, said.probabilities, labels=range(len(said.classes))))

    def top_k(self, k: int) -> float:
        """The fraction of pictures whose class is among the k most probable. Raises ValueError unless 1 <= k <= K."""
        most = len(self.predictions.classes)
        if k not in range(1, most + 1):
            raise ValueError(f"k must lie between 1 and {most}, the number of classes; it is {k}.")
        best = np.argsort(-self.predictions.probabilities, axis=1, kind="stable")[:, : int(k)]
        return float((best == self.predictions.labels[:, None]).any(1).mean())

    @cached_property
    def confusion(self) -> np.ndarray:
        """(K, K) counts: row = true class, column = predicted class."""
        from sklearn.metrics import confusion_matrix

        said = self.predictions
        return confusion_matrix(said.labels, said.predicted, labels=range(len(said.classes)))

    @cached_property
    def per_class(self) -> list[ClassScores]:
        """The scores of each class, as a table in a notebook."""
        scores = (values.tolist() for values in self._scores(None))
        rows = map(ClassScores, self.predictions.classes, *scores)
        columns = {"class": "name", "precision": "precision", "recall": "recall", "F1": "f1"}
        return Table(rows, {**columns, "pictures": "pictures"})

    @cached_property
    def calibration(self) -> Calibration:
        """Confidence beside accuracy, in ten bands of equal width."""
        confidence = self.predictions.probabilities.max(1)
        right = self.predictions.predicted == self.predictions.labels
        band = np.ceil((10 * confidence).round(9)).astype(int)  # (0.8, 0.9] is band 9
        bands, place, pictures = np.unique(band, return_inverse=True, return_counts=True)
        mean = lambda values: np.bincount(place, values, len(bands)) / pictures
        return Calibration(mean(confidence), mean(right), pictures)

    def most_wrong(self, n: int) -> list[Wrong]:
        """The n wrong predictions that were made with most confidence, the worst first."""
        n = errors.whole(n, "n", least=0)
        said, true = self.predictions.predicted, self.predictions.labels
        sure, classes = self.predictions.probabilities.max(1), self.predictions.classes
        wrong = np.flatnonzero(said != true)
        worst = wrong[np.argsort(-sure[wrong], kind="stable")][:n]
        rows = [Wrong(int(i), classes[true[i]], classes[said[i]], float(sure[i])) for i in worst]
        columns = {"picture": "index", "is": "label", "called": "predicted"}
        return Table(rows, {**columns, "confidence": "confidence"})

    def _scores(self, average: str | None):
        from sklearn.metrics import precision_recall_fscore_support

        said = self.predictions
        options = {"labels": range(len(said.classes)), "average": average, "zero_division": 0}
        return precision_recall_fscore_support(said.labels, said.predicted, **options)


def decide(predictions: Predictions, positive: str, threshold: float) -> Counts:
    """The four counts if every picture that gets `threshold` or more for the class `positive` is called so.

    Raises ValueError for a class that the predictions do not have.
    """
    if positive not in predictions.classes:
        raise errors.unknown("class", positive, predictions.classes, "predictions.classes")
    column = predictions.classes.index(positive)
    called, true = predictions.probabilities[:, column] >= threshold, predictions.labels == column
    cells = (called & true, ~called & true, called & ~true, ~called & ~true)
    return Counts(*(int(cell.sum()) for cell in cells))


def predicted_pictures(predictions: Predictions, dataset: ImageDataset) -> ImageDataset:
    """The set that begins with the pictures that were predicted. Raises ValueError if these are predictions for others."""
    dataset, labels = image_dataset(dataset), predictions.labels
    if not np.array_equal(labels, dataset.labels[: len(labels)]):
        raise ValueError(
            f"These are predictions for other pictures than those of {dataset!r}. Give the set that was predicted, in its order."
        )
    return dataset


def predict(
    model: nn.Module, dataset: ImageDataset, *, device=None, batch_size: int | None = None
) -> Predictions:
    """The net's probabilities for every picture of a set, in evaluation mode, in order; the net's own mode is kept.

    A net that knows its .classes in another order than the set is read in the set's.
    Raises ValueError if net and pictures do not fit together, and MemoryError, with the batch size to try, where the device's
    memory is too small.
    """
    dataset = image_dataset(dataset)
    batches = reading(known(model, "preprocess"), dataset, batch_size=batch_size, device=device)
    model.to(batches.device)
    require_fit(model, dataset)
    counted = progress(batches, f"Reading {len(dataset):,} pictures")

    def answers() -> list[Tensor]:
        with evaluating(model):
            return [model(images).softmax(1).cpu() for images, _ in counted]

    rows = torch.cat(within_memory(answers, batches))[:, places(model, dataset)]
    return Predictions(rows.numpy(), dataset.labels.numpy(), dataset.classes)


def evaluate(predictions: Predictions) -> Evaluation:
    """Every metric of these predictions. Raises ValueError if there are none."""
    if not isinstance(predictions, Predictions):
        raise ValueError(
            f"evaluate takes Predictions, and this is a {type(predictions).__name__}. evaluation.predict(net, dataset) makes them, or evaluation.Predictions(probabilities, labels, classes)."
        )
    if not len(predictions.labels):
        raise ValueError("There are no predictions to evaluate.")
    return Evaluation(predictions)
