"""The exercises of chapter 2: CNN architectures."""

import copy
import re
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workshop_utils import models
from workshop_utils.exercises.judging import (
    Raised,
    Unattempted,
    as_array,
    ask,
    compare,
    described,
    helped,
    need_attempt,
)
from workshop_utils.exercises.kit import Changed, Chapter
from workshop_utils.scoreboard import BUDGET

PARAMETERS_AT_MOST = 25_000_000  # in 2.8
RAISED_BY_A_STEP = {  # in 2.3: a piece of torch's message -> what to do
    "'ellipsis' object": "The line of the loss is still dots: compare logits and labels there.",
    "Boolean value of Tensor": "nn.CrossEntropyLoss has to be made first: nn.CrossEntropyLoss()(logits, labels). Shorter: F.cross_entropy(logits, labels).",
    "'SGD' object has no attribute 'backward'": "backward() is a method of the loss, not of the optimizer.",
    "'float' object has no attribute 'backward'": "The loss became a plain number, which knows no way back. Leave .item() away.",
    "does not require grad": "The loss knows no way back to the weights. Take it from the logits as they are, without argmax or detach().",
    "only for scalar outputs": 'backward() begins at a single number, the loss: not at the logits, and not at a loss with reduction="none".',
    "not implemented for 'Long'": "The order is F.cross_entropy(logits, labels): what the net says first.",
}
RAISED_BY_A_NET = {  # in 2.10
    "shapes cannot be multiplied": "A dense layer gets more or fewer values than the first number of its nn.Linear says. Is nn.Flatten() there, before the first one?",
}
RAISED_BY_WEIGHTS = {  # in 2.12
    "shapes cannot be multiplied": "The layers take one number for each map: squeeze first.",
    "must match the size": "Weights of shape (pictures, channels) cannot multiply maps, which have four dimensions: give them two more.",
}
RAISED_BY_A_SUM = {  # in 2.13
    "must match the size": "The maps change their size, so x cannot be added at the end. A 3x3 keeps it with padding=1 and stride 1.",
}
EXERCISES = Chapter()


def _copied(net: nn.Module, x: Tensor, said: dict[str, str] | None = None) -> nn.Module:
    """The judge's own, on the CPU and in eval mode, for the notebook may use the net; its lazy layers have their weights."""
    with suppress(ValueError):  # lazy normalisation cannot be copied before its first use
        net = copy.deepcopy(net)
    helped(said or {}, net.cpu().eval(), x)
    return net


@EXERCISES.exercise(
    "2.1",
    "A kernel for left-to-right edges",
    3,
    hints=(
        "An even area must answer 0: the nine numbers add up to 0.",
        "A change from top to bottom must answer 0, so each row of the kernel must add up to 0: there a row sees one value three times.",
        "Dark (small) on the left, light on the right: negative on the left.",
    ),
    solution="my_kernel = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])",
    why="Right minus left, three times: 0 on even areas and from top to bottom, positive where it gets lighter to the right.",
    mistake="Turned by a quarter, so that it answers from top to bottom; or the sign the other way round",
    nudge="What does yours answer on an even area, and on a picture that changes only from top to bottom?",
    wrong={
        "turned by a quarter": [[-1.0] * 3, [0.0] * 3, [1.0] * 3],
        "other way round": [[1, 0, -1]] * 3,
        "add up to 9": [[1.0] * 3] * 3,
        "zeros": [[0.0] * 3] * 3,
        "shape (3, 3)": [[1.0] * 2] * 2,
        "not at an edge": [[-1, 0, 2], [-1, 0, -1], [-1, 0, 2]],
        "also from top to bottom": [[-1, -1, 0], [-1, 0, 1], [0, 1, 1]],
        "finite": [[float("nan")] * 3] * 3,
    },
)
def edge_kernel(answer):
    values = as_array(answer)
    if values is None or values.shape != (3, 3):
        yield f"Expected a tensor of shape (3, 3); came {described(answer)}."
    kernel = torch.tensor(values, dtype=torch.float32)
    if not kernel.isfinite().all():
        yield "Each of the nine numbers must be finite."
    slope = (1 + (0.5 + float(torch.rand(()))) * torch.arange(5.0)).expand(5, 5)
    pictures = torch.stack([torch.ones(5, 5), slope, slope.T])[:, None]
    flat, across, down = F.conv2d(pictures, kernel[None, None]).mean((1, 2, 3)).tolist()
    small = 1e-4 * float(kernel.abs().sum())
    if not kernel.any():
        yield "A kernel of zeros answers 0 everywhere, also at edges."
    if abs(flat) > small:
        yield f"On an even area of ones it answers {flat:.3g}, where it should answer 0: the nine numbers add up to {float(kernel.sum()):.3g}."
    if abs(across) <= small < abs(down):
        yield "It answers to edges from top to bottom and not from left to right: it is turned by a quarter."
    if abs(down) > small:
        yield f"It answers to a change from left to right ({across:.3g}), but also from top to bottom ({down:.3g}); that should be 0."
    if (kernel.sum(1).abs() > small).any():
        yield "It answers 0 on an even slope from top to bottom, but not at an edge: each row of the kernel must add up to 0."
    if across < -small:
        yield "It answers where the picture gets darker to the right. The sign is the other way round."
    if across <= small:
        yield "It answers 0 where the picture gets evenly lighter from left to right."
    return "Nobody writes kernels by hand today: training finds them. But the first layers of trained nets are full of edge kernels like yours."


@EXERCISES.value(
    "2.2",
    "The parameters of a convolution",
    2,
    expected="the number of weights and biases",
    tolerance=1e-9,
    hints=(
        "How many numbers has one kernel of 5 x 5 that reaches through 6 channels?",
        "Add one bias for each kernel, then multiply by 16.",
    ),
    solution="my_count = 16 * (5 * 5 * 6 + 1)",
    why="A kernel reaches through all channels of its input, and each has one bias.",
    mistake="2,400, the biases forgotten; or 416, as if a kernel read one channel",
    nudge="Through how many channels does one kernel reach, and what does it have besides?",
)
def parameters_of_a_convolution():
    mistakes = {
        "Each kernel also has one bias: 16 more.": 2400,
        "Each kernel reaches through all 6 channels, so it has 25 numbers for each of them.": 416,
        "Each kernel reaches through all channels, and it has a bias.": 400,
        "That is one kernel; there are 16 of them.": 151,
        "One bias a kernel, not one for each channel that it reads.": 2496,
        "16 biases, one for each kernel, not one for each channel that it reads.": 2406,
        "One bias for each of the 16 kernels, not one for the whole layer.": 2401,
        "That is the first convolution, with 6 kernels on 1 channel. The second has 16 kernels on 6.": 156,
        "1,516 is the layer of 1998, where most kernels read some of the 6 maps only. Here each reads all.": 1516,
    }
    remark = "The size of the picture does not matter for it: the same kernels slide over all of it. That is why convolutions are cheap in parameters."
    return 16 * (5 * 5 * 6 + 1), remark, mistakes


@EXERCISES.exercise(
    "2.3",
    "A training step",
    3,
    hints=(
        "The loss compares logits with labels. Chapter 1 had its name: cross-entropy.",
        "F.cross_entropy(logits, labels) is one number, and it has a method that goes back through the net.",
        "That method is loss.backward().",
    ),
    solution="def my_step(net, images, labels, optimizer):\n    logits = net(images)\n    loss = F.cross_entropy(logits, labels)\n"
    "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss",
    why="Forward, loss, old gradients away, backward, step: these five lines train every net of this course.",
    mistake="softmax before cross_entropy, which applies it itself; or backward() before zero_grad(), which erases it",
    nudge="Which line computes the gradients, and does any line after it erase them?",
    wrong={
        "softmax itself": Changed("(logits, labels)", "(logits.softmax(1), labels)"),
        "a sum over the batch": Changed("(logits, labels)", '(logits, labels, reduction="sum")'),
        "nll_loss expects": Changed("cross_entropy", "nll_loss"),
        "no gradient was computed": Changed("    loss.backward()\n", ""),
        "or it was erased": Changed(
            "    optimizer.zero_grad()\n    loss.backward()",
            "    loss.backward()\n    optimizer.zero_grad()",
        ),
        "Old gradients": Changed("    optimizer.zero_grad()\n", ""),
        "optimizer.step() is gone": Changed("    optimizer.step()\n", ""),
        "uphill": Changed("loss.backward()", "(-loss).backward()"),
        "gives None back": Changed("return loss", "return None"),
        "leave that `loss =` away": Changed("loss.backward()", "loss = loss.backward()"),
        "has to be made first": Changed("F.cross_entropy(", "nn.CrossEntropyLoss("),
        "method of the loss": Changed("loss.backward()", "optimizer.backward()"),
        "Leave .item() away": Changed(
            "labels)\n    optimizer.zero", "labels).item()\n    optimizer.zero"
        ),
        "what the net says first": Changed("(logits, labels)", "(labels, logits)"),
        "still dots": Changed("F.cross_entropy(logits, labels)", "..."),
        "no way back": Changed(
            "loss = F.cross_entropy(logits,", "loss = F.cross_entropy(logits.detach(),"
        ),
        'a loss with reduction="none"': Changed(
            "labels)\n    o", 'labels, reduction="none")\n    o'
        ),
        "not at the logits": Changed("loss.backward()", "logits.backward()"),
        "other weights": Changed("loss.backward()", "(2 * loss).backward()"),
    },
)
def training_step(answer):
    if not callable(answer):
        yield f"Expected the function my_step; came {described(answer)}."
    net, images, labels = nn.Linear(12, 3), torch.randn(8, 12), torch.arange(8) % 3
    moved = copy.deepcopy(net)
    for parameter in moved.parameters():
        parameter.grad = torch.ones_like(parameter)  # old ones, which the step has to take away
    optimizer = torch.optim.SGD(moved.parameters(), lr=0.1)
    loss = helped(RAISED_BY_A_STEP, lambda: answer(moved, images, labels, optimizer))
    if loss is None:
        yield "The step gives None back. Is there a `return loss`? And loss = loss.backward() puts None into loss: leave that `loss =` away."
    scores = net(images)
    wanted = F.cross_entropy(scores, labels)
    slope, slant = torch.autograd.grad(wanted, [net.weight, net.bias])
    soft = F.cross_entropy(scores.softmax(1), labels)
    sums = F.cross_entropy(scores, labels, reduction="sum")
    negative = F.nll_loss(scores, labels)
    mistakes = {
        "F.cross_entropy applies softmax itself: give it the logits as they are.": soft,
        "That loss is a sum over the batch. Take the mean, which F.cross_entropy gives by itself.": sums,
        "F.nll_loss expects the logarithms of probabilities; F.cross_entropy takes the logits.": negative,
    }
    yield from compare(loss, wanted, mistakes, "the cross-entropy of logits and labels", rtol=1e-4)
    weight, gradient = moved.weight, moved.weight.grad
    way = (net.weight - weight).detach() / 0.1  # a step may erase the gradients afterwards
    if torch.equal(weight, net.weight) and (gradient is None or not gradient.any()):
        yield "No weight moved: after zero_grad() no gradient was computed, or it was erased again. The way back, with its brackets, belongs between zero_grad() and step()."
    if torch.equal(weight, net.weight):
        yield "The gradients are there, but no weight moved: optimizer.step() is gone, or it comes before backward()."
    if torch.allclose(way, slope + 1, atol=1e-4):
        yield "Old gradients were still there and were added to the new ones: optimizer.zero_grad() is gone."
    if torch.allclose(way, -slope, atol=1e-4):
        yield "The step goes uphill: the loss gets larger. Go back from the loss itself, without a minus."
    near = torch.allclose(moved.bias, net.bias - 0.1 * slant, atol=1e-5)
    if not near or not torch.allclose(weight, net.weight - 0.1 * slope, atol=1e-5):
        yield "The loss is right, but the step leads to other weights than one loss.backward() and one optimizer.step()."
    return "Five lines, and the same five train a net of a hundred layers."


EXERCISES.question(
    "2.4",
    "Sure and wrong",
    right="C",
    hints=(
        "What did the net learn from, and from whom?",
        "How sure was it when it was wrong? Can a threshold on that help?",
    ),
    mistake="B: trust only answers above 95 %",
    nudge="How sure was the net when it was wrong?",
    A="Then it would know the digits of the training set even better. Yours are of another kind, and no pass over the old ones shows them.",
    B="Look at the ٦: read as another digit, with over 95 %. What a net never saw, it need not doubt.",
    C="What it never saw it cannot know. Collect such digits, with the label that their writers mean; in chapter 3 few are enough.",
    D="More weights fit the training digits more closely. They hold nothing about digits that were not there.",
)

EXERCISES.question(
    "2.5",
    "model.eval() forgotten",
    right="C",
    hints=("What does dropout do in training mode?", "Is what it does the same each time?"),
    mistake="B: it goes on learning. Or A, an error",
    nudge="A thousand ones went through dropout: what did the two modes print?",
    A="Nothing raises an error: both modes accept the same pictures. That is why it is forgotten so often.",
    B="eval() does not stop learning; without an optimizer's step no weight moves either way.",
    C="A random half of the values is switched off, so the score is lower and differs from run to run.",
    D="Gradients cost memory and time, but change no answer. torch.inference_mode() is another switch than eval().",
)


@EXERCISES.value(
    "2.6",
    "Three 3x3 for one 7x7",
    2,
    expected="a fraction between 0 and 1",
    tolerance=0.0055,
    hints=(
        "From C channels to C channels, one 7x7 has 7 * 7 * C * C weights. And three 3x3?",
        "saved = 1 - what is left / what it was; C drops out.",
    ),
    solution="my_saving = 1 - 3 * 3 * 3 / (7 * 7)",
    why="27 C C weights instead of 49 C C, and two more ReLUs in between.",
    mistake="0.55, the part that is left; or a percentage",
    nudge="How many weights has one 7x7 from C to C channels, and how many have the three?",
)
def saving():
    mistakes = {
        "That is the share that is left. What is saved is the rest.": 0.551,
        # 22 / 27 = 0.8148 lies beside 1 - 9 / 49 = 0.8163: this takes what is below 0.816
        "That is what the 7x7 costs more, as a share of the three 3x3. Divide by the 49 of the 7x7.": 0.81,
        "That is one 3x3 against the 7x7; there are three of them.": 0.816,
        "That is two of them, as wide as one 5x5. Three see 7x7.": 0.633,
        "That is two 3x3 against one 5x5. Here it is three against one 7x7.": 0.28,
        "That counts sides, not areas: a 7x7 kernel has 49 numbers for each channel.": -0.286,
    }
    remark = "27 weights in place of 49: 45 % saved. The paper turns it round: one 7x7 has 81 % more (section 2.3)."
    return 1 - 27 / 49, remark, mistakes


@EXERCISES.exercise(
    "2.7",
    "From plain to residual",
    3,
    hints=(
        "What does the last line have to add before its ReLU?",
        "x is still there under its name: forward may use it again.",
    ),
    solution="class Block(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n"
    "        self.first = nn.Sequential(\n            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)\n        )\n"
    "        self.second = nn.Sequential(\n            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)\n        )\n\n"
    "    def forward(self, x):\n        out = torch.relu(self.first(x))\n        return torch.relu(self.second(out) + x)",
    why="The input is added before the last ReLU: two characters and a name.",
    mistake="x added after the last ReLU, or added before the second convolution, which loses it again",
    nudge="If both convolutions gave only zeros, what would your block answer?",
    wrong={
        "after the last ReLU": Changed("(self.second(out) + x)", "(self.second(out)) + x"),
        "computes nothing": Changed("self.second(out) + x", "x"),
        "answers the double": Changed("(out) + x", "(out) + 2 * x"),
        "sign turned": Changed("(out) + x", "(out) - x"),
        "weights of its own": Changed(
            "    def forward(self, x):\n        out = torch.relu(self.first(x))",
            "        self.around = nn.Conv2d(channels, channels, 1)\n\n"
            "    def forward(self, x):\n        out, x = torch.relu(self.first(x)), self.around(x)",
        ),
        "of the same shape": Changed("+ x)", "+ x).mean()"),
        "'second' is not used": Changed("self.second(out)", "self.first(x)"),
        "which loses it again": Changed("(out) + x", "(out + x)"),
        "a ReLU of their own": Changed("(out) + x)", "(out)) + torch.relu(x)"),
        "The last ReLU is gone": Changed("return torch.relu", "return "),
        "begins before the block": Changed("(out) + x", "(out) + out"),
        "What the block adds goes through": Changed(
            "self.second(out) +", "self.second(out).relu() +"
        ),
        "That multiplies": Changed("(out) + x", "(out) * x"),
        "changes x itself": Changed(
            "return torch.relu(self.second(out) + x)",
            "x += self.second(out)\n        return torch.relu(x)",
        ),
        "answers 0 and not its input": Changed("(out) + x", "(out) * (1 + x.abs())"),
        "not the ReLU of second plus x": Changed("self.second(out) +", "2 * self.second(out) +"),
        "Expected the class Block": lambda channels: channels,
        "of the right shape but with other": Changed("(out) + x", "(out) + x.relu() + 1"),
        "leave detach(), .data and no_grad() away": Changed("(out) + x", "(out) + x.detach()"),
        "values above 6": Changed("return torch.relu(", "return F.relu6("),
    },
)
def residual(answer):
    block, x = ask(answer, 8), 9 * torch.randn(2, 8, 6, 6)  # many values are above 6
    if not isinstance(block, nn.Module):
        yield f"Expected the class Block, which makes a layer from a number of channels; it made {described(block)}."
    block = _copied(block, x)
    silent = copy.deepcopy(block)
    for parameter in silent.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        loud, quiet = ask(block, x), ask(silent, x)
    for given in (loud, quiet):
        if not isinstance(given, Tensor) or given.shape != x.shape:
            yield f"For a tensor of shape {tuple(x.shape)} expected one of the same shape; came {described(given)}."
    passed = torch.relu(x)
    if torch.allclose(loud, passed, atol=1e-5):
        yield "It passes its input on and computes nothing: the two convolutions are gone."
    known = isinstance(getattr(block, "first", None), nn.Module) and hasattr(block, "second")
    if known:
        with torch.no_grad():
            out = block.first(x).relu()
            second, before = block.second(out), block.second(out + x).relu()
        yield from _near_misses(loud, x, out, second, before)
    if not quiet.any():
        if sum(parameter.numel() for parameter in block.parameters()) > 2 * (8 * 8 * 9 + 3 * 8):
            yield "The way around goes through weights of its own. The channels match here, so add x itself."
        yield "With all its weights at zero it answers 0 and not its input: x is not added, or added before a layer with weights, which loses it again."
    kernels = [name for name, parameter in block.named_parameters() if parameter.ndim == 4]
    for name in kernels:  # biases may not matter, where normalisation follows
        other = copy.deepcopy(block)
        nn.init.normal_(other.get_parameter(name))
        with torch.no_grad():
            given = ask(other, x)
        if torch.equal(given, loud):
            yield f"The input comes through, but '{name.split('.')[0]}' is not used any more. Add x to what both convolutions give."
    start = x.clone().requires_grad_()
    try:  # as behind another layer
        silent(1 * start).sum().backward()
    except RuntimeError as error:
        if "inplace" in str(error):
            yield "`+=` changes x itself, and loss.backward() needs it as it was. Write self.second(out) + x."
    gradients = [start.grad, *(silent.get_parameter(name).grad for name in kernels)]
    if any(one is None for one in gradients) or not start.grad.any():
        yield "The gradient has to come back to x and to all weights: leave detach(), .data and no_grad() away."
    mistakes = {
        "It cuts off values above 6: that is relu6. The block ends in ReLU.": passed.clamp(max=6)
    }
    expected = "with all weights at zero, the input after ReLU"
    yield from compare(quiet, passed, mistakes, expected, rtol=1e-4)
    if known and not torch.allclose(loud, (second + x).relu(), atol=1e-4):
        yield "With all weights at zero the input comes through, but with others it is not the ReLU of second plus x."
    return "To do nothing, the two convolutions only have to give 0. And it costs no parameter."


def _near_misses(answer: Tensor, x: Tensor, out: Tensor, second: Tensor, before: Tensor):
    """Sentences for a block that has both parts of the notebook's, which give out and second, but puts them together otherwise."""
    if torch.allclose(answer, second.relu(), atol=1e-5):
        raise Unattempted(
            "The block is still plain: with all its weights at zero it answers 0 and not its input. Mend the last line and run the cell again."
        )
    late, apart, bare = second.relu() + x, second.relu() + x.relu(), second + x
    joined = second + out, second * x, second - x, second + 2 * x
    half, product, turned, twice = (one.relu() for one in joined)
    early = (second.relu() + x).relu()
    for sentence, made in {
        "The input is added after the last ReLU, so what the block adds can never be negative. Add first, then ReLU.": late,
        "Both parts go through a ReLU of their own before they meet, so what the block adds can never be negative. Add first, then one ReLU.": apart,
        "What the block adds goes through a ReLU of its own, so it can never be negative. Add first, then one ReLU.": early,
        "The last ReLU is gone. Add x, then ReLU.": bare,
        "That adds what the first half gave. The way around begins before the block, at the x that came in.": half,
        "That multiplies. A skip connection adds: to do nothing, the block then only has to give 0.": product,
        "The input goes around with its sign turned.": turned,
        "The input is added twice: with all weights at zero the block should answer the input, and answers the double.": twice,
        "x is added before the second part, which loses it again. Add it to what the second part gives.": before,
    }.items():
        if torch.allclose(answer, made, atol=1e-5):
            yield sentence


@EXERCISES.exercise(
    "2.8",
    "The best net of 25 million parameters",
    2,
    hints=(
        "Strike out all rows with more than 25 million parameters. Mind the dots: 25,028,904 is more.",
        "Of what is left, take the highest top-1.",
    ),
    solution='my_architecture = "efficientnet_v2_s"',
    why="Of the nets with at most 25 million parameters it has the highest top-1 accuracy.",
    mistake="resnet50, resnext50 or convnext_tiny, which all have more than 25 million",
    nudge="Which rows are left when you strike out everything above 25,000,000?",
    wrong={
        "60,192,808 parameters, more than": "ResNet-152",
        "25,028,904 parameters": "resnext50",
        "fits, with 77.7 %": "EfficientNet-B0",
        "never measured": "lenet",
        "a name from the table": "resnet",
        "as googlenet": "Inception",
        "as text": 3,
    },
)
def architecture(answer):
    # spellings differ from library to library
    plain = lambda name: re.sub(r"[\W_]", "", name).lower()
    cards = {plain(name): card for card in models.catalog() for name in (card.name, card.title)}
    card = cards.get(plain(answer)) if isinstance(answer, str) else None
    if isinstance(answer, str) and answer.strip().lower() == "inception":
        yield "Inception is the name of its block; the table has the net as googlenet. Look at its top-1 first."
    if card is None:
        yield f'Expected a name from the table, as text: "resnet18"; came {described(answer)}.'
    if card.parameters > PARAMETERS_AT_MOST:
        yield f"{card.title} has {card.parameters:,} parameters, more than {PARAMETERS_AT_MOST:,}."
    if card.top1 is None:
        yield f"{card.title} is small enough, but was never measured on ImageNet."
    fits = [one for one in models.catalog() if one.top1 and one.parameters <= PARAMETERS_AT_MOST]
    if card.top1 < max(one.top1 for one in fits):
        yield f"{card.title} fits, with {card.top1:.1f} %. There is a net within the limit that is better."
    return (
        f"{card.parameters:,} parameters, {card.top1:.1f} %. Now look at the picture: EfficientNet-B0 is {card.top1 - models.card('efficientnet_b0').top1:.1f} "
        "points behind, with a quarter of the parameters and a twentieth of the work. Which limit counts is a question of the hardware."
    )


EXERCISES.question(
    "2.9",
    "A difference within the spread",
    right="B",
    hints=(
        "Compare their difference with how far the five dots of one row lie apart.",
        "What would five other seeds give?",
    ),
    mistake="A: the higher mean is better",
    nudge="How far apart are the five dots of one row, and how far apart are the two means?",
    A="The mean is higher, but its dots and the other's overlap: with five other seeds it may well be the other way round.",
    B="The dots of both overlap, so five seeds cannot tell them apart. Then what they cost decides.",
    C="One seed chosen from five is a lucky draw: the best of five is usually better than the next run will be.",
    D="They differ in parameters, multiply-adds and time; the table in the companion's section 9 shows by how much. A tie in accuracy is not a tie in everything.",
)


@EXERCISES.exercise(
    "2.10",
    "Your own net",
    5,
    hints=(
        "Most parameters sit in the first dense layer: make what reaches it small.",
        "Two convolutions with pooling after each leave 5 x 5; a dense layer of 32 is enough.",
    ),
    solution='my_net = models.stacked("conv3 8, pool, conv3 16, pool, dense 32", classes=10, input_shape=(1, 28, 28))',
    why="Two poolings leave 16 x 5 x 5 = 400 values, so the dense layer has 400 x 32 weights and 32 biases.",
    mistake="Over the budget because of the first dense layer; or only one convolution",
    nudge="Which layer has most of your parameters, and what could make smaller what reaches it?",
    wrong=lambda: {
        "61,706 parameters, more than": models.build("lenet", classes=10, channels=1),
        "0 convolutions": nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        "(3, 10); came a tensor of shape (3, 9)": Changed("classes=10", "classes=9"),
        "softmax is inside": Changed("28))", "28))\nmy_net = nn.Sequential(my_net, nn.Softmax(1))"),
        "Expected a net": nn.Sequential,
        "Is nn.Flatten() there": Changed(
            "28))",
            "28))\nmy_net = nn.Sequential(*[one for one in my_net if type(one) is not nn.Flatten])",
        ),
    },
)
def own_net(answer):
    if not isinstance(answer, nn.Module):
        yield f"Expected a net, as stack.build() gives it; came {described(answer)}."
    x = torch.randn(3, 1, 28, 28)
    net = _copied(answer, x, RAISED_BY_A_NET)
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    with torch.no_grad():
        scores = ask(net, x)
    count = sum(parameter.numel() for parameter in net.parameters())
    if not isinstance(scores, Tensor) or scores.shape != (3, 10):
        yield f"For a batch of 3 pictures expected 10 scores each, a tensor of shape (3, 10); came {described(scores)}."
    if not scores.isfinite().all():
        yield "Some of its scores are no numbers (NaN or infinite)."
    if torch.allclose(scores.sum(1), torch.ones(3), atol=1e-4) and (scores >= 0).all():
        yield "It answers with probabilities: softmax is inside. The loss applies softmax itself, so it would be applied twice."
    if convolutions < 2:
        yield f"It has {convolutions} convolution{'s' * (convolutions != 1)}; the task asks for two or more."
    if count > BUDGET:
        yield f"It has {count:,} parameters, more than {BUDGET:,}. The panel says which layer has most of them."
    return f"{count:,} parameters, {convolutions} convolutions. The next cell trains it and puts it on the scoreboard."


@EXERCISES.exercise(
    "2.11",
    "Branches side by side",
    3,
    hints=(
        "What does torch.cat do with a list of tensors, and along which dimension are the maps?",
        "torch.cat([self.one(x), ...], dim=1): dimension 0 counts pictures, dimension 1 maps.",
    ),
    solution="class MyInception(nn.Module):\n    def __init__(self, c_in, part):\n        super().__init__()\n"
    "        self.one = nn.Conv2d(c_in, part, 1)\n        self.three = nn.Conv2d(c_in, part, 3, padding=1)\n"
    "        self.five = nn.Conv2d(c_in, part, 5, padding=2)\n        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(c_in, part, 1))\n\n"
    "    def forward(self, x):\n        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)",
    why="All branches keep height and width, so their maps can stand side by side.",
    mistake="The branches added, as in ResNet; or put together along the pictures, dim=0",
    nudge="How many maps should come out, if each branch gives 4?",
    wrong={
        "along the pictures": Changed("dim=1", "dim=0"),
        "along height or width": Changed("dim=1", "dim=3"),
        "one after the other": Changed(
            "torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)",
            "self.five(self.three(self.one(x).repeat(1, 2, 1, 1)[:, :6]).repeat(1, 2, 1, 1)[:, :6])",
        ),
        "A branch is missing": Changed("self.five(x), ", ""),
        "Expected the class MyInception": lambda c_in, part: c_in,
        "18 maps come out": Changed("self.pool(x)]", "x]"),
        "came 8, 4, 4 and 0": Changed("self.pool(x)]", "self.one(x)]"),
        "came 4, 8, 4 and 0": Changed("MaxPool2d", "AvgPool2d"),
        "leave the ReLU away": Changed("dim=1)", "dim=1).relu()"),
    },
)
def inception(answer):
    block, x = ask(answer, 6, 4), torch.randn(2, 6, 15, 15)
    if not isinstance(block, nn.Module):
        yield f"Expected the class MyInception, which makes a layer from two numbers; it made {described(block)}."
    given = ask(_copied(block, x), x)
    if not isinstance(given, Tensor) or given.ndim != 4:
        yield f"Expected maps, a tensor of shape (2, 16, 15, 15); came {described(given)}."
    if given.shape[0] != 2:
        yield f"{given.shape[0]} pictures come out, where 2 came in: the maps were put together along the pictures, dimension 0."
    if given.shape[2:] != (15, 15):
        yield "The maps were put together along height or width. Channels are dimension 1: dim=1."
    if given.shape[1] == 4:
        yield "Only 4 maps come out: were the branches added, or put one after the other? They belong side by side."
    if given.shape[1] != 16:
        missing = "A branch is missing: " if given.shape[1] < 16 else ""
        yield f"{missing}{given.shape[1]} maps come out, where four times 4 are expected."
    if (given >= 0).all():
        yield "No value is negative: leave the ReLU away here."
    maps = given.detach().transpose(0, 1).flatten(1).T.double()
    pooled = F.max_pool2d(x, 3, 1, padding=1)
    # what a branch reads for a pixel of its maps; each map is a weighted sum of that, and a bias
    reads = x, F.unfold(x, 3, padding=1), F.unfold(x, 5, padding=2), pooled
    fits = []
    for seen in reads:
        seen = F.pad(seen.flatten(2).transpose(1, 2).flatten(0, 1).double(), (0, 1), value=1.0)
        rest = seen @ torch.linalg.lstsq(seen, maps).solution - maps
        fits.append(int((rest.abs().amax(0) < 1e-4).sum()))
    if fits != [4, 8, 12, 4]:  # a 1x1 is also a 3x3 of which only the middle counts
        one, three, five, pool = fits
        yield f"Expected 4 maps each of a 1x1, a 3x3, a 5x5, and of max pooling with a 1x1 after it; came {one}, {three - one}, {five - three} and {pool}."
    return "Which kernel is best is left to training: the next layer weighs the maps of all four."


@EXERCISES.exercise(
    "2.12",
    "A weight for each map",
    4,
    hints=(
        "Squeeze: x.mean(dim=(2, 3)) is one number a map, of shape (pictures, channels).",
        "self.excite turns it into weights of the same shape. To multiply maps by them they need two more dimensions.",
        "weights[:, :, None, None] has shape (pictures, channels, 1, 1).",
    ),
    solution="class MySqueezeExcite(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n"
    "        layers = [nn.Linear(channels, 4), nn.ReLU(), nn.Linear(4, channels), nn.Sigmoid()]\n"
    "        self.excite = nn.Sequential(*layers)\n\n"
    "    def forward(self, x):\n        weights = self.excite(x.mean(dim=(2, 3)))\n        return x * weights[:, :, None, None]",
    why="The mean of each map, two small layers, and a weight for each map from 0 to 1.",
    mistake="The weights alone are returned; or they are added to the maps",
    nudge="What shape have the weights, and what shape have the maps that they multiply?",
    wrong={
        "the weights alone": Changed("return x * weights[:, :, None, None]", "return weights"),
        "as they came": Changed("return x * weights[:, :, None, None]", "return x"),
        "added": Changed("x * weights", "x + weights"),
        "the largest value": Changed("x.mean(dim=(2, 3))", "x.amax(dim=(2, 3))"),
        "a sum": Changed("x.mean(dim=(2, 3))", "x.sum(dim=(2, 3))"),
        "All pictures get the same": Changed(
            "x.mean(dim=(2, 3))", "x.mean(dim=(0, 2, 3), keepdim=True)[:, :, 0, 0]"
        ),
        "yours is 0.707.": Changed("weights[:, :", "weights.sqrt()[:, :"),
        "yours is 0.": Changed(", nn.Sigmoid()]", "]"),
        "on more than the means": Changed("x.mean(dim=(2, 3))", "x.std(dim=(2, 3))"),
        "one number for all its pixels": Changed(
            "x * weights[:, :, None, None]", "x * x.sigmoid()"
        ),
        "Expected two layers": Changed(
            "nn.Linear(channels, 4), nn.ReLU(), nn.Linear(4, channels)",
            "nn.Linear(channels, channels)",
        ),
        "Expected maps": Changed("return x * weights[:, :, None, None]", "return x.mean()"),
        "give them two more": Changed("weights[:, :, None, None]", "weights"),
        "squeeze first": Changed("x.mean(dim=(2, 3))", "x"),
    },
)
def squeeze_excite(answer):
    block, brighter = ask(answer, 5), torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1)
    x = brighter * (0.1 + torch.rand(2, 5, 6, 6) ** 3) / 4  # its means are not its medians
    if not isinstance(block, nn.Module):
        yield f"Expected the class MySqueezeExcite, which makes a layer from a number of channels; it made {described(block)}."
    block = _copied(block, x, RAISED_BY_WEIGHTS)
    close = lambda one, other: torch.allclose(one, other, rtol=1e-4)
    weigh = lambda maps: ask(block, maps) / maps
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.uniform_(0.1, 0.3)  # no ReLU is dead, so that every mistake shows
        given = ask(block, x)
        if isinstance(given, Tensor) and given.numel() == 10:
            yield "These are the weights alone. Multiply the maps by them."
        if not isinstance(given, Tensor) or given.shape != x.shape:
            yield f"Expected maps, a tensor of shape (2, 5, 6, 6); came {described(given)}."
        weights, added = given / x, given - x
        if close(given, x):
            yield "These are the maps as they came. Multiply them by their weights, and return that."
        if close(added, added[:, :, :1, :1].expand_as(x)):
            yield "The weights are added to the maps. They should multiply them."
        if not close(weights, weights[:, :, :1, :1].expand_as(x)):
            yield "Each map should be multiplied by one number for all its pixels; in yours pixels of one map get different ones."
        if close(weights[0], weights[1]):
            yield "All pictures get the same weights. Each picture has means of its own: dim=(2, 3)."
        if not close(weigh(even := 0 * x + x.mean((2, 3), keepdim=True)), weights):
            if close(weigh(0 * x + x.amax((2, 3), keepdim=True)), weights):
                yield "That squeezes to the largest value of each map. Take the mean."
            yield "The weights depend on more than the means of the maps: maps with equal means get other ones."
        if not close(weigh(even[..., :3, :3]), weights[..., :3, :3]):
            yield "That squeezes to a sum, which depends on the size of the picture. Take the mean."
        if sum(parameter.ndim > 1 for parameter in block.parameters()) != 2:
            yield "Expected two layers that turn the means into weights."
        for parameter in block.parameters():
            parameter.zero_()
        if not close(half := weigh(x), torch.full_like(x, 0.5)):
            yield f"With all numbers of the layers at zero each weight should be sigmoid(0) = 0.5; yours is {half.mean():.3g}."
    return "A few weights more, and the net depends on the picture in one more way."


@EXERCISES.exercise(
    "2.13",
    "MobileNet's block",
    3,
    hints=(
        "nn.Conv2d has an argument groups: into how many groups are the maps split if each is alone?",
        "From wide to wide maps, 3x3, padding=1, groups=wide.",
    ),
    solution="class MyInvertedResidual(nn.Module):\n    def __init__(self, channels, wide):\n        super().__init__()\n"
    "        self.widen = nn.Conv2d(channels, wide, 1)\n        self.across = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)\n"
    "        self.narrow = nn.Conv2d(wide, channels, 1)\n\n"
    "    def forward(self, x):\n        out = F.relu6(self.widen(x))\n        out = F.relu6(self.across(out))\n        return x + self.narrow(out)",
    why="As many groups as maps: each 3x3 kernel reads one map, so it has 9 weights and not 9 for each map.",
    mistake="groups forgotten, so that every kernel reads all maps; or the padding forgotten",
    nudge="How many weights has one kernel of your layer?",
    wrong={
        "reads all": Changed(", groups=wide", ""),
        "reads 3": Changed("groups=wide", "groups=channels"),
        "padding": Changed(", padding=1", ""),
        "Expected kernels of 3x3": Changed("wide, 3, padding=1", "wide, 1"),
        "came 1x1 from 4 to 12, 1x1 from 12 to 4": Changed(
            "nn.Conv2d(wide, wide, 3, padding=1, groups=wide)", "3"
        ),
        "goes from 12 to 24": Changed("(wide, wide", "(wide, 2 * wide"),
        "Expected the class MyInvertedResidual": lambda channels, wide: wide,
        "ReLU6 stops at 6": Changed("F.relu6", "F.relu"),
        "other values": Changed("x + self", "self"),
    },
)
def inverted_residual(answer):
    block, x = ask(answer, 4, 12), 3 * torch.randn(2, 4, 7, 7)
    need_attempt(getattr(block, "across", None))
    if not isinstance(block, nn.Module):
        yield f"Expected the class MyInvertedResidual, which makes a layer from two numbers; it made {described(block)}."
    with suppress(Raised):  # what is wrong with its layers is said first
        block = _copied(block, x)
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    kind = "{0.kernel_size[0]}x{0.kernel_size[1]} from {0.in_channels} to {0.out_channels}".format
    kinds = {kind(layer): layer for layer in layers}
    widen, narrow = kinds.pop("1x1 from 4 to 12", None), kinds.pop("1x1 from 12 to 4", None)
    if not widen or not narrow or len(layers) != 3 or len(kinds) != 1:
        yield f"Expected a 1x1 that widens, one nn.Conv2d in the middle, and a 1x1 that narrows; came {', '.join(map(kind, layers)) or 'none'}."
    (across,) = kinds.values()
    if across.kernel_size != (3, 3):
        yield f"Expected kernels of 3x3 in the middle; these are {'x'.join(map(str, across.kernel_size))}."
    if across.in_channels != 12 or across.out_channels != 12:
        yield f"Expected as many maps out as in, wide; the layer in the middle goes from {across.in_channels} to {across.out_channels} where wide is 12."
    reads = across.in_channels // across.groups
    if reads > 1:
        yield f"Each kernel reads {'all' if reads == 12 else reads} of the 12 maps. It should read one: as many groups as maps."
    for layer in layers:
        nn.init.normal_(layer.weight)  # so large that both ReLU6 have something to stop
    maps, alone = helped(RAISED_BY_A_SUM, block, x), {"padding": 1, "groups": 12}
    with torch.no_grad():
        right, other = (
            x + narrow(stop(F.conv2d(stop(widen(x)), across.weight, across.bias, **alone)))
            for stop in (F.relu6, F.relu)
        )
    mistakes = {"ReLU6 stops at 6, and ReLU does not: F.relu6.": other}
    expected, near = "x plus what the three layers give", {"rtol": 1e-4, "atol": 1e-3}
    yield from compare(maps, right, mistakes, expected, **near)
    return f"{across.weight.numel()} weights, where a full 3x3 would have {12 * 12 * 9:,}. EfficientNet's block is this one with a squeeze and excitation in it."


EXERCISES.question(
    "2.14",
    "Maps of deeper layers",
    right="D",
    hints=(
        "Compare layers 1 and 4 in the panel: their number, and their size.",
        "What did pooling do in between?",
    ),
    mistake="C: brighter. But each map is scaled by itself. Or B, fewer",
    nudge="How many maps of which size has layer 1, and how many layer 6?",
    A="Look at the sizes in the list: 28 x 28, then 14 x 14, 10 x 10 and 5 x 5. They shrink.",
    B="There are more of them: 6, then 16. Each is another question to the picture.",
    C="White is only the highest value of that map. Each map is scaled by itself, so brightness cannot be compared between maps.",
    D="Deeper means smaller, coarser and more: they say that something is there and roughly where, no longer how it looks.",
)
