"""The exercises of chapter 3: transfer learning."""

import copy
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.v2.functional import normalize

from workshop_utils import data, models, recorded, transfer
from workshop_utils.exercises.judging import (
    Unattempted,
    as_array,
    ask,
    compare,
    described,
    helped,
    same,
)
from workshop_utils.exercises.kit import Changed, Chapter
from workshop_utils.models import preprocessing

NOTHING_LEARNS = "Nothing could learn: the head was frozen with the rest, or asked within no_grad or inference_mode."
RAISED_BY_A_HEAD = {  # in 3.7: pieces of torch's messages -> what to do
    "does not require grad": NOTHING_LEARNS,
    "empty parameter list": NOTHING_LEARNS,
}
EXERCISES = Chapter()


@EXERCISES.exercise(
    "3.1",
    "From pictures to probabilities",
    4,
    hints=(
        "Three things before the net answers well: its mode, its preprocessing, and softmax afterwards.",
        "net.eval() switches dropout off; net.preprocess(pictures) scales the pixels.",
        "softmax(1) makes each row, each picture, add up to 1.",
    ),
    solution="def probabilities(net, pictures):\n    net.eval()\n    with torch.inference_mode():\n        return net(net.preprocess(pictures)).softmax(1)",
    why="Evaluation mode, the net's own preprocessing, and softmax once, over the classes.",
    mistake="The net stays in training mode, so the same pictures get two answers; or softmax over dimension 0",
    nudge="Ask your function twice about the same pictures: is the answer the same?",
    wrong={
        "before softmax": Changed(".softmax(1)", ""),
        "applied twice": Changed(".softmax(1)", ".softmax(1).softmax(1)"),
        "wrong dimension": Changed("softmax(1)", "softmax(0)"),
        "logarithms": Changed("softmax(1)", "log_softmax(1)"),
        "most probable class": Changed("softmax(1)", "argmax(1)"),
        "mean over the pictures": Changed("softmax(1)", "softmax(1).mean(0)"),
        "takes each score by itself": Changed("softmax(1)", "sigmoid()"),
        "highest probability": Changed("softmax(1)", "softmax(1).amax(1)"),
        "net.eval() is missing": Changed("net.eval()", "pass"),
        "or comes after": Changed("net.eval()", "net.requires_grad_(False)"),
        "still uses the mean and spread of these pictures": Changed("net.eval()", "net[5].eval()"),
        "pixels from 0 to 255": Changed("net.preprocess(pictures)", "pictures.float()"),
        "pixels from 0 to 1": Changed("net.preprocess(pictures)", "pictures / 255"),
        "numbers from -1 to 1": Changed("net.preprocess(pictures)", "pictures / 127.5 - 1"),
        "the mean and std of torchvision's nets": Changed(
            "    with",
            "    from dataclasses import replace\n"
            "    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)\n"
            "    net.preprocess = replace(net.preprocess, mean=mean, std=std)\n    with",
        ),
        "its own mean and std, of whole pictures": Changed(
            "net.preprocess(pictures)", "(pictures / 255 - 0.5) / 0.25"
        ),
    },
)
def probabilities(answer):
    net, pictures = _fresh_net(), torch.randint(0, 256, (4, 3, 16, 20), dtype=torch.uint8)
    given, again = (ask(answer, net.train(), pictures) for _ in range(2))
    first = as_array(given)
    if first is not None and not np.isfinite(first).all():
        yield "Some are no numbers (NaN or infinite): the scores were too large for exp. Did the pictures go through net.preprocess?"
    if first is not None and not same(first, again):
        yield "The same pictures gave two different answers: the net was in training mode, where dropout switches off other values each time. net.eval() is missing, or comes after the net was asked."
    quiet, half = (copy.deepcopy(net).eval() for _ in range(2))
    half[1].train()
    with torch.inference_mode():
        scores, batch = quiet(net.preprocess(pictures)), half(net.preprocess(pictures)).softmax(1)
        prepared = _prepared_otherwise(net.preprocess, pictures)
        otherwise = {sentence: quiet(given).softmax(1) for sentence, given in prepared.items()}
    right, best, columns = scores.softmax(1), scores.argmax(1), scores.softmax(0)
    twice, mean = right.softmax(1), right.mean(0)
    mistakes = {
        "These are the scores before softmax.": scores,
        "Softmax was applied twice: the probabilities have become nearly equal.": twice,
        "Softmax went over the wrong dimension: each column adds up to 1, each picture should. Dimension 1 has the classes.": columns,
        "These are logarithms of probabilities.": scores.log_softmax(1),
        "sigmoid takes each score by itself. The probabilities of one picture add up to 1: softmax.": scores.sigmoid(),
        "Dropout is off, but batch normalisation still uses the mean and spread of these pictures: net.eval() changes both.": batch,
        **otherwise,
        "That is the most probable class of each picture. All probabilities were asked.": best,
        "That is the highest probability of each picture. All were asked.": right.amax(1),
        "That is the mean over the pictures. Each picture has probabilities of its own.": mean,
    }
    yield from compare(given, right, mistakes, "probabilities of shape (pictures, classes)")
    return "In this order nothing can be forgotten silently; evaluation.predict does the same for a whole set."


EXERCISES.question(
    "3.2",
    "The same wrong preprocessing twice",
    right="C",
    hints=(
        "The net's own weights expect certain numbers, whoever asks.",
        "So is the description of a picture as good as with the right numbers?",
    ),
    mistake="A: nothing is lost, both are treated alike",
    nudge="The head is new. For which numbers were the weights below it made?",
    A="The head gets used to it, but the backbone does not: its weights were made for other numbers, so its description of every picture is worse.",
    B="So far off it is not: most of what the net sees is contrast between neighbours, and that survives another mean and std. Guessing among nine classes gives 11 %; the next cell measures how far above that it is.",
    C="The features are worse for every picture, the head makes the best of them, and nobody sees what the score could have been. On clip-art, 15 pictures a class, it costs about ten points: the next cell measures it.",
    D="Shapes and types are right, so PyTorch has nothing to say. That is the danger.",
)


@EXERCISES.value(
    "3.3",
    "What the head learns",
    2,
    expected="a number of parameters",
    tolerance=1e-9,
    hints=("Each of the nine outputs weighs all 1,280 features.", "And each has one bias."),
    solution="my_count = 1280 * 9 + 9",
    why="A weight for every pair of feature and class, and a bias for each class.",
    mistake="11,520, the biases forgotten; or a count in which the 135 pictures appear",
    nudge="Which tensors does a linear layer hold?",
)
def parameters_of_the_head():
    mistakes = {
        "Each of the 9 outputs also has a bias.": 11_520,
        "That is one output; there are nine of them.": 1281,
        "1,280 features come in, and each of the nine outputs weighs all of them.": 1280,
        "Every feature has a weight for every output: multiply.": 1289,
        "That is the old head, for 1,000 classes.": 1_281_000,
        "That is the whole net. Only its last layer is new, and only that learns.": 4_652_008,
        "That is the backbone, which stays as it is.": 3_371_008,
        "That is backbone and head. Only the head learns.": 3_382_537,
        "That is how many numbers the 135 pictures became. The head weighs them, whatever their number is.": 172_800,
    }
    remark = "11,529: 0.34 % of the new net's 3,382,537. That little fits in milliseconds."
    return 1280 * 9 + 9, remark, mistakes


@EXERCISES.value(
    "3.4",
    "As good as 15 from scratch",
    2,
    expected="one of 1, 2, 5, 10, 15",
    tolerance=1e-9,
    hints=(
        "Guess: any of the five numbers. Then run the cell with the curves.",
        "Where is the highest point of the curve 'from scratch'? Go left from there, to the curve 'frozen'.",
    ),
    solution='few = recorded.load("fewshot")["results"]\nmean = lambda way, k: sum(few[way][str(k)]["accuracy"]) / 5\n'
    'my_pictures = min(k for k in (1, 2, 5, 10, 15) if mean("frozen", k) >= mean("from scratch", 15))',
    why="The smallest number at which the mean of the frozen features reaches that of the net from scratch with 15.",
    mistake="5 or 10: they reach it too, but fewer do as well",
    nudge="At what height does the curve from scratch end, and where is frozen as high?",
)
def as_good_as_scratch():
    reached = {k: mean for (way, k), mean in _accuracies().items() if way == "frozen"}
    goal = _accuracies()["from scratch", 15]
    right = min(k for k in reached if reached[k] >= goal)
    mistakes = {
        f"With {k} frozen features reach {reached[k]:.0%}, from scratch reaches {goal:.0%} with 15: {'fewer are enough' if k > right else 'that is too few'}. A guess is free: look at the curves and correct it.": k
        for k in reached
        if k != right
    }
    remark = f"{right}: frozen features reach {reached[right]:.0%} with {right} a class, from scratch {goal:.0%} with 15."
    return right, remark, mistakes


@EXERCISES.exercise(
    "3.5",
    "The part that never moves",
    4,
    hints=(
        "When does the optimizer learn which parameters there are?",
        "AdamW(...) is given the parameters that may learn at that moment. Unfreezing afterwards comes too late.",
        'First unfreeze blocks.1, then two groups, as in section 4: {"params": net.blocks[1].parameters(), "lr": 1e-4} is one.',
    ),
    solution="def prepare(net):\n    net.requires_grad_(False)\n    net.head.requires_grad_(True)\n    net.blocks[1].requires_grad_(True)\n"
    '    groups = [{"params": net.head.parameters(), "lr": 1e-3}, {"params": net.blocks[1].parameters(), "lr": 1e-4}]\n'
    "    return torch.optim.AdamW(groups)",
    why="An optimizer moves the parameters that it was given; those that are unfrozen later are not among them.",
    mistake="Rates are changed or everything is unfrozen, while the order of the lines stays",
    nudge="Which parameters learn at the moment when the optimizer is made?",
    wrong={
        "blocks.1 is still frozen": Changed("net.blocks[1].requires_grad_(True)", "pass"),
        "with underscore and brackets": Changed(
            "blocks[1].requires_grad_(True)", "blocks[1].requires_grad = True"
        ),
        "the optimizer did not get it": Changed(
            "AdamW(groups)", "AdamW(net.head.parameters(), lr=1e-2)"
        ),
        "more moved than the head and blocks.1: 'blocks.0.0.bias'": Changed("blocks[1]", "blocks"),
        "more moved than": Changed("blocks[1]", "blocks[0]"),
        "Everything moved": lambda net: torch.optim.AdamW(net.parameters()),
        "Was the net frozen": lambda net: torch.optim.SGD(net.parameters(), lr=1e-3),
        "as long as the head's": Changed("1e-4", "1e-3"),
        "longer than the head's": Changed("1e-4", "1e-2"),
        "Asked were 1e-3": Changed("1e-4", "9e-4"),
        "for the head and 1e-4": Changed("1e-3", "1e-2"),
        "the head did not": Changed("net.head.requires_grad_(True)", "pass"),
        "only a part moves": Changed("net.head.parameters()", "[net.head.bias]"),
        "all parameters of both": Changed("net.head.parameters()", "[net.head.weight]"),
        "uphill": Changed("AdamW(groups)", "AdamW(groups, maximize=True)"),
        "this step goes uphill": Changed("AdamW(groups)", "SGD(groups, maximize=True)"),
        "raises the loss": Changed("1e-4}", '1e-4, "maximize": True}'),
        "the optimizer back": lambda net: None,
        "Expected the function": 5,
    },
)
def prepare(answer):
    net = _net_of_blocks()
    body, last = net.blocks[1][0].weight, net.head.weight
    if not callable(answer):
        yield f"Expected the function; came {described(answer)}."
    optimizer = ask(lambda: answer(net))
    if not isinstance(optimizer, torch.optim.Optimizer):
        yield f"Expected the optimizer back; came {described(optimizer)}."
    before = copy.deepcopy(net.state_dict())
    with torch.enable_grad():
        loss = F.cross_entropy(net.eval()(torch.randn(8, 3, 12, 12)), torch.arange(8) % 3)
    if loss.requires_grad:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    moved = set(transfer.changed(before, net.state_dict()))
    head = {name for name in moved if name.startswith("head.")}
    block = {name for name in moved if name.startswith("blocks.1.")}
    as_it_came = [group["lr"] for group in optimizer.param_groups] == [1e-3]
    if head and not moved - head and body.requires_grad and as_it_came:
        raise Unattempted(
            "Only the head moved, as in the cell as it came; blocks.1 stayed where it was. Repair it and run it again."
        )
    if not moved:
        yield "Nothing moved in a step: the head and blocks.1 should."
    if {name.partition(".")[0] for name in moved} >= {"stem", "blocks", "head"}:
        yield "Everything moved. Was the net frozen, and then nothing but blocks.1 unfrozen?"
    if moved - head - block:
        yield f"Part of the net is frozen, but more moved than the head and blocks.1: '{sorted(moved - head - block)[0]}' for one."
    if not head:
        yield "blocks.1 moved, but the head did not. It learns too."
    if not block and not body.requires_grad:
        yield "Only the head moved: blocks.1 is still frozen. net.blocks[1].requires_grad_(True), with underscore and brackets, lets it learn."
    if not block:
        yield "Only the head moved: blocks.1 may learn, but the optimizer did not get it. Is it unfrozen before the optimizer is made?"
    rates = {id(one): group["lr"] for group in optimizer.param_groups for one in group["params"]}
    below, above = (rates.get(id(one), 0.0) for one in (body, last))
    if not below or not above or len(head) < 2:
        yield "Of the head or of blocks.1 only a part moves. Give the optimizer all parameters of both."
    for one, was in ((last, before["head.weight"]), (body, before["blocks.1.0.weight"])):
        step = (one.detach() - was).flatten()
        if F.cosine_similarity(step, one.grad.flatten(), dim=0) > 0.1:
            yield "Both move, but this step goes uphill: it raises the loss. An optimizer with maximize=True does."
    if below >= above:
        how = "longer than" if below > above else "as long as"
        yield f'Both move, but blocks.1 in steps {how} the head\'s. Further down the steps are smaller: one group with "lr": 1e-3 for the head, one with 1e-4 for blocks.1.'
    near = abs(above / 1e-3 - 1) <= 0.01 and abs(below / 1e-4 - 1) <= 0.01  # NaN is not
    if not near:
        yield f"Both move, with {above:g} and {below:g}. Asked were 1e-3 for the head and 1e-4 for blocks.1."
    return "Freeze, unfreeze, then the optimizer. Compare a state_dict before and after a step whenever you doubt."


EXERCISES.question(
    "3.6",
    "Two points better, fifty times as long",
    right="B",
    hints=(
        "Both nets saw the same pictures. Which of them tell the two apart? Those on which exactly one is right.",
        "Two points are three pictures of 150. If the nets disagreed on these three only, how often would a coin fall 3 : 0?",
    ),
    mistake="A: 82 is more than 80. Or D, which chooses on the test set",
    nudge="How many of the 150 pictures are two points, and would a coin do the same?",
    A="Two points are three pictures of 150. Were they the only ones on which the two disagree, a coin would fall three times to one side in one case of four; with 12 against 9 it is nearer still to chance.",
    B="Three pictures more is what chance does: a coin falls 3 : 0 or 0 : 3 in one case of four, and 12 : 9 or further apart in two of three. The cheap way wins a tie, until more pictures, more seeds or a larger test set decide.",
    C="Longer training fits the same few pictures more closely. It does not make the test set larger.",
    D="Then the rate is chosen on the test set, and its score is too good: chapter 1, section 7. A validation set is there to choose on.",
)


@EXERCISES.exercise(
    "3.7",
    "A step that moves the head alone",
    4,
    hints=(
        "transfer.freeze(net) leaves only the head to learn.",
        "Frozen weights are not enough: in training mode batch normalisation moves its statistics. net.eval() stops that.",
        "An optimizer over the parameters that learn, loss, backward, step; then return the net.",
    ),
    solution="def head_step(net, images, labels):\n    transfer.freeze(net).eval()\n    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)\n"
    "    torch.nn.functional.cross_entropy(net(images), labels).backward()\n    optimizer.step()\n    return net",
    why="Frozen weights keep the optimizer away, evaluation mode keeps batch normalisation's statistics.",
    mistake="The weights are frozen and the net is in training mode: the running statistics move",
    nudge="What does transfer.changed list after your step, and what kind of tensors are these?",
    wrong={
        "batch normalisation moved": Changed(".eval()", ".train()"),
        "Nothing moved": Changed("optimizer.step()", "pass"),
        "no zero_grad() between them": Changed(".step()", ".zero_grad()\n    optimizer.step()"),
        "Nothing could learn": Changed("freeze(net)", "freeze(net, keep_head=False)"),
        "no_grad or inference_mode": Changed("net(images), labels", "net(images).detach(), labels"),
        "Of the head only 6.bias moved": Changed(
            "[p for p in net.parameters() if p.requires_grad]", "[net[6].bias]"
        ),
        "head did not move": lambda net, images, labels: (net(images), net)[1],
        "The head did not move": Changed(
            "freeze(net).eval()", "freeze(net, keep_head=False).eval()[0].requires_grad_(True)"
        ),
        "Besides the head": Changed("transfer.freeze(net)", "net"),
        "the same net back": lambda net, images, labels: labels,
        "the one that came": Changed(
            "    transfer.freeze",
            "    import copy\n    net = copy.deepcopy(net)\n    transfer.freeze",
        ),
        "applies softmax itself": Changed("net(images), labels", "net(images).softmax(1), labels"),
        "does not lower the loss": Changed(
            "    optimizer.step()",
            "    with torch.no_grad():\n        for p in net[6].parameters():\n            p += 0.01",
        ),
        "uphill": Changed(
            "cross_entropy(net(images), labels)", "cross_entropy(net(images), labels).neg()"
        ),
        "Expected the function": 5,
    },
)
def head_step(answer):
    # a net whose slope is another one with softmax twice, in its signs too, and nearly the same with dropout
    torch.manual_seed(79)
    net, images, labels = _fresh_net().train(), torch.randn(16, 3, 16, 16), torch.arange(16) % 3
    was, head = copy.deepcopy(net).eval(), {"6.weight", "6.bias"}
    own = net[6]
    before = was.state_dict()
    if not callable(answer):
        yield f"Expected the function; came {described(answer)}."
    given = helped(RAISED_BY_A_HEAD, lambda: answer(net, images.clone(), labels.clone()))
    if not isinstance(given, nn.Module) or given.state_dict().keys() != before.keys():
        yield f"Expected the same net back, after one step; came {described(given)}."
    if given is not net:
        yield "This is another net: a copy moved, and the one that came stayed as it was. Take the step on the net itself and return it."
    if net[6] is not own:
        yield "The head is a new one. Take the step with the head that the net has."
    moved = set(transfer.changed(before, given.state_dict()))
    if not moved:
        yield "Nothing moved. Were backward() and the optimizer's step() called, with no zero_grad() between them?"
    statistics = {name for name in moved if "running_" in name or "num_batches" in name}
    if statistics and moved & head and not moved - head - statistics:
        yield f"The weights are as they should be, but batch normalisation moved: {', '.join(sorted(statistics))}. In training mode it keeps counting; net.eval() stops that."
    if not moved & head:
        yield f"The head did not move, {len(moved)} other tensors did. It was frozen with the rest or instead of it, or there was no step()."
    if len(moved & head) == 1:
        yield f"Of the head only {(moved & head).pop()} moved. It has a weight and a bias: net[-1].parameters() are both."
    if moved - head:
        yield f"Besides the head {len(moved - head)} tensors moved, '{sorted(moved - head)[0]}' for one. Freeze the body first."
    if not all(value.isfinite().all() for value in given.state_dict().values()):
        yield "The head's weights are no longer finite: the step was far too long."
    yield from _downhill(net, was, images, labels)
    return "Frozen means that transfer.changed finds nothing else. training.fit keeps frozen batch normalisation still in the same way."


EXERCISES.question(
    "3.8",
    "What Grad-CAM shows",
    right="B",
    hints=(
        "Let the panel look for a class that is not in the picture.",
        "The map is made from the score of one class.",
    ),
    mistake="A or C: it knows the outline, or it is sure",
    nudge="Let the panel look for a class that is not in the picture. Is there a map?",
    A="The net has no outlines: it was trained with one word for a whole picture. The map is coarse (7 x 7 places) and may light up only a part.",
    B="It shows the places from which the score of this class comes, right or wrong, and says nothing about why. A dog found by its kennel has a bright kennel.",
    C="A map is made for any class, also for one that is not there. The probability says how sure the net is, not the map.",
    D="It does not say what would happen: to learn that, cover the place and ask again.",
)


EXERCISES.question(
    "3.9",
    "A picture of neither class",
    right="D",
    hints=("Give the panel a picture of something else.", "The probabilities always add up to 1."),
    mistake="B: always half and half. Or A, nothing for both",
    nudge="To what do the probabilities add up, and among which classes?",
    A="That cannot be: softmax divides 100 % among the classes that it has. Only the threshold can refuse, and many strangers get over it.",
    B="Many strangers come near it, but nothing makes it so: some get as much as the classifier's own pictures.",
    C="The features are those of 1,000 classes, but the new head knows only yours.",
    D="It must name one of your classes, mostly unsurely, sometimes as surely as one of its own. Give it a class 'something else', or distrust low probabilities.",
)


@EXERCISES.exercise(
    "3.10",
    "A classifier of your own",
    4,
    hints=(
        "In the panel: a name for the first class, some pictures, then another name and its pictures. Then Train.",
        "The cell with models.save writes what the panel trained. Run it after Train.",
        'The answer is the name that it saves under: "my-classifier".',
    ),
    solution='import torch\n\nown = data.ImageDataset(torch.cat([data.load("clip-art").images[:20], data.load("photos").images[:, :, ::2, ::2][:, :, :128, :128]]),\n'
    '                        torch.tensor([0] * 20 + [1] * 13), ("drawing", "photograph"), name="own")\n'
    'models.save(transfer.classifier(net, own), "my-classifier", overwrite=True)\nmy_classifier = "my-classifier"',
    why="No camera at hand? Drawings against photographs are two classes as well.",
    mistake="The cell with models.save ran before Train, so the birds and vehicles were saved",
    nudge="Which classes did the cell with models.save print?",
    wrong={
        "There is no file": "no-such-file",
        "as text": 3,
        "to begin with": Changed('"drawing", "photograph"', '"bird", "vehicle"'),
    },
)
def own_classifier(answer):
    if not isinstance(answer, (str, Path)):  # models.save gives a Path
        yield f'Expected the name of the file, as text: "my-classifier"; came {described(answer)}.'
    name = str(answer).strip()
    try:
        net = models.load(name)
    except (ValueError, FileNotFoundError) as error:
        yield str(error)[:500]
    except OSError:  # no name that a system takes
        yield f"{described(answer)} cannot be opened. The cell with models.save prints the name."
    if set(net.classes) == {"bird", "vehicle"}:
        yield "These are the birds and vehicles that were there to begin with. Give the panel pictures of your own, press Train, and run the cell with models.save again."
    photos = data.load("photos")
    with torch.inference_mode():
        rows = net(net.preprocess(photos.images[:8])).softmax(1)
    if not rows.isfinite().all():
        yield "It opens, but its answers are not finite numbers. Train it again."
    doubted = int((rows.amax(1) < net.threshold).sum())
    blanks = models.describe(name).count("[To be filled in")
    card = f" Its card has {blanks} blanks that only you can fill." if blanks else ""
    return f"It opens, and knows: {', '.join(net.classes)}. Of eight photographs it says for {doubted} that none looks likely. Send the file to a friend: models.describe shows the lines that open it without the course.{card}"


@EXERCISES.exercise(
    "3.11",
    "How many pictures to pay for",
    4,
    given=("price",),
    hints=(
        "The cost of a plan: 9 kinds x pictures a class x 1 euro, and 1,000 x part of errors x the price of an error.",
        'ways[way][str(pictures)]["accuracy"] has five values; take their mean.',
        "Go through all ways and numbers in a loop, and take the cheapest.",
    ),
    solution='costs = {(way, int(k)): 9 * int(k) + 1000 * (1 - sum(row["accuracy"]) / 5) * price for way, found in ways.items() for k, row in found.items()}\n'
    "my_plan = min(costs, key=costs.get)",
    why="Pictures and errors both cost; which number is best depends on what an error costs.",
    mistake="The plan with the highest accuracy at any price of an error, or the fewest pictures",
    nudge="In your plan, what do the pictures cost and what do the errors cost? Which is larger?",
    wrong={
        "This plan costs": ("fine tuned", 1),
        "one of 1, 2, 5": ("frozen", 3),
        "a way and a number": 5,
        "one of the ways": ("magic", 5),
    },
)
def cheapest_plan(answer, price: float):
    costs = {plan: 9 * plan[1] + 1000 * (1 - mean) * price for plan, mean in _accuracies().items()}
    ways = ", ".join(dict.fromkeys(way for way, _ in costs))
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not isinstance(answer[0], str):
        yield f'Expected a way and a number of pictures, such as ("frozen", 5); came {described(answer)}.'
    number = answer[1]  # in the recording it is text
    k = as_array(int(number) if isinstance(number, str) and number.isdecimal() else number)
    count = float(k.reshape(())) if k is not None and k.size == 1 else 0.0
    plan = answer[0].strip().lower().replace("-", " "), count
    if plan not in costs:
        yield f"Expected one of the ways {ways} and one of 1, 2, 5, 10, 15; came {described(answer[0])} and {described(answer[1])}."
    best = min(costs, key=lambda one: costs[one])
    if costs[plan] > 1.1 * costs[best]:
        pictures, errors = 9 * int(count), costs[plan] - 9 * int(count)
        yield f"This plan costs {costs[plan]:,.0f} euros: {pictures:,} for pictures, {errors:,.0f} for errors. That is more than a tenth above the cheapest."
    return f"{costs[plan]:,.0f} euros; the cheapest plan, {best[0]} with {best[1]} a class, costs {costs[best]:,.0f}. With another price of errors another number is right."


def _accuracies() -> dict[tuple[str, int], float]:
    """The recorded mean of five draws by way and pictures a class."""
    found, mean = recorded.load("fewshot")["results"], lambda values: sum(values) / len(values)
    ways = [(way, k, row) for way, rows in found.items() for k, row in rows.items()]
    return {(way, int(k)): mean(row["accuracy"]) for way, k, row in ways}


def _prepared_otherwise(right: preprocessing, pictures: Tensor) -> dict[str, Tensor]:
    """Sentence -> what a net gets from people who prepare its pictures by hand, or with the numbers of another net."""
    mean_and_std = {
        "pixels from 0 to 255": ([0.0] * 3, [1 / 255] * 3),
        "pixels from 0 to 1": ([0.0] * 3, [1.0] * 3),
        "numbers from -1 to 1": ([0.5] * 3, [0.5] * 3),
        "numbers by the mean and std of torchvision's nets": (
            [0.485, 0.456, 0.406],
            [0.229, 0.224, 0.225],
        ),
        "numbers by its own mean and std": (right.mean, right.std),
    }
    found, instead = {}, "net.preprocess(pictures) gives it the numbers that it needs"
    for what, (mean, std) in mean_and_std.items():
        middle = replace(right, mean=mean, std=std)(pictures)
        found[f"The net got {what}. {instead}."] = middle
        whole = normalize(pictures / 255, [*mean], [*std])
        found[f"The net got {what}, of whole pictures. {instead}, of their middle."] = whole
    return found


def _fresh_net() -> nn.Module:
    """A small net with everything that can be forgotten: batch normalisation, dropout, a preprocessing. Layer 6 is the head."""
    body = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    net = nn.Sequential(*body, nn.Dropout(0.5), nn.Linear(32, 3))
    nn.init.normal_(net[6].weight)  # answers that differ enough to tell mistakes apart
    net.preprocess = preprocessing(resize=16, crop=12, mean=[0.5] * 3, std=[0.25] * 3)
    return net


def _downhill(net: nn.Module, was: nn.Module, images: Tensor, labels: Tensor) -> Iterator[str]:
    """What is wrong with the way that the head of `_fresh_net` went from that of `was`, if it is not down the cross-entropy of these pictures."""

    def slope(scores: Tensor) -> Tensor:
        found = torch.autograd.grad(F.cross_entropy(scores, labels), [*was[6].parameters()])
        return torch.cat([part.flatten() for part in found])

    def like(step: Tensor, slope: Tensor) -> float:
        """1 if the step is that of gradient descent down the slope, or of Adam, which looks at signs alone."""
        return max(float(F.cosine_similarity(way, -step, dim=0)) for way in (slope, slope.sign()))

    with torch.enable_grad():
        right, twice = slope(was(images)), slope(was(images).softmax(1))
    head = zip(net[6].parameters(), was[6].parameters())
    step = torch.cat([(new - old).detach().flatten() for new, old in head])
    if like(step, twice) > max(0.98, like(step, right)):
        yield "The head moved as if softmax had come twice: F.cross_entropy applies softmax itself, so it wants the scores."
    down = float(F.cosine_similarity(right, -step, dim=0))
    if down < -0.1:
        yield "The head moved uphill: this step raises the loss. Is there a minus too many?"
    if down < 0.1:
        yield "The head moved, but this step does not lower the loss of these pictures. The gradient says where to: loss.backward(), then the optimizer's step()."


def _net_of_blocks() -> nn.Module:
    """A net with parts that have names, as the backbone has them: stem, blocks.0, blocks.1, head."""

    def block(inputs: int, outputs: int) -> nn.Module:
        norm = nn.BatchNorm2d(outputs)
        nn.init.ones_(norm.bias)  # no block is dead, so that all that may learn moves
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3), norm, nn.ReLU())

    blocks = nn.Sequential(block(4, 6), block(6, 8))
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    head = nn.Linear(32, 3)
    return nn.Sequential(OrderedDict(stem=block(3, 4), blocks=blocks, pool=pool, head=head))
