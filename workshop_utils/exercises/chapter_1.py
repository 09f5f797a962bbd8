"""The exercises of chapter 1: datasets and evaluation."""

import numpy as np
import torch
from torch import Tensor, nn

from workshop_utils import data
from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Evaluation, Predictions, decide, evaluate, predict
from workshop_utils.exercises.judging import Unattempted, Wrong, as_array, ask, described, judge
from workshop_utils.exercises.kit import exercise, question
from workshop_utils.progress import watched_by

LEVELS_AT_MOST, POINTS_AT_LEAST = (
    45,
    10,
)  # of exercise 1.11: how far pixels may move on average, how far accuracy has to fall

ANOTHER_SET = question(
    "1.1",
    "A net on another set",
    right="C",
    hints=("Think of the game: what gave a set away first?", "Look at corners and background."),
    A="Both sets hold the digits 0 to 9. What differs is how they look.",
    B="Both are 28 x 28 and grey, or the net would have refused them. It runs, without any error, and that is the danger.",
    C="Background, contrast and framing differ from set to set, as the game showed, and a classifier learns those too (Torralba and Efros 2011).",
    D="Longer training on the first set makes it better at the first set. It still never saw the second.",
)


@exercise(
    "1.2",
    "The score to beat",
    hints=(
        "Choose clip-art in the browser. The sentence below the pictures says how many the largest class has.",
        "Divide that by the number of all training pictures, 168.",
    ),
    solution='labels = data.load("clip-art").labels\nmy_score = labels.bincount().max() / len(labels)',
    why="Whoever always names the largest class is right for exactly its pictures.",
)
def score_to_beat(answer) -> str:
    counts = torch.bincount(data.load("clip-art").labels)
    judge(
        answer,
        counts.max() / counts.sum(),
        {
            "That is a percentage. The task asks for a fraction between 0 and 1.": 100
            * counts.max()
            / counts.sum(),
            f"That would hold if all {len(counts)} classes were equally large. They are not: look for the largest.": 1
            / len(counts),
            "That is how many pictures the largest class has. What share of all is it?": counts.max(),
            "That counts the test drawings too. Take the 168 of the training set.": counts.max()
            / 320,
            "That is the share of the rarest class. Which class would you name?": counts.min()
            / counts.sum(),
        },
        "a fraction: the largest class, divided by all",
        tolerance=0.006,
    )
    return f"{counts.max() / counts.sum():.1%}, by knowing nothing. A net on this set that reaches 12 % has learned nothing."


@exercise(
    "1.3",
    "The split that loses its labels",
    hints=(
        "Follow one picture: it moves to another place. What about its label?",
        "Shuffle both with the same order: labels = labels[order].",
    ),
    solution="def split(images, labels):\n    order = torch.randperm(len(images))\n    images, labels = images[order], labels[order]\n    tenth = len(images) // 10\n"
    "    return images[tenth:], labels[tenth:], images[:tenth], labels[:tenth]",
    why="One order for both: picture and label move together.",
)
def split(answer) -> str:
    labels = torch.arange(10).repeat_interleave(10)  # sorted, as many sets come
    images = (
        torch.arange(100, dtype=torch.uint8).view(100, 1, 1, 1).expand(100, 1, 2, 2).contiguous()
    )  # a picture's pixels say its place
    parts = ask(answer, images, labels)
    if not isinstance(parts, (tuple, list)) or len(parts) != 4:
        raise Wrong(
            f"Expected four parts: pictures and labels to learn from, then pictures and labels to validate; came {described(parts)}."
        )
    values = [as_array(part) for part in parts]
    if (
        any(value is None for value in values)
        or [value.ndim for value in values] != [4, 1, 4, 1]
        or any(len(pictures) != len(named) for pictures, named in (values[:2], values[2:]))
    ):
        raise Wrong(
            "Expected pictures (N, 1, H, W) and as many labels (N,), first those to learn from, then those to validate with."
        )
    places = [value[:, 0, 0, 0].astype(int) for value in values[::2]]
    if not all(np.isin(place, np.arange(100)).all() for place in places):
        raise Wrong(
            "These are other pictures than those that came in. Only their order may change."
        )
    matching = sum(int((place // 10 == named).sum()) for place, named in zip(places, values[1::2]))
    whole = np.concatenate(places)
    if matching < len(whole):
        if (
            sorted(whole) == list(range(100))
            and np.array_equal(np.sort(np.concatenate(values[1::2])), labels.numpy())
            and len(places[1]) == 10
            and np.array_equal(values[3], labels[:10].numpy())
        ):
            raise Unattempted(
                "This is the cell as it came: about one picture in ten still has its own label. Repair it and run it again."
            )
        raise Wrong(
            f"Only {matching} of {len(whole)} pictures still have their own label. Follow one picture and its label through the cell."
        )
    if both := len(np.intersect1d(*places)):
        raise Wrong(
            f"{both} pictures are in both parts. Validation has to be on pictures that the net never learned from."
        )
    if len(whole) != 100:
        raise Wrong(f"{len(whole)} pictures come out of 100. None may be lost or doubled.")
    if len(places[1]) != 10:
        raise Wrong(f"The second part has {len(places[1])} of 100 pictures; a tenth was asked.")
    if len(set(values[3])) < 3:
        raise Wrong(
            "The second part holds hardly any classes: sets often come sorted by class, so shuffle before you cut."
        )
    return "Every picture keeps its label, and none is in both parts. The broken cell raised no error: a net trained on it would just stay at 10 %."


@exercise(
    "1.4",
    "The smallest k for 99 %",
    given=("predictions",),
    hints=(
        "Move k in the panel and read the accuracy.",
        "The first k whose accuracy is 99 % or more.",
    ),
    solution="my_k = next(k for k in range(1, 11) if result.top_k(k) >= 0.99)",
    why="top-k accuracy never falls when k grows, so the first k that reaches 99 % is the smallest.",
)
def smallest_k(answer, predictions: Predictions) -> str:
    result, classes = evaluate(predictions), len(predictions.classes)
    right = next(k for k in range(1, classes + 1) if result.top_k(k) >= 0.99)
    mistakes = {
        f"top-{k} accuracy is {result.top_k(k):.2%}, still below 99 %.": k for k in range(1, right)
    }
    mistakes |= {
        f"top-{k} reaches 99 %, but {right} does already: it is {result.top_k(right):.2%}.": k
        for k in range(right + 1, classes)
    }
    mistakes |= {
        f"With k = {classes} every net has 100 %, for there are only {classes} classes. A smaller k is enough.": classes,
        "That is an accuracy. The task asks for k, a whole number.": result.top_k(right),
    }
    judge(answer, right, mistakes, f"a whole number between 1 and {classes}", tolerance=1e-9)
    return f"top-{right} accuracy is {result.top_k(right):.2%}. A top-k number says something only beside the number of classes: top-{classes} is 100 % for any net."


@exercise(
    "1.5",
    "Cross-entropy",
    hints=(
        "For picture number i, labels[i] says which of its probabilities counts.",
        "probabilities[np.arange(len(labels)), labels] takes one number a picture.",
        "Then the negative logarithm, then the mean.",
    ),
    solution="def cross_entropy(probabilities, labels):\n    given = probabilities[np.arange(len(labels)), labels]\n    return -np.log(given).mean()",
    why="Only what the right class got counts; log makes a sure miss expensive; the mean makes sets of different size comparable.",
)
def cross_entropy(answer) -> str:
    count = int(
        4 * torch.randint(1, 3, ()) + torch.randint(1, 4, ())
    )  # no multiple of 4: with balanced labels two mistakes give the same number
    scores = torch.randn(count, 4).double()
    probabilities, labels = scores.softmax(1), torch.randint(4, (len(scores),))
    given = probabilities[torch.arange(len(labels)), labels]
    judge(
        ask(answer, probabilities.numpy(), labels.numpy()),
        -given.log().mean(),
        {
            "The sign is wrong: the logarithm of a probability is negative, the loss is positive.": given.log().mean(),
            "That is the logarithm to base 10. Take np.log, the natural one.": -given.log10().mean(),
            "That is the logarithm to base 2. Take np.log, the natural one.": -given.log2().mean(),
            "That is the sum over the pictures. Cross-entropy here is their mean.": -given.log().sum(),
            "That is one value a picture. What is missing is their mean.": -given.log(),
            "labels alone picked rows. One number a picture is needed: index pictures and labels together.": -probabilities[
                labels
            ].log(),
            "labels alone picked rows, and the mean went over all of them. Index pictures and labels together.": -probabilities[
                labels
            ]
            .log()
            .mean(),
            "That is the mean over all pairs of a picture and a label. Index pictures and labels together.": -probabilities[
                :, labels
            ]
            .log()
            .mean(),
            "That is the most probable class. Take the probability of the right class, also where the net is wrong.": -probabilities.max(
                1
            )
            .values.log()
            .mean(),
            "These are probabilities of the most probable class. Take the right class's, then the logarithm and the mean.": probabilities.max(
                1
            ).values,
            "That is before the logarithm.": given.mean(),
            "That is the mean over all classes. Only the probability of the right class counts.": -probabilities.log().mean(),
            "These are probabilities already; softmax was applied a second time.": torch.nn.functional.cross_entropy(
                probabilities, labels
            ),
            "The logarithm comes before the mean: it is the mean of the logarithms.": -given.mean().log(),
        },
        "one number, in nats",
        tolerance=1e-5,
    )
    return "torch.nn.functional.cross_entropy does the same, but from scores before softmax: hand it probabilities, and softmax is applied twice."


SAME_ACCURACY = question(
    "1.6",
    "Same accuracy, lower cross-entropy",
    right="B",
    hints=(
        "Both nets are right equally often. What else does cross-entropy look at?",
        "The probability of the right class.",
    ),
    A="If it were right more often, its accuracy would be higher. Both have the same.",
    B="It gives more probability to the right classes: surer when it is right, less sure when it is wrong, or both.",
    C="Cross-entropy is a mean, so the number of pictures does not matter.",
    D="Macro averages treat rare classes as equals; cross-entropy has no such weights. It looks at the probability of the right class.",
)


@exercise(
    "1.7",
    "Precision and recall of trousers",
    given=("result",),
    hints=(
        "Do for trousers what the cells above do for shirts.",
        "Precision divides the hits by all that were called a trouser, recall by all that are one.",
    ),
    solution="my_precision = result.per_class[trouser].precision\nmy_recall = result.per_class[trouser].recall",
    why="Or by hand from the four counts, as above: both ways give the same.",
)
def trousers(answer, result: Evaluation) -> str:
    scores = result.per_class[result.predictions.classes.index("Trouser")]
    right = np.array([scores.precision, scores.recall])
    judge(
        answer,
        right,
        {
            "These are percentages. Precision and recall are fractions between 0 and 1.": 100
            * right,
            "They are swapped: precision asks those that were called a trouser, recall those that are one.": right[
                ::-1
            ],
            "The second is F1, which mixes both; recall was asked.": (scores.precision, scores.f1),
            "That is the accuracy over all classes, not this class.": (
                result.accuracy,
                result.accuracy,
            ),
            "These are the scores of 'Shirt'.": (
                result.per_class[result.predictions.classes.index("Shirt")].precision,
                result.per_class[result.predictions.classes.index("Shirt")].recall,
            ),
        },
        "two fractions, precision and recall",
        tolerance=0.0055,
    )
    higher = (
        "Precision is"
        if scores.precision > scores.recall
        else "Recall is"
        if scores.recall > scores.precision
        else "Neither is"
    )
    return f"{higher} higher, if only by a little: trousers look like nothing else here, so both are close to 1. Shirts look like T-shirts, pullovers and coats."


@exercise(
    "1.8",
    "Metric and threshold by cost",
    given=("predictions", "others", "miss", "alarm"),
    hints=(
        "Recall falls with every miss, precision with every false alarm. Which of the two errors is dear today?",
        "Move the threshold in the panel and watch the cost. If a miss is dear, call more pictures a shirt: go down. If a false alarm is dear, go up.",
        'A loop over thresholds is exact: evaluation.decide(predictions, "Shirt", at).cost(miss, alarm).',
    ),
    solution='my_metric = "recall" if miss > alarm else "precision"\n'
    'my_threshold = min(np.arange(0.01, 1, 0.01), key=lambda at: evaluation.decide(choosing, "Shirt", at).cost(miss, alarm))',
    why="The dear error names the metric; the cheapest threshold follows from counting both errors and weighing them.",
)
def cheapest_threshold(
    answer, predictions: Predictions, others: Predictions, miss: float, alarm: float
) -> str:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not isinstance(answer[0], str):
        raise Wrong(
            f'Expected a metric and a threshold, such as ("recall", 0.4); came {described(answer)}.'
        )
    metric, value = answer[0].strip().lower(), as_array(answer[1])
    if metric not in ("precision", "recall"):
        raise Wrong(f'Expected "precision" or "recall" as the metric; came {described(answer[0])}.')
    if value is None or value.size != 1 or not np.isfinite(value).all():
        raise Wrong(
            f"Expected one number between 0 and 1 as the threshold; came {described(answer[1])}."
        )
    at = float(value.reshape(()))
    if not 0 <= at <= 1:
        raise Wrong(
            f"A threshold is a probability between 0 and 1; {at:g} is not. Was it a percentage?"
        )
    dear = "recall" if miss > alarm else "precision"
    if metric != dear:
        raise Wrong(
            f"A miss costs {miss:g}, a false alarm {alarm:g}. {'Misses lower recall' if dear == 'recall' else 'False alarms lower precision'}: watch {dear}."
        )

    def cost(at: float, predictions: Predictions = predictions) -> float:
        return decide(predictions, "Shirt", at).cost(miss, alarm)

    def best(predictions: Predictions) -> float:
        return min(cost(at, predictions) for at in np.linspace(0.005, 0.995, 199))

    counts, reachable = decide(predictions, "Shirt", at), best(predictions)
    price = counts.cost(miss, alarm)
    if at == 0.5:
        raise Wrong(
            f"0.5 is the default, and costs {price:g}. There is a threshold that costs {reachable:g}."
        )
    if not counts.misses + counts.rest:
        raise Wrong(
            f"At {at:g} everything is called a shirt: nothing is missed, but {counts.alarms} false alarms cost {price:g}. A machine that takes everything needs no net."
        )
    if not counts.hits + counts.alarms:
        raise Wrong(
            f"At {at:g} nothing is called a shirt: no false alarm, but {counts.misses} misses cost {price:g}. A machine that takes nothing needs no net."
        )
    if price > 1.1 * reachable:
        raise Wrong(
            f"{at:g} costs {price:g}: {counts.misses} misses and {counts.alarms} false alarms. There is a threshold that costs {reachable:g}."
        )
    return (
        f"It costs {price:g}; {reachable:g} is the lowest here, and 0.5 would cost {cost(0.5):g}. On the other half, which you did not choose on, it costs "
        f"{cost(at, others):g}; the best threshold there, known only in hindsight, {best(others):g}."
    )


TIE = question(
    "1.9",
    "A record by 0.2 points",
    right="B",
    hints=(
        "How wide is the interval of one of them, with n = 10,000?",
        "0.2 points of 10,000 pictures are how many pictures?",
    ),
    A="0.2 points are 20 of 10,000 pictures. The interval of each is 0.57 points to both sides, and another seed alone may move it as much.",
    B="The difference is well within what chance does on 10,000 pictures, and one run each says nothing about other seeds.",
    C="Fewer pictures make the interval wider, so the difference would say even less.",
    D="Cross-entropy is a mean over the same pictures and has chance in it too. It may be looked at, but it does not settle this.",
)

LEAK = question(
    "1.10",
    "Where the twins belong",
    right="C",
    hints=("What must never be on both sides?", "Think of ten photographs of one patient."),
    A="A random split puts some twins on both sides: that is the leak. With more pictures there are more twins.",
    B="A larger test set has more twins in it. The share that leaks stays.",
    C="What belongs together stays together: twins, frames of one film, pictures of one patient. scikit-learn's GroupShuffleSplit does it.",
    D="Validation pictures can have twins among the training pictures just as well. The split has to keep them together.",
)


@exercise(
    "1.11",
    "A change that you hardly mind and the net does",
    given=("net", "test"),
    hints=(
        "What would a careless photographer do? Move, turn, mirror, darken, blur, dirty the lens.",
        "LeNet learned from clothes in the middle. torch.roll(images, ..., dims=3) moves them sideways.",
    ),
    solution="def disturb(images):\n    return torch.roll(images, 3, dims=3)",
    why="Three pixels to the right: you would not notice, but the net never saw clothes off the centre.",
)
def disturb(answer, net: nn.Module, test: ImageDataset) -> str:
    given = ask(answer, test.images)
    if (
        not isinstance(given, Tensor)
        or given.is_complex()
        or given.layout != torch.strided
        or given.shape != test.images.shape
    ):
        raise Wrong(
            f"Expected a tensor of the shape that came in, {tuple(test.images.shape)}; came {described(given)}."
        )
    if not torch.isfinite(given.double()).all():
        raise Wrong("Some pixels are not numbers (NaN or infinite).")
    changed = ImageDataset(
        given.float().round().clamp(0, 255).byte(),
        test.labels,
        test.classes,
        name="disturbed",
        mean=test.mean,
        std=test.std,
    )
    difference = changed.images.short() - test.images.short()
    levels = float(difference.abs().float().mean())
    if not levels:
        raise Wrong(
            "Nothing changed. Move, turn, mirror, darken, cover: what would a careless photographer do?"
        )
    if levels > LEVELS_AT_MOST and len((difference % 256).unique()) == 1:
        raise Wrong(
            "uint8 has wrapped round: 255 + 40 is 39, not 295. Compute with images.float(); the check rounds and cuts at 0 and 255."
        )
    if levels > LEVELS_AT_MOST:
        raise Wrong(
            f"That changes a pixel by {levels:.0f} of 255 on average, more than {LEVELS_AT_MOST}: you would notice. Be gentler."
        )
    with watched_by(lambda *_: None):
        before, after = (
            100 * evaluate(predict(net, pictures)).accuracy for pictures in (test, changed)
        )
    if before - after < POINTS_AT_LEAST:
        raise Wrong(
            f"Accuracy goes from {before:.0f} % to {after:.0f} %. Find a change that costs {POINTS_AT_LEAST} points or more."
        )
    return (
        f"Accuracy falls from {before:.0f} % to {after:.0f} %, and a pixel changes by {levels:.0f} of 255 on average. "
        "Test and training set were made in the same careful way, so the accuracy says little about pictures that were not. Augmentation (chapter 2) helps."
    )


EXERCISES = (
    ANOTHER_SET,
    score_to_beat,
    split,
    smallest_k,
    cross_entropy,
    SAME_ACCURACY,
    trousers,
    cheapest_threshold,
    TIE,
    LEAK,
    disturb,
)
