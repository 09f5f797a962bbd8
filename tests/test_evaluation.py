"""Every metric against scikit-learn, or against arithmetic by hand."""

import numpy as np
import pytest
import torch
from helpers import normalised, tiny_dataset, tiny_net
from sklearn import metrics
from torch import nn

from workshop_utils import evaluation, transfer
from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Predictions


def random_predictions(count=200, classes=5, seed=0) -> Predictions:
    generator = np.random.default_rng(seed)
    return Predictions(
        generator.dirichlet([0.5] * classes, count),
        generator.integers(0, classes, count),
        "abcde"[:classes],
    )


# Four pictures, three classes: the second and the last are taken for "a"; nobody ever says "c".
FOUR = Predictions(
    [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.9, 0.04, 0.06]],
    [0, 1, 1, 2],
    ("a", "b", "c"),
)


# --- scores ---


def test_scores_of_four_pictures_agree_with_arithmetic_by_hand():
    found = evaluation.evaluate(FOUR)
    assert found.accuracy == 2 / 4
    assert found.precision == pytest.approx((1 / 3 + 1 / 1 + 0) / 3)
    assert found.recall == pytest.approx((1 / 1 + 1 / 2 + 0) / 3)
    assert found.cross_entropy == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.06]).mean())
    np.testing.assert_array_equal(found.confusion, [[1, 0, 0], [1, 1, 0], [1, 0, 0]])


def test_class_that_is_never_predicted_scores_0_without_a_warning(recwarn):
    last = evaluation.evaluate(FOUR).per_class[2]
    assert (last.name, last.precision, last.recall, last.f1, last.pictures) == ("c", 0, 0, 0, 1)
    assert not recwarn


def test_class_that_never_occurs_keeps_its_row_and_its_place():
    found = evaluation.evaluate(Predictions([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]], [0, 1], "abc"))
    assert (
        found.confusion.shape == (3, 3)
        and found.per_class[2].pictures == 0
        and found.per_class[2].recall == 0
    )


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_averages_agree_with_scikit_learn(average):
    predictions = random_predictions()
    row, labels, said = (
        evaluation.evaluate(predictions).averages[average],
        predictions.labels,
        predictions.probabilities.argmax(1),
    )
    assert row.precision == pytest.approx(metrics.precision_score(labels, said, average=average))
    assert row.recall == pytest.approx(metrics.recall_score(labels, said, average=average))
    assert row.f1 == pytest.approx(metrics.f1_score(labels, said, average=average))


def test_accuracy_cross_entropy_and_confusion_agree_with_scikit_learn():
    predictions = random_predictions()
    found, said = evaluation.evaluate(predictions), predictions.probabilities.argmax(1)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(predictions.labels, said))
    assert found.cross_entropy == pytest.approx(
        metrics.log_loss(predictions.labels, predictions.probabilities)
    )
    np.testing.assert_array_equal(
        found.confusion, metrics.confusion_matrix(predictions.labels, said)
    )


def test_precision_recall_and_f1_without_more_words_are_macro():
    predictions = random_predictions()
    found, said = evaluation.evaluate(predictions), predictions.probabilities.argmax(1)
    assert (found.precision, found.recall, found.f1) == pytest.approx(
        metrics.precision_recall_fscore_support(predictions.labels, said, average="macro")[:3]
    )


def test_per_class_scores_agree_with_scikit_learn():
    predictions = random_predictions()
    oracle = metrics.classification_report(
        predictions.labels,
        predictions.probabilities.argmax(1),
        target_names=list("abcde"),
        output_dict=True,
    )
    for row in evaluation.evaluate(predictions).per_class:
        expected = oracle[row.name]
        assert (row.precision, row.recall, row.f1, row.pictures) == pytest.approx(
            (expected["precision"], expected["recall"], expected["f1-score"], expected["support"])
        )


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k_accuracy_agrees_with_scikit_learn(k):
    predictions = random_predictions()
    assert evaluation.evaluate(predictions).top_k(k) == pytest.approx(
        metrics.top_k_accuracy_score(predictions.labels, predictions.probabilities, k=k)
    )


def test_top_of_all_classes_is_always_right_and_beyond_is_refused():
    found = evaluation.evaluate(random_predictions())
    assert found.top_k(5) == 1
    for k in (0, 6):
        with pytest.raises(ValueError, match=f"between 1 and 5, the number of classes; it is {k}"):
            found.top_k(k)


def test_most_wrong_lists_the_surest_mistakes_first():
    first, second = evaluation.evaluate(FOUR).most_wrong(5)
    assert (first.index, first.label, first.predicted, first.confidence) == (
        3,
        "c",
        "a",
        pytest.approx(0.9),
    )
    assert (second.index, second.label, second.predicted, second.confidence) == (
        1,
        "b",
        "a",
        pytest.approx(0.6),
    )
    assert len(evaluation.evaluate(FOUR).most_wrong(1)) == 1


# --- what is refused ---


def test_logits_are_refused_with_the_likely_cause():
    with pytest.raises(ValueError, match="sum to 1. Were these logits"):
        Predictions([[2.0, -1.0]], [0], "ab")


def test_rows_sum_to_one_but_for_what_single_precision_rounds():
    with pytest.raises(ValueError, match="sum to 1"):
        Predictions([[0.7, 0.4]], [0], "ab")
    assert Predictions([[0.7, 0.3005]], [0], "ab").probabilities.sum() == pytest.approx(1)


def test_certainty_is_a_probability_too():
    assert evaluation.evaluate(evaluation.Predictions(np.eye(2), [0, 1], ("a", "b"))).accuracy == 1


def test_rows_that_miss_1_by_rounding_are_scaled_to_it():
    assert evaluation.Predictions(
        [[0.4995, 0.5]], [0], ("a", "b")
    ).probabilities.sum() == pytest.approx(1, abs=1e-12)


def test_one_hit_is_all_of_one_and_the_threshold_itself_is_reached():
    counts = evaluation.decide(evaluation.Predictions([[0.75, 0.25]], [0], ("a", "b")), "a", 0.75)
    assert (counts.recall, counts.precision) == (1, 1)


def test_results_cannot_be_changed_by_mistake():
    predictions = evaluation.Predictions(np.full((2, 2), 0.5), [0, 1], ("a", "b"))
    for result, name in (
        (predictions, "labels"),
        (evaluation.evaluate(predictions), "predictions"),
        (evaluation.evaluate(predictions).per_class[0], "f1"),
        (evaluation.evaluate(predictions).calibration, "error"),
        (evaluation.decide(predictions, "a", 0.5), "hits"),
        (evaluation.Wrong(0, "a", "b", 0.5), "index"),
    ):
        with pytest.raises(AttributeError):
            setattr(result, name, None)


def test_probabilities_of_another_shape_are_refused_with_both_shapes():
    with pytest.raises(
        ValueError,
        match=r"2 labels and 3 classes need probabilities of shape \(2, 3\); these have \(2, 2\)",
    ):
        Predictions(np.full((2, 2), 0.5), [0, 1], "abc")


def test_evaluation_is_shown_as_a_small_table_and_predictions_as_a_line():
    found = evaluation.evaluate(FOUR)
    said = [line.rsplit(maxsplit=1) for line in repr(found).splitlines()]
    assert said[0][0] == "Evaluation of 4 pictures of 3"
    assert ["accuracy", f"{found.accuracy:.3f}"] in said and [
        "F1, macro",
        f"{found.f1:.3f}",
    ] in said
    assert f">{found.cross_entropy:.3f}<" in found._repr_mimebundle_()["text/html"]
    assert repr(FOUR) == "Predictions for 4 pictures of 3 classes"


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(ValueError, match="no predictions"):
        evaluation.evaluate(Predictions(np.zeros((0, 2)), [], "ab"))
    with pytest.raises(ValueError, match="takes Predictions, and this is a ndarray"):
        evaluation.evaluate(np.eye(2))


def test_one_class_is_no_choice():
    with pytest.raises(ValueError, match="two classes or more; these have 1"):
        Predictions([[1.0]], [0], ["a"])


def test_probabilities_may_be_of_a_kind_that_numpy_lacks():
    rows = torch.tensor([[0.25, 0.75], [0.5, 0.5]], dtype=torch.bfloat16)
    np.testing.assert_array_equal(Predictions(rows, [0, 1], "ab").probabilities, rows.float())


# --- predict ---


def test_predict_gives_the_softmax_of_the_nets_answers_in_order():
    dataset, model = tiny_dataset(), tiny_net().eval()
    with torch.no_grad():
        expected = model(normalised(dataset)).softmax(1)
    found = evaluation.predict(model, dataset, batch_size=7)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(found.labels, dataset.labels)
    assert found.classes == dataset.classes


def test_predict_uses_evaluation_mode_and_puts_every_layer_back():
    dataset, model = tiny_dataset(), nn.Sequential(nn.Dropout(0.9), *tiny_net())
    model.train()
    model[2].eval()  # batch normalisation, held still on purpose
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = (evaluation.predict(model, dataset).probabilities for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert model.training and model[0].training and not model[2].training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_predict_reads_through_the_nets_own_preprocessing():
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 3))
    model.preprocess = lambda images: torch.zeros(len(images), 1, 2, 2)
    found = evaluation.predict(model, tiny_dataset()).probabilities
    np.testing.assert_allclose(found, np.tile(found[0], (24, 1)), atol=1e-6)


def test_net_with_another_number_of_classes_is_told_so_before_any_work():
    with pytest.raises(
        ValueError, match="answers with 4 scores, but tiny has 3 classes. Build it with classes=3"
    ):
        evaluation.predict(tiny_net(classes=4), tiny_dataset())


# --- decisions and calibration ---


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9, 1.1])
def test_four_counts_of_a_decision_agree_with_scikit_learn(threshold):
    predictions = random_predictions()
    called, true = predictions.probabilities[:, 1] >= threshold, predictions.labels == 1
    (rest, alarms), (misses, hits) = metrics.confusion_matrix(true, called, labels=[False, True])
    found = evaluation.decide(predictions, "b", threshold)
    assert (found.hits, found.misses, found.alarms, found.rest) == (hits, misses, alarms, rest)
    assert (
        found.recall == pytest.approx(metrics.recall_score(true, called))
        and found.cost(5, 2) == 5 * misses + 2 * alarms
    )
    assert found.precision == pytest.approx(metrics.precision_score(true, called, zero_division=0))


def test_decision_about_an_unknown_class_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="No class is called 'd'. .*Known: a, b, c"):
        evaluation.decide(FOUR, "d", 0.5)


def test_calibration_of_four_pictures_agrees_with_arithmetic_by_hand():
    found = evaluation.evaluate(
        FOUR
    ).calibration  # confidences 0.7 right, 0.6 wrong, 0.8 right, 0.9 wrong
    np.testing.assert_allclose(found.confidence, [0.6, 0.7, 0.8, 0.9])
    np.testing.assert_allclose(found.accuracy, [0, 1, 1, 0])
    assert found.pictures.tolist() == [1] * 4 and found.error == pytest.approx(
        (0.6 + 0.3 + 0.2 + 0.9) / 4
    )


def test_calibration_agrees_with_scikit_learn():
    from sklearn.calibration import calibration_curve

    predictions = random_predictions(1000)
    found, right = (
        evaluation.evaluate(predictions).calibration,
        predictions.predicted == predictions.labels,
    )
    accuracy, confidence = calibration_curve(right, predictions.probabilities.max(1), n_bins=10)
    np.testing.assert_allclose(found.accuracy, accuracy)
    np.testing.assert_allclose(found.confidence, confidence)
    assert found.pictures.sum() == 1000


def test_net_that_is_as_sure_as_right_has_no_calibration_error():
    said = Predictions(np.tile([0.75, 0.25], (4, 1)), [0, 0, 0, 1], "ab")
    assert evaluation.evaluate(said).calibration.error == pytest.approx(0)


# --- labels as people have them ---

COLUMN, NAMES = np.array([0, 2, 1, 1]), ["a", "c", "b", "b"]


@pytest.mark.parametrize(
    "labels",
    [
        COLUMN[:, None],
        np.eye(3)[COLUMN],
        np.eye(3, dtype=bool)[COLUMN],
        COLUMN.astype(np.float32),
        COLUMN.astype(np.uint8),
        COLUMN.astype(object),
        COLUMN.tolist(),
        torch.tensor(COLUMN).unsqueeze(1),
        [torch.tensor(label) for label in COLUMN],
        NAMES,
        np.array(NAMES, dtype=object),
    ],
    ids=str,
)
def test_labels_that_mean_the_same_are_read_the_same_by_predictions_and_sets(labels):
    assert Predictions(np.eye(3)[COLUMN], labels, "abc").labels.tolist() == [0, 2, 1, 1]
    images = np.zeros((4, 1, 2, 2), np.uint8)
    assert ImageDataset(images, labels, "abc", name="x").labels.tolist() == [0, 2, 1, 1]


@pytest.mark.parametrize(
    "labels, sentence",
    [
        ([0, 1, 0.9], "whole number"),
        ([0, 1, np.nan], "whole number"),
        ([0, 1, None], "whole number"),
        ([True, False, True], "these are bool"),
        ([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]], r"shape \(3, 3\)"),
        ([[1, 1, 0], [0, 1, 0], [0, 0, 1]], r"shape \(3, 3\)"),
        ([[0, 1], [1]], "holds something else"),
        ([1, 2, 3], "from 1 to 3. Do they count from 1"),
        ([-1, 0, 1], "from -1 to 1"),
        ([0, 1, np.inf], "from 0 to inf"),
        (["a", "b", "bee"], "No class is called 'bee'"),
        (2, "one whole number a picture"),
    ],
    ids=str,
)
def test_labels_that_can_mean_nothing_are_refused_by_predictions_and_sets(labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        Predictions(np.eye(3), labels, "abc")
    with pytest.raises(ValueError, match=sentence):
        ImageDataset(np.zeros((3, 1, 2, 2), np.uint8), labels, "abc", name="x")


def test_yes_and_no_are_labels_of_two_classes():
    assert Predictions(np.eye(2), [False, True], ("no", "yes")).labels.tolist() == [0, 1]


def test_class_names_become_text_and_those_that_come_twice_get_their_positions():
    assert Predictions(np.eye(3), [0, 1, 2], [7, 8, 9]).classes == ("7", "8", "9")
    found = Predictions(np.eye(3), [0, 1, 2], ["crane", "b", "crane"])
    assert found.classes == ("crane (0)", "b", "crane (2)")


@pytest.mark.parametrize("classes", [{"a", "b"}, {"a": 0, "b": 1}, 2])
def test_classes_without_an_order_are_refused(classes):
    with pytest.raises(ValueError, match="list of names in the order of the labels"):
        Predictions(np.eye(2), [0, 1], classes)


def test_probabilities_of_a_net_that_went_wrong_are_said_to_be_no_numbers():
    with pytest.raises(ValueError, match="NaN"):
        Predictions([[np.nan, np.nan]], [0], "ab")


# --- nets and sets that know their classes ---


def test_net_with_its_classes_in_another_order_is_read_in_the_sets():
    dataset, model = tiny_dataset(), tiny_net()
    plain = evaluation.predict(model, dataset)
    for known in (("c", "a", "b"), np.array(["c", "a", "b"])):
        model.classes = known
        turned = evaluation.predict(model, dataset)
        np.testing.assert_array_equal(turned.probabilities, plain.probabilities[:, [1, 2, 0]])
        assert turned.classes == ("a", "b", "c")


def test_net_that_knows_other_classes_is_refused_and_a_number_is_no_list_of_names():
    model = tiny_net()
    model.classes = 3
    evaluation.predict(model, tiny_dataset())
    model.classes = ["a", "b", "dog"]
    with pytest.raises(ValueError, match="'c' is in one only"):
        evaluation.predict(model, tiny_dataset())


def test_wrapped_net_keeps_its_order_and_its_preprocessing():
    dataset, model = tiny_dataset(), tiny_net()
    model.classes, model.preprocess = ("c", "a", "b"), lambda images: images / 255
    outside = nn.DataParallel(tiny_net())
    outside.preprocess, outside.classes = model.preprocess, model.classes
    plain = evaluation.predict(model, dataset)
    for net in (nn.DataParallel(model), outside):
        found = evaluation.predict(net, dataset)
        np.testing.assert_array_equal(found.probabilities, plain.probabilities)


@pytest.mark.parametrize("deep", [1, 2])
def test_part_that_torch_splits_off_is_read_as_the_part_it_is(deep):
    whole, part = tiny_dataset(), tiny_dataset()
    for _ in range(deep):
        part = torch.utils.data.Subset(part, list(range(len(part)))[::-2])
    expected = whole[::-2] if deep == 1 else whole[::-2][::-2]
    found = evaluation.predict(tiny_net(), part)
    np.testing.assert_array_equal(
        found.probabilities, evaluation.predict(tiny_net(), expected).probabilities
    )
    assert found.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda dataset: torch.utils.data.TensorDataset(dataset.images, dataset.labels),
        lambda dataset: torch.utils.data.ConcatDataset([dataset, dataset]),
        lambda dataset: torch.utils.data.DataLoader(dataset),
        lambda dataset: list(dataset),
        lambda dataset: (dataset, dataset),
    ],
)
def test_other_collections_of_pictures_are_told_what_makes_a_set(make):
    for action in (evaluation.predict, transfer.features):
        with pytest.raises(ValueError, match="ImageDataset, and this is a .* make one"):
            action(tiny_net(), make(tiny_dataset()))


class Greedy(nn.Module):
    """Asks for more memory than there is, for more than two pictures."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        return self.head(x.flatten(1) + (torch.empty(2**52).sum() if len(x) > 2 else 0))


@pytest.mark.parametrize("action", [evaluation.predict, transfer.features])
def test_full_memory_in_reading_is_told_with_the_batch_size_to_try(action):
    with pytest.raises(MemoryError, match="batches of 10 pictures. Try batch_size=5") as told:
        action(Greedy(), tiny_dataset(), batch_size=10)
    assert told.value.__context__ is None
    with pytest.raises(ValueError, match="batch_size is 0: give a whole number"):
        action(tiny_net(seed=7), tiny_dataset(), batch_size=0)


@pytest.mark.parametrize(
    "net, sentence",
    [
        (nn.Conv2d(1, 3, 8), r"answers with \(2, 3, 1, 1\).*nn.Flatten"),
        (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (1, 128)), nn.Linear(128, 3)), r"\(1, 3\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 3).double()), "net.float"),
        (nn.Sequential(nn.Flatten(2), nn.LSTM(64, 3)), "answers with tuple"),
    ],
    ids=["maps", "one answer for all", "double", "tuple"],
)
def test_net_that_gives_no_scores_is_told_what_is_missing(net, sentence):
    with pytest.raises(ValueError, match=sentence):
        evaluation.predict(net, tiny_dataset())


def test_net_whose_weights_are_no_numbers_is_refused():
    net = tiny_net()
    nn.init.constant_(net[5].bias, np.nan)
    with pytest.raises(ValueError, match="answers with NaN"):
        evaluation.predict(net, tiny_dataset())
