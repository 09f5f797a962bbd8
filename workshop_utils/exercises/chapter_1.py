"""The exercises of chapter 1: datasets and evaluation."""

import numpy as np
import torch

from workshop_utils import data
from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Evaluation, Predictions, evaluate
from workshop_utils.exercises.judging import Wrong, as_array, ask, described, judge
from workshop_utils.exercises.kit import exercise, question


@exercise("1.1", "The bytes of a data set", given=("train",), hints=(
    "The shape says how many numbers there are: multiply its four parts.", "uint8 means that each number takes 8 bits. How many bytes are that?"),
    solution="my_bytes = train.images.numel()  # pictures x channels x height x width", why="Each number is one byte, so bytes and numbers are as many.")
def bytes_of_a_set(answer, train: ImageDataset) -> str:
    right = train.images.nbytes
    judge(answer, right, {
        "That is as 32-bit floats, four bytes a number. Stored as uint8 a number takes one byte.": 4 * right,
        "That counts bits. A byte has eight of them.": 8 * right,
        f"That is one picture; there are {len(train):,} of them.": right // len(train),
        "That is in millions of bytes; the task asks for bytes.": right / 1e6,
    }, "the number of bytes", tolerance=1e-9)
    return f"{right:,} bytes, about {right / 1e6:.0f} MB. A net needs floats, four bytes each, so a set becomes floats only one batch at a time."


@exercise("1.2", "The rarest class of clip-art", hints=("Choose clip-art in the browser and read the sentence below the pictures.", "It is the number after 'fewest'."),
          solution='my_rarest = data.load("clip-art").labels.bincount().min()', why="bincount counts how often each label occurs; the browser says the same in words.")
def rarest_class(answer) -> str:
    counts = torch.bincount(data.load("clip-art").labels)
    judge(answer, counts.min(), {
        f"{counts.max()} is the most common class. Which has the fewest?": counts.max(),
        "That is the whole set. How many has the rarest of its classes?": counts.sum(),
        "That is how many classes there are.": len(counts),
        "That is the mean over the classes.": counts.float().mean(),
    }, "the number of training pictures in the smallest class")
    return "That is all a net would have to learn this class from. Chapter 3 shows how that can be enough."


SAME_SHAPE = question("1.3", "A net on another set", right="C", hints=("Think of the game: what gave a set away first?", "Look at corners and background."),
    A="The labels are not what differs: both have ten of them, numbered 0 to 9. The pictures differ.",
    B="28 x 28 is what the net reads, and the shapes agree. It runs, without any error, and that is the danger.",
    C="Background, contrast and framing differ from set to set, as the game showed, and a net has learned those too (Torralba and Efros 2011).",
    D="More epochs on the first set make it better at the first set. It still never saw the second.")


@exercise("1.4", "The smallest k for 99 %", given=("predictions",), hints=("Move k in the panel and read the accuracy.", "The first k whose accuracy is 99 % or more."),
          solution="my_k = next(k for k in range(1, 11) if result.top_k(k) >= 0.99)", why="top-k accuracy never falls when k grows, so the first k that reaches 99 % is the smallest.")
def smallest_k(answer, predictions: Predictions) -> str:
    result, classes = evaluate(predictions), len(predictions.classes)
    right = next(k for k in range(1, classes + 1) if result.top_k(k) >= 0.99)
    mistakes = {f"top-{k} accuracy is {result.top_k(k):.2%}, still below 99 %.": k for k in range(1, right)}
    mistakes |= {f"top-{k} reaches 99 %, but {right} does already: it is {result.top_k(right):.2%}.": k for k in range(right + 1, classes)}
    mistakes |= {f"With k = {classes} every net has 100 %, for there are only {classes} classes. A smaller k is enough.": classes,
                 "That is an accuracy. The task asks for k, a whole number.": result.top_k(right)}
    judge(answer, right, mistakes, f"a whole number between 1 and {classes}", tolerance=1e-9)
    return f"top-{right} accuracy is {result.top_k(right):.2%}. A top-k number says something only beside the number of classes: top-{classes} is 100 % for any net."


@exercise("1.5", "Cross-entropy", hints=(
    "For picture number i, labels[i] says which of its probabilities counts.", "probabilities[np.arange(len(labels)), labels] takes one number a picture.", "Then the negative logarithm, then the mean."),
    solution="def cross_entropy(probabilities, labels):\n    given = probabilities[np.arange(len(labels)), labels]\n    return -np.log(given).mean()",
    why="Only what the right class got counts; log makes a sure miss expensive; the mean makes sets of different size comparable.")
def cross_entropy(answer) -> str:
    scores = torch.randn(int(torch.randint(5, 12, ())), 4).double()
    probabilities, labels = scores.softmax(1), torch.randint(4, (len(scores),))
    given = probabilities[torch.arange(len(labels)), labels]
    judge(ask(answer, probabilities.numpy(), labels.numpy()), -given.log().mean(), {
        "The sign is wrong: the logarithm of a probability is negative, the loss is positive.": given.log().mean(),
        "That is the logarithm to base 10. Take np.log, the natural one.": -given.log10().mean(),
        "That is the logarithm to base 2. Take np.log, the natural one.": -given.log2().mean(),
        "That is the sum over the pictures. Cross-entropy here is their mean.": -given.log().sum(),
        "That is one value a picture. What is missing is their mean.": -given.log(),
        "That is the mean over all classes. Only the probability of the right class counts.": -probabilities.log().mean(),
        "These are probabilities already; softmax was applied a second time.": torch.nn.functional.cross_entropy(probabilities, labels),
        "The logarithm comes before the mean: it is the mean of the logarithms.": -given.mean().log(),
    }, "one number, in nats", tolerance=1e-5)
    return "torch.nn.functional.cross_entropy does the same, but from scores before softmax: hand it probabilities, and softmax is applied twice."


@exercise("1.6", "What is taken for a shirt", given=("result",), hints=(
    "Rows say what a picture is, columns what the net said. Which of the two is 'called a shirt'?", "Go down the column 'Shirt', leave the diagonal out, and take the largest count."),
    solution='column = result.confusion[:, test.classes.index("Shirt")].copy()\ncolumn[test.classes.index("Shirt")] = 0\nmy_class = test.classes[column.argmax()]',
    why="A column holds everything that was called a shirt; its diagonal cell is right, so it does not count.")
def taken_for_a_shirt(answer, result: Evaluation) -> str:
    classes, shirt = result.predictions.classes, result.predictions.classes.index("Shirt")
    column, row = result.confusion[:, shirt].copy(), result.confusion[shirt].copy()
    column[shirt] = row[shirt] = 0
    if not isinstance(answer, str) or answer.strip() not in classes:
        raise Wrong(f"Expected the name of a class, one of: {', '.join(classes)}; came {described(answer)}.")
    place = classes.index(answer.strip())
    if place == shirt:
        raise Wrong("Shirts that are called shirts are right. Which other class is taken for a shirt most often?")
    if column[place] == column.max():
        return f"{column[place]} pictures of '{answer.strip()}' are called a shirt. They lower the precision of 'Shirt'; shirts called something else lower its recall."
    if row[place] == row.max():
        raise Wrong(f"That is the row: what shirts are taken for. The column says what is taken for a shirt; '{answer.strip()}' is so {column[place]} times.")
    raise Wrong(f"'{answer.strip()}' is called a shirt {column[place]} times. Another class is so more often.")


@exercise("1.7", "Precision and recall of trousers", given=("result",), hints=(
    "Do for trousers what the cells above do for shirts.", "Precision divides the hits by all that were called a trouser, recall by all that are one."),
    solution='my_precision = result.per_class[trouser].precision\nmy_recall = result.per_class[trouser].recall',
    why="Or by hand from the four counts, as above: both ways give the same.")
def trousers(answer, result: Evaluation) -> str:
    scores = result.per_class[result.predictions.classes.index("Trouser")]
    right = np.array([scores.precision, scores.recall])
    judge(answer, right, {
        "These are percentages. Precision and recall are fractions between 0 and 1.": 100 * right,
        "They are swapped: precision asks those that were called a trouser, recall those that are one.": right[::-1],
        "The second is F1, which mixes both; recall was asked.": (scores.precision, scores.f1),
        "That is the accuracy over all classes, not this class.": (result.accuracy, result.accuracy),
        "These are the scores of 'Shirt'.": (result.per_class[result.predictions.classes.index("Shirt")].precision, result.per_class[result.predictions.classes.index("Shirt")].recall),
    }, "two fractions, precision and recall", tolerance=0.0055)
    return "Trousers look like nothing else here, so both are close to 1. Shirts look like T-shirts, pullovers and coats."


@exercise("1.8", "The cheapest threshold", given=("predictions",), hints=(
    "Move the threshold in the panel and watch the cost in the sentence.", "A miss costs five times as much as a false alarm, so it pays to call more pictures a shirt than 0.5 does."),
    solution='chance, true = predictions.probabilities[:, test.classes.index("Shirt")], predictions.labels == test.classes.index("Shirt")\n'
             'cost = lambda at: 5 * ((chance < at) & true).sum() + ((chance >= at) & ~true).sum()\nmy_threshold = min(np.arange(0.01, 1, 0.01), key=cost)',
    why="Count both errors for every threshold, weigh them by what they cost, and take the cheapest.")
def cheapest_threshold(answer, predictions: Predictions) -> str:
    value = as_array(answer)
    if value is None or value.size != 1 or not np.isfinite(value).all():
        raise Wrong(f"Expected one number between 0 and 1; came {described(answer)}.")
    at = float(value.reshape(()))
    if not 0 <= at <= 1:
        raise Wrong(f"A threshold is a probability between 0 and 1; {at:g} is not. Was it a percentage?")
    shirt = predictions.classes.index("Shirt")
    chance, true = predictions.probabilities[:, shirt], predictions.labels == shirt

    def cost(at: float, miss: float = 5, alarm: float = 1) -> float:
        return miss * ((chance < at) & true).sum() + alarm * ((chance >= at) & ~true).sum()

    grid = np.linspace(0.001, 0.999, 999)
    best = min(map(cost, grid))
    if cost(at) <= 1.05 * best:
        return f"It costs {cost(at):g}; at 0.5 it would be {cost(0.5):g}. The default of 0.5 is a choice like any other. Choose on validation pictures, then test."
    if at == 0.5:
        raise Wrong(f"0.5 is the default, and costs {cost(at):g}. A miss is dearer than a false alarm here, so another threshold is cheaper.")
    if cost(at, 1, 5) <= 1.05 * min(cost(other, 1, 5) for other in grid):
        raise Wrong(f"That would be cheapest if a false alarm cost 5 and a miss 1; it is the other way round. This one costs {cost(at):g}.")
    if at < 0.02:
        raise Wrong(f"At {at:g} hardly a shirt is missed, but the false alarms add up: it costs {cost(at):g}.")
    raise Wrong(f"{at:g} costs {cost(at):g}. There is a threshold that costs {best:g}.")


SAME_ACCURACY = question("1.9", "Same accuracy, lower cross-entropy", right="B", hints=("Both nets are right equally often. What else does cross-entropy look at?", "The probability of the right class."),
    A="If it were right more often, its accuracy would be higher. Both have the same.",
    B="It gives more probability to the right classes: surer when it is right, less sure when it is wrong, or both.",
    C="Cross-entropy is a mean, so the number of pictures does not matter.",
    D="Macro averages treat rare classes as equals; cross-entropy has no such weights. It looks at the probability of the right class.")

EXERCISES = (bytes_of_a_set, rarest_class, SAME_SHAPE, smallest_k, cross_entropy, taken_for_a_shirt, trousers, cheapest_threshold, SAME_ACCURACY)
