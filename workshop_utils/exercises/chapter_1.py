"""The exercises of chapter 1: datasets and evaluation."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Evaluation, Predictions, decide, evaluate, predict
from workshop_utils.exercises.judging import Unattempted, as_array, ask, compare, described
from workshop_utils.exercises.kit import Changed, Chapter
from workshop_utils.progress import watched_by

LEVELS_AT_MOST = 45  # of exercise 1.11: how far pixels may move on average
POINTS_AT_LEAST = 10  # how far accuracy has to fall
EXERCISES = Chapter()

EXERCISES.question(
    "1.1",
    "A net on another set",
    right="C",
    hints=("Think of the game: what gave a set away first?", "Look at corners and background."),
    mistake="B: size or channels would be wrong. But then an error would have been raised. Or D, more training on the same set",
    nudge="In the game, what gave a set away before you saw what was on the picture?",
    A="They are the same digits. What differs is how they look.",
    B="All are 28 x 28 and grey; the small ones have a wider border. It runs, without any error, and that is the danger.",
    C="Background, size and place differ from set to set, as the game showed, and a classifier learns those too (Torralba and Efros 2011).",
    D="Longer training on white digits in the middle makes it better at those. It still never saw other ones.",
)


@EXERCISES.value(
    "1.2",
    "The score to beat",
    2,
    expected="a fraction: the largest class, divided by all",
    tolerance=0.0015,
    hints=(
        "The cell above prints how many drawings each class has. Which number is the largest?",
        "Divide it by the number of all training drawings, 168.",
    ),
    solution='labels = data.load("clip-art").labels\nmy_score = labels.bincount().max() / len(labels)',
    why="Whoever always names the largest class is right for exactly its pictures.",
    mistake="0.11, as if all nine classes were equally large; or the count instead of the fraction",
    nudge="Are the nine classes equally large? Where is it printed?",
)
def score_to_beat():
    remark = "11.9%, by knowing nothing. A net on this set that reaches 12 % has learned nothing."
    mistakes = {
        "That would hold for ten equally large classes. Here are nine, and they are not equal.": 0.1,
        "That would hold if all 9 classes were equally large. They are not: look for the largest.": 0.111,
        "That is how many pictures the largest class has. What share of all is it?": 20,
        "That counts the test drawings too. Take the 168 of the training set.": 0.0625,
        "That is its share of the 152 test drawings, the better baseline. Here the 168 are asked.": 0.1316,
        "That is the share of the rarest class. Which class would you name?": 0.0893,
    }
    return 20 / 168, remark, mistakes


@EXERCISES.exercise(
    "1.3",
    "The split that loses its labels",
    4,
    hints=(
        "Follow one picture: it moves to another place. What about its label?",
        "Shuffle both with the same order: labels = labels[order].",
    ),
    solution="def split(images, labels):\n    order = torch.randperm(len(images))\n    images, labels = images[order], labels[order]\n    tenth = len(images) // 10\n"
    "    return images[tenth:], labels[tenth:], images[:tenth], labels[:tenth]",
    why="One order for both: picture and label move together.",
    mistake="Labels shuffled with a second random order, or no shuffle at all: then validation holds hardly any classes",
    nudge="Follow one picture through the cell. Where does its label go?",
    wrong={
        "still have their own label": Changed("labels[order]", "labels[order.flip(0)]"),
        "in both parts: 10": Changed("images[tenth:], labels[tenth:]", "images, labels"),
        "hardly any classes": Changed("torch.randperm", "torch.arange"),
        "come out of 100": Changed("[tenth:]", "[20:]"),
        "a tenth was asked": Changed("// 10", "// 2"),
        "four parts": lambda images, labels: (images, labels),
        "as many labels": Changed(
            "labels[tenth:], images[:tenth]", "images[:tenth], labels[tenth:]"
        ),
        "other pictures": Changed("images[order]", "images[order] + 200"),
        "Only their order may change": Changed("images[order]", "images[order] / 255"),
        "still come sorted": lambda images, labels: (
            *(part[torch.arange(100) % 10 > 0] for part in (images, labels)),
            *(part[::10] for part in (images, labels)),
        ),
    },
)
def split(answer):
    labels = torch.arange(10).repeat_interleave(10)  # sorted, as many sets come
    places = torch.arange(100, dtype=torch.uint8).view(100, 1, 1, 1)
    parts = ask(answer, places.repeat(1, 1, 2, 2), labels)  # a picture's pixels say its place
    if not isinstance(parts, (tuple, list)) or len(parts) != 4:
        yield f"Expected four parts: pictures and labels to learn from, then pictures and labels to validate; came {described(parts)}."
    values = [as_array(part) for part in parts]
    shapes = [() if value is None else value.shape for value in values]
    lengths = [shape[:1] for shape in shapes]
    if [*map(len, shapes)] != [4, 1, 4, 1] or lengths[::2] != lengths[1::2]:
        yield "Expected pictures (N, 1, H, W) and as many labels (N,), first those to learn from, then those to validate with."
    learned, checked = (value[:, 0, 0, 0] for value in values[::2])
    whole, named = np.concatenate([learned, checked]), np.concatenate(values[1::2])
    if not np.isin(whole, np.arange(100)).all():
        yield "These are other pictures than those that came in. Only their order may change."
    matching = int((whole // 10 == named).sum())
    if matching < len(whole):
        complete = sorted(whole) == list(range(100)) and np.array_equal(np.sort(named), labels)
        if complete and np.array_equal(values[3], labels[:10]):
            raise Unattempted("This is the cell as it came. Repair it and run it again.")
        yield f"Only {matching} of {len(whole)} pictures still have their own label. Follow one picture and its label through the cell."
    if both := len(np.intersect1d(learned, checked)):
        yield f"Pictures in both parts: {both}. Validation has to be on pictures that the net never learned from."
    if len(whole) != 100:
        yield f"{len(whole)} pictures come out of 100. None may be lost or doubled."
    if len(checked) != 10:
        yield f"The second part has {len(checked)} of 100 pictures; a tenth was asked."
    if len(set(values[3])) < 3:
        yield "The second part holds hardly any classes: sets often come sorted by class, so shuffle before you cut."
    if np.array_equal(learned, np.sort(learned)):
        yield "The pictures to learn from still come sorted by class. Shuffle before you cut."
    return "Every picture keeps its label, and none is in both parts. The broken cell raised no error: a net trained on it would just stay at 10 %."


@EXERCISES.value(
    "1.4",
    "The smallest k for 99 %",
    2,
    given=("predictions",),
    expected="a whole number between 1 and 10",
    tolerance=1e-9,
    hints=(
        "Move k in the panel and read the accuracy.",
        "The first k whose accuracy is 99 % or more.",
    ),
    solution="from sklearn.metrics import top_k_accuracy_score\n\nlabels, probabilities = predictions.labels, predictions.probabilities\n"
    "my_k = next(k for k in range(1, 11) if top_k_accuracy_score(labels, probabilities, k=k) >= 0.99)",
    why="top-k accuracy never falls when k grows, so the first k that reaches 99 % is the smallest.",
    mistake="A k that is too small by one, or 10, where every net has 100 %",
    nudge="What does the panel say for one k less?",
)
def smallest_k(predictions: Predictions):
    top_k = evaluate(predictions).top_k
    right = next(k for k in range(1, 11) if top_k(k) >= 0.99)
    too_many = f"top-{{}} reaches 99 %, but {right} does already: it is {top_k(right):.2%}."
    mistakes = {
        **{f"top-{k} accuracy is {top_k(k):.2%}, still below 99 %.": k for k in range(1, right)},
        **{too_many.format(k): k for k in range(right + 1, 10)},
        "With k = 10 every net has 100 %, for there are only 10 classes. A smaller k is enough.": 10,
        "That is an accuracy. The task asks for k, a whole number.": top_k(right),
    }
    remark = f"top-{right} accuracy is {top_k(right):.2%}. A top-k number says something only beside the number of classes: top-10 is 100 % for any net."
    return right, remark, mistakes


@EXERCISES.exercise(
    "1.5",
    "Cross-entropy",
    5,
    hints=(
        "For picture number i, labels[i] says which of its probabilities counts.",
        "probabilities[np.arange(len(labels)), labels] takes one number a picture.",
        "Then the negative logarithm, then the mean.",
    ),
    solution="def cross_entropy(probabilities, labels):\n    given = probabilities[np.arange(len(labels)), labels]\n    return -np.log(given).mean()",
    why="Only what the right class got counts; log makes a sure miss expensive; the mean makes sets of different size comparable.",
    mistake="probabilities[labels] picks rows, not one number a picture; or the sum, or the minus forgotten",
    nudge="How many numbers a picture do you need, and what shape has what you picked?",
    wrong={
        "sign is wrong": Changed("-np", "np"),
        "base 10": Changed("np.log", "np.log10"),
        "base 2": Changed("np.log", "np.log2"),
        "the sum over": Changed("mean", "sum"),
        "one value a picture": Changed(".mean()", ""),
        "before the mean": Changed("(given).mean()", "(given.mean())"),
        "logarithm is missing": Changed("np.log(given)", "given"),
        "mean over all classes": Changed("(given)", "(probabilities)"),
        "no label enters": lambda p, labels: -(p * np.log(p)).sum(1).mean(),
        "all N x K numbers": lambda p, y: -(np.eye(p.shape[1])[y] * np.log(p)).mean(),
        "a second time": lambda p, y: nn.functional.cross_entropy(torch.tensor(p), torch.tensor(y)),
        "picked rows": lambda p, labels: -np.log(p[labels]),
        "the mean went over all of them": lambda p, labels: -np.log(p[labels]).mean(),
        "all pairs": Changed("np.arange(len(labels))", ":"),
        "also where the net is wrong": lambda p, labels: -np.log(p.max(1)).mean(),
        "is there a return?": lambda p, labels: None,
    },
)
def cross_entropy(answer):
    # no multiple of 4: with balanced labels two mistakes give the same number
    count = int(2 * torch.randint(2, 6, ()) + 1)
    p, labels = torch.randn(count, 4).double().softmax(1), torch.arange(count) % 4
    labels[0] = p[0].argmin()  # the net is wrong somewhere
    given, rows, pairs = p[torch.arange(count), labels], p[labels], p[:, labels]
    best, twice = p.amax(1), nn.functional.cross_entropy(p, labels)
    thin, entropy = -given.log().sum() / p.numel(), -(p * p.log()).sum(1).mean()
    mistakes = {
        "The sign is wrong: the logarithm of a probability is negative, the loss is positive.": given.log().mean(),
        "That is the logarithm to base 10. Take np.log, the natural one.": -given.log10().mean(),
        "That is the logarithm to base 2. Take np.log, the natural one.": -given.log2().mean(),
        "That is the sum over the pictures. Cross-entropy here is their mean.": -given.log().sum(),
        "That is one value a picture. What is missing is their mean.": -given.log(),
        "labels alone picked rows. One number a picture is needed: index pictures and labels together.": -rows.log(),
        "labels alone picked rows, and the mean went over all of them. Index pictures and labels together.": -rows.log().mean(),
        "That is the mean over all pairs of a picture and a label. Index pictures and labels together.": -pairs.log().mean(),
        "That is the most probable class. Take the probability of the right class, also where the net is wrong.": -best.log().mean(),
        "These are probabilities of the most probable class. Take the right class's, then the logarithm and the mean.": best,
        "That is before the logarithm.": given.mean(),
        "The logarithm is missing; the minus is there.": -given.mean(),
        "That is the entropy, which no label enters. Take the probability of the right class only.": entropy,
        "That is the mean over all classes. Only the probability of the right class counts.": -p.log().mean(),
        "That is the mean over all N x K numbers, nearly all of them 0. Add them up and divide by N, the pictures.": thin,
        "These are probabilities already; softmax was applied a second time.": twice,
        "The logarithm comes before the mean: it is the mean of the logarithms.": -given.mean().log(),
    }
    right = -given.log().mean()
    numbers = sorted(float(one) for one in (right, *mistakes.values()) if one.ndim == 0)
    if min(high - low for low, high in pairwise(numbers)) < 1e-3:  # too near to tell them apart
        return (yield from cross_entropy(answer))
    value = ask(answer, p.numpy(), labels.numpy())
    yield from compare(value, right, mistakes, "one number, in nats", rtol=1e-4)
    return "torch.nn.functional.cross_entropy does the same, but from scores before softmax: hand it probabilities, and softmax is applied twice."


EXERCISES.question(
    "1.6",
    "Same accuracy, lower cross-entropy",
    right="B",
    hints=(
        "Both nets are right equally often. What else does cross-entropy look at?",
        "Write down what 1.5 computes: the mean of what?",
    ),
    mistake="A: right more often. Then its accuracy would be higher",
    nudge="Two nets name the same class for every picture. What can still differ?",
    A="If it were right more often, its accuracy would be higher. Both have the same.",
    B="Cross-entropy is that mean with a minus. The logarithm makes a sure miss expensive: a net may become less sure of every right class and still lose less, if it is no longer sure where it is wrong.",
    C="Cross-entropy is a mean, so the number of pictures does not matter.",
    D="Macro averages treat rare classes as equals; cross-entropy has no such weights. It looks at the logarithm of the right class's probability.",
)


@EXERCISES.value(
    "1.7",
    "Precision and recall of sneakers",
    3,
    given=("result",),
    expected="two fractions, first precision, then recall",
    tolerance=0.0055,
    hints=(
        "Do for sneakers what the cell above does for shirts.",
        "Precision divides the hits by all that were called a sneaker, recall by all that are one.",
    ),
    solution="sneaker = test.classes.index('Sneaker')\nmy_precision = result.per_class[sneaker].precision\nmy_recall = result.per_class[sneaker].recall",
    why="Or by hand from the four counts, as above: both ways give the same.",
    mistake="The two are swapped, or given in percent",
    nudge="By which pictures do you divide: a row of the matrix, or a column?",
)
def sneakers(result: Evaluation):
    scores = dict(zip(result.predictions.classes, result.per_class))
    sneaker, shirt = scores["Sneaker"], scores["Shirt"]
    precision, recall = right = sneaker.precision, sneaker.recall
    mistakes = {
        "They are swapped: precision asks those that were called a sneaker, recall those that are one.": (
            recall,
            precision,
        ),
        "The second is F1, which mixes both; recall was asked.": (precision, sneaker.f1),
        "These are of all classes together, accuracy or averages, and not of sneakers.": (
            result.accuracy,
            result.accuracy,
        ),
        "These are the scores of 'Shirt'.": (shirt.precision, shirt.recall),
    }
    higher = "Neither" if precision == recall else "Precision" if precision > recall else "Recall"
    remark = f"{higher} is higher. What is falsely called a sneaker lowers precision, a sneaker called something else lowers recall."
    return right, remark, mistakes


@EXERCISES.exercise(
    "1.8",
    "Metric and threshold by cost",
    4,
    given=("predictions", "others", "miss", "alarm"),
    hints=(
        "Recall falls with every miss, precision with every false alarm. Which of the two errors costs more today?",
        "Move the threshold in the panel and watch the cost. If a miss costs more, call more pictures a shirt: go down. If a false alarm costs more, go up.",
        'A loop over thresholds is exact: evaluation.decide(choosing, "Shirt", at).cost(miss, alarm).',
    ),
    solution='my_metric = "recall" if miss > alarm else "precision"\n'
    'my_threshold = min((at / 100 for at in range(1, 100)), key=lambda at: evaluation.decide(choosing, "Shirt", at).cost(miss, alarm))',
    why="The expensive error names the metric; the cheapest threshold follows from counting both errors and weighing them.",
    mistake="The threshold stays at 0.5, or the metric is that of the cheap error",
    nudge="Which error is expensive in your cell, and which way must the threshold go to make fewer of those?",
    wrong={  # where a miss costs 5 and an alarm 1
        "default": ("recall", 0.5),
        "percentage": ("recall", 30),
        "everything is called": ("recall", 0.0),
        "nothing is called": ("recall", 1.0),
        "Misses lower recall": ("precision", 0.2),
        "came nan": ("recall", float("nan")),
        "There is a threshold that costs": ("Recall ", 0.97),
        "came 'f1'": ("f1", 0.2),
        "a metric and a threshold": 0.2,
    },
)
def cheapest_threshold(answer, predictions: Predictions, others: Predictions, miss, alarm):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not isinstance(answer[0], str):
        yield f'Expected a metric and a threshold, such as ("recall", 0.4); came {described(answer)}.'
    metric, value = answer[0].strip().lower(), as_array(answer[1])
    if metric not in ("precision", "recall"):
        watched = " The cost is what to lower; which of the two falls with the expensive error?"
        yield f'Expected "precision" or "recall" as the metric; came {described(answer[0])}.{watched * (metric == "cost")}'
    if value is None or value.size != 1 or not np.isfinite(value).all():
        yield f"Expected one number between 0 and 1 as the threshold; came {described(answer[1])}."
    at = float(value.reshape(()))
    if not 0 <= at <= 1:
        yield f"A threshold is a probability between 0 and 1; {at:g} is not. Was it a percentage?"
    if metric != (watch := "recall" if miss > alarm else "precision"):
        why = "Misses lower recall" if watch == "recall" else "False alarms lower precision"
        yield f"A miss costs {miss:g}, a false alarm {alarm:g}. {why}: watch {watch}."

    def cost(at: float, predictions: Predictions = predictions) -> float:
        return decide(predictions, "Shirt", at).cost(miss, alarm)

    def best(predictions: Predictions) -> float:
        return min(cost(at, predictions) for at in np.linspace(0.005, 0.995, 199))

    counts, price, reachable = decide(predictions, "Shirt", at), cost(at), best(predictions)
    if at == 0.5:
        yield f"0.5 is the default, and costs {price:g}. There is a threshold that costs {reachable:g}."
    if not counts.misses + counts.rest:
        yield f"At {at:g} everything is called a shirt: nothing is missed, but {counts.alarms} false alarms cost {price:g}. A machine that takes everything needs no net."
    if not counts.hits + counts.alarms:
        yield f"At {at:g} nothing is called a shirt: no false alarm, but {counts.misses} misses cost {price:g}. A machine that takes nothing needs no net."
    rule = alarm / (alarm + miss)
    # who uses the rule has reasoned well, and so has everybody who does no worse
    if price > max(1.1 * reachable, cost(rule)) and abs(at - rule) > 0.006:
        yield f"{at:g} costs {price:g}: {counts.misses} misses and {counts.alarms} false alarms. There is a threshold that costs {reachable:g}."
    return (
        f"It costs {price:g}; {reachable:g} is the lowest here, and 0.5 would cost {cost(0.5):g}. On the other half, which you did not choose on, it costs "
        f"{cost(at, others):g}; the best threshold there, known only in hindsight, {best(others):g}. Where a net's probabilities are honest, no counting is needed: "
        f"the cheapest threshold is alarm / (alarm + miss) = {rule:.2f}, which costs {cost(rule):g} and {cost(rule, others):g}."
    )


EXERCISES.question(
    "1.9",
    "A record by 0.2 points",
    right="B",
    hints=(
        "0.2 points of 10,000 pictures are how many pictures?",
        "Those 20 are the lead among the pictures on which only one of the two is right. How many may these be?",
    ),
    mistake="A: 0.2 points are 0.2 points",
    nudge="How many pictures are 0.2 points here? Among which pictures are they the lead?",
    A="0.2 points are 20 of 10,000 pictures. If only one of the two is right on 300, it is 160 to 140: thrown coins are at least that uneven in one case of four.",
    B="20 pictures more are little if the two disagree on many, and much if they disagree on 30 only. And one run each says nothing about other seeds.",
    C="Fewer pictures make every interval wider, so the difference would say even less.",
    D="Cross-entropy is a mean over the same pictures and has chance in it too. It may be looked at, but it does not settle this.",
)

EXERCISES.question(
    "1.10",
    "Where the twins belong",
    right="C",
    hints=("What must never be on both sides?", "Think of ten photographs of one patient."),
    mistake="D: of each dog some pictures on either side, which looks fair",
    nudge="What does the net know about a test picture of a dog that it has seen before?",
    A="A random split puts pictures of one dog on both sides: that is the leak. More pictures do not mend it.",
    B="Then the test holds only breeds that the net never learned: it cannot name one of them.",
    C="What belongs together stays together: twins, frames of one film, pictures of one patient. scikit-learn's StratifiedGroupKFold does it, and keeps the breeds on both sides where each has dogs enough.",
    D="Then every dog of the test is known from training: the net may know the dog, and not the breed.",
)


@EXERCISES.exercise(
    "1.11",
    "A change that you hardly mind and the net does",
    6,
    given=("net", "test"),
    hints=(
        "What would a careless photographer do? Move, turn, mirror, darken, blur, dirty the lens.",
        "LeNet learned from clothes in the middle. torch.roll(images, ..., dims=3) moves them sideways.",
    ),
    solution="def disturb(images):\n    return torch.roll(images, 3, dims=3)",
    why="Three pixels to the right: you would not notice, but the net never saw clothes off the centre.",
    mistake="uint8 wraps round, 255 + 40 is 39; or a change so strong that anybody would notice",
    nudge="What is the same in all training pictures, apart from the clothes?",
    wrong={
        "Nothing changed": lambda images: images,
        "you would notice": lambda images: 255 - images,
        "more than 45: you would notice": lambda images: images * 0,
        "uint8 has wrapped": lambda images: images - 3,
        "uint8 has wrapped round": lambda images: images + 25,
        "wrapped round: 255 + 40": lambda images: (
            images + (torch.arange(len(images)) % 30 + 10).byte().view(-1, 1, 1, 1)
        ),
        "costs 10 points or more": lambda images: images.float() + 2,
        "shape that came in": lambda images: images[0],
        "not numbers": lambda images: images * float("nan"),
        "between 0 and 1": lambda images: images / 255,
    },
)
def disturb(answer, net: nn.Module, test: ImageDataset):
    given = ask(answer, test.images)
    values, shape = as_array(given), tuple(test.images.shape)
    if values is None or values.shape != shape:
        yield f"Expected a tensor of the shape that came in, {shape}; came {described(given)}."
    if not np.isfinite(values).all():
        yield "Some pixels are not numbers (NaN or infinite)."
    if 0 < values.max() <= 3:
        yield "Your pixels lie between 0 and 1, or are normalised. Give them back as they came, from 0 to 255."
    pixels = torch.as_tensor(values.round().clip(0, 255)).byte()
    same = {"mean": test.mean, "std": test.std}
    changed = ImageDataset(pixels, test.labels, test.classes, name="disturbed", **same)
    difference = pixels.short() - test.images.short()
    levels = float(difference.abs().float().mean())
    if not levels:
        yield "Nothing changed. Move, turn, mirror, darken, cover: what would a careless photographer do?"
    both_ways = (difference > 0).any() and (difference < 0).any()
    added = (difference % 256).flatten(1)  # the same to all pixels of a picture
    if both_ways and (added == added[:, :1]).all():
        yield "uint8 has wrapped round: 255 + 40 is 39, not 295. Compute with images.float(); the check rounds and cuts at 0 and 255."
    if levels > LEVELS_AT_MOST:
        yield f"That changes a pixel by {levels:.0f} of 255 on average, more than {LEVELS_AT_MOST}: you would notice. Be gentler."
    with watched_by(lambda *_: None):
        before, after = (100 * evaluate(predict(net, one)).accuracy for one in (test, changed))
    if before - after < POINTS_AT_LEAST:
        yield f"Accuracy goes from {before:.1f} % to {after:.1f} %. Find a change that costs {POINTS_AT_LEAST} points or more."
    return (
        f"Accuracy falls from {before:.1f} % to {after:.1f} %, and a pixel changes by {levels:.0f} of 255 on average. "
        "Test and training set were made in the same careful way, so the accuracy says little about pictures that were not. Augmentation (chapter 2) helps."
    )


EXERCISES.question(
    "1.12",
    "X-rays that others should see",
    2,
    right="A",
    hints=(
        "Whose pictures are these: the hospital's, yours, or the patients'?",
        "What did the patients agree to when they were X-rayed?",
    ),
    mistake="B or C: names are gone, or a licence is chosen, so all is well",
    nudge="Who would have to say yes before a stranger may see this picture?",
    A="Others can repeat the work where they are allowed to: code and scores are yours to publish, the pictures are not, unless those who are on them or a committee for them said yes.",
    B="Without names they are still pictures of people, who agreed to be treated, not to be published; and other records may tell whose they are.",
    C="A licence passes on rights that you have. The patients' consent is not yours to give.",
    D="Fewer pixels hide details; they do not make a consent. And what the net can still use, others can use too.",
)
