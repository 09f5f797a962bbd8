"""The exercises of chapter 3: transfer learning."""

import copy

import torch
from torch import nn

from workshop_utils import transfer
from workshop_utils.exercises.judging import Wrong, as_array, ask, described, judge, same
from workshop_utils.exercises.kit import exercise, question
from workshop_utils.models.preprocessing import preprocessing


@exercise("3.1", "From pictures to probabilities", hints=(
    "Three things before the net answers well: its mode, its preprocessing, and softmax afterwards.", "net.eval() switches dropout off; net.preprocess(pictures) scales the pixels.", "softmax(1) makes each row, each picture, add up to 1."),
    solution="def probabilities(net, pictures):\n    net.eval()\n    with torch.inference_mode():\n        return net(net.preprocess(pictures)).softmax(1)",
    why="Evaluation mode, the net's own preprocessing, and softmax once, over the classes.")
def probabilities(answer) -> str:
    net, pictures = _fresh_net(classes=3), torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    given, again = (ask(answer, net.train(), pictures) for _ in range(2))
    quiet = copy.deepcopy(net).eval()
    with torch.inference_mode():
        scores, raw = quiet(quiet.preprocess(pictures)), quiet(pictures.float())
    first, second = as_array(given), as_array(again)
    if first is not None and second is not None and first.shape == second.shape and not same(first, second):
        raise Wrong("The same pictures gave two different answers: the net was in training mode, where dropout switches off other values each time. net.eval() is missing.")
    judge(given, scores.softmax(1), {
        "These are the scores before softmax.": scores,
        "Softmax was applied twice: the probabilities have become nearly equal.": scores.softmax(1).softmax(1),
        "Softmax went over the wrong dimension: each column adds up to 1, each picture should. Dimension 1 has the classes.": scores.softmax(0),
        "These are logarithms of probabilities.": scores.log_softmax(1),
        "The pictures did not go through net.preprocess: the net got pixels from 0 to 255.": raw.softmax(1),
        "That is the most probable class of each picture. All probabilities were asked.": scores.argmax(1),
        "That is the mean over the pictures. Each picture has probabilities of its own.": scores.softmax(1).mean(0),
    }, "probabilities of shape (pictures, classes)")
    return "In this order nothing can be forgotten silently; evaluation.predict does the same for a whole set."


@exercise("3.2", "How many parameters learn", given=("net",), hints=("Set the panel to two stages, batch normalisation off, and read the sentence.", "It is the first number."),
          solution='chosen = transfer.freeze(copy.deepcopy(net))\ntransfer.unfreeze(chosen, "2")\nmy_learning = sum(p.numel() for p in chosen.parameters() if p.requires_grad)',
          why="The head and the last block; unfreeze leaves the weights of batch normalisation frozen unless asked.")
def learning_parameters(answer, net: nn.Module) -> str:
    def learning(*parts: str, **more) -> int:
        chosen = transfer.freeze(copy.deepcopy(net))
        if parts:
            transfer.unfreeze(chosen, *parts, **more)
        return sum(p.numel() for p in chosen.parameters() if p.requires_grad)

    right, total = learning("2"), sum(p.numel() for p in net.parameters())
    judge(answer, right, {
        "That is the head alone, one stage.": learning(),
        "With batch normalisation learning too. The task keeps it frozen.": learning("2", batchnorm=True),
        "That is the whole net.": total,
        "These are three stages.": learning("1", "2"),
        "That is what stays frozen.": total - right,
        "That is the last block without the head.": right - learning(),
    }, "the number of parameters that learn", tolerance=1e-9)
    return f"{right:,} of {total:,}: {right / total:.0%} of the net sit in its last block and head. In most nets the upper layers have most parameters."


@exercise("3.3", "A step that moves the head alone", hints=(
    "transfer.freeze(net) leaves only the head to learn.", "Frozen weights are not enough: in training mode batch normalisation moves its statistics. net.eval() stops that.", "An optimizer over the parameters that learn, loss, backward, step; then return the net."),
    solution="def head_step(net, images, labels):\n    transfer.freeze(net).eval()\n    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)\n"
             "    F.cross_entropy(net(images), labels).backward()\n    optimizer.step()\n    return net",
    why="Frozen weights keep the optimizer away, evaluation mode keeps batch normalisation's statistics.")
def head_step(answer) -> str:
    net, images, labels = _fresh_net(classes=3).train(), torch.randn(8, 3, 16, 16), torch.arange(8) % 3
    before, head = copy.deepcopy(net.state_dict()), {"6.weight", "6.bias"}
    given = ask(answer, net, images, labels)
    if not isinstance(given, nn.Module) or given.state_dict().keys() != before.keys():
        raise Wrong(f"Expected the same net back, after one step; came {described(given)}.")
    moved = set(transfer.changed(before, given.state_dict()))
    if not moved:
        raise Wrong("Nothing moved. Was backward() called, and the optimizer's step()?")
    statistics = {name for name in moved if "running_" in name or "num_batches" in name}
    if statistics and moved & head and not moved - head - statistics:
        raise Wrong(f"The weights are as they should be, but batch normalisation moved: {', '.join(sorted(statistics))}. In training mode it keeps counting; net.eval() stops that.")
    if not moved & head:
        raise Wrong(f"The head did not move, {len(moved)} other tensors did. It was frozen with the rest or instead of it, or there was no step().")
    if moved - head:
        raise Wrong(f"Besides the head {len(moved - head)} tensors moved, '{sorted(moved - head)[0]}' for one. Freeze the body first.")
    if not all(value.isfinite().all() for value in given.state_dict().values()):
        raise Wrong("The head's weights are no longer finite: the step was far too long.")
    return "Frozen means that transfer.changed finds nothing else. training.fit keeps frozen batch normalisation still in the same way."


GRAD_CAM = question("3.4", "What Grad-CAM shows", right="B", hints=("Let the panel look for a class that is not in the picture.", "The map is made from the score of one class."),
    A="The net has no outlines: it was trained with one word for a whole picture. The map is coarse (7 x 7 places) and may light up only a part.",
    B="It shows the places from which the score of this class comes, right or wrong, and says nothing about why. A bird found by its sky has a bright sky.",
    C="A map is made for any class, also for one that is not there. The probability says how sure the net is, not the map.",
    D="It does not say what would happen: to learn that, cover the place and ask again.")


NEITHER = question("3.5", "A picture of neither class", right="D", hints=("Give the panel a picture of something else.", "The probabilities always add up to 1."),
    A="There is no such answer: softmax divides 100 % among the classes that it has.",
    B="Half and half would be honest, but nothing makes it so: a small likeness is enough for a high probability.",
    C="The features are those of 1,000 classes, but the new head knows only yours.",
    D="It must name one of your classes, and often with a high probability. Give it a class 'something else', or distrust low probabilities.")


def _fresh_net(classes: int) -> nn.Module:
    """A small net with everything that can be forgotten: batch normalisation, dropout, a preprocessing. Layer 6 is the head."""
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(32, classes))
    nn.init.normal_(net[6].weight)  # answers that differ enough to tell mistakes apart
    net.preprocess = preprocessing(resize=16, crop=16, mean=[0.5] * 3, std=[0.25] * 3).forward  # the module itself would become a layer of the net
    return net


EXERCISES = (probabilities, learning_parameters, head_step, GRAD_CAM, NEITHER)
