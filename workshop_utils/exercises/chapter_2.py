"""The exercises of chapter 2: CNN architectures."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from workshop_utils import models
from workshop_utils.exercises.judging import Wrong, as_array, ask, described, judge
from workshop_utils.exercises.kit import exercise, question

PARAMETERS_AT_MOST = 20_000


@exercise("2.1", "Max pooling", hints=(
    "reshape cuts height and width into pairs: (H / 2, 2, W / 2, 2).", "Then the largest value over the two dimensions of length 2: amax(dim=(1, 3))."),
    solution="def max_pool(picture):\n    height, width = picture.shape\n    return picture.reshape(height // 2, 2, width // 2, 2).amax(dim=(1, 3))",
    why="After reshape, dimensions 1 and 3 count within a 2 x 2 square; the largest of each square stays.")
def max_pool(answer) -> str:
    picture = torch.randn(6, 8)
    squares = picture.reshape(3, 2, 4, 2)
    judge(ask(answer, picture), squares.amax(dim=(1, 3)), {
        "That is the mean of each square. Max pooling keeps the largest value.": squares.mean(dim=(1, 3)),
        "That is the smallest value of each square.": squares.amin(dim=(1, 3)),
        "The maximum went over the wrong dimensions: 0 and 2 count the squares, 1 and 3 the values within one.": squares.amax(dim=(0, 2)),
        "Rows and columns are swapped.": squares.amax(dim=(1, 3)).T,
        "That takes one value of each square without comparing.": picture[::2, ::2],
        "Only the height was halved. Each square is two rows and two columns.": picture.reshape(3, 2, 8).amax(1),
        "Only the width was halved. Each square is two rows and two columns.": picture.reshape(6, 4, 2).amax(2),
        "The squares overlap: the window has to move by two pixels, not by one.": F.max_pool2d(picture[None], 2, stride=1)[0],
        "That is the largest value of the whole picture.": picture.max(),
    }, "the maximum of every 2 x 2 square")
    return "No parameter in sight: pooling learns nothing, it only forgets where exactly something was."


@exercise("2.2", "A kernel for left-to-right edges", hints=(
    "An even area must answer 0: the nine numbers add up to 0.", "A change from top to bottom must answer 0, so each row of the kernel must add up to 0: there a row sees one value three times.", "Dark (small) on the left, light on the right: negative on the left."),
    solution="my_kernel = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])", why="Right minus left, three times: 0 on even areas and from top to bottom, positive where it gets lighter to the right.")
def edge_kernel(answer) -> str:
    values = as_array(answer)
    if values is None or values.shape != (3, 3):
        raise Wrong(f"Expected a tensor of shape (3, 3); came {described(answer)}.")
    kernel = torch.tensor(values, dtype=torch.float32)
    if not kernel.isfinite().all():
        raise Wrong("Each of the nine numbers must be finite.")
    slope = 1 + (0.5 + float(torch.rand(()))) * torch.arange(5.0)

    def answers(picture: torch.Tensor) -> torch.Tensor:
        return F.conv2d(picture[None, None], kernel[None, None])[0, 0]

    flat, across, down = (float(answers(picture).mean()) for picture in (torch.ones(5, 5), slope.expand(5, 5), slope[:, None].expand(5, 5)))
    small = 1e-4 * float(kernel.abs().sum())
    if not kernel.any():
        raise Wrong("A kernel of zeros answers 0 everywhere, also at edges.")
    if abs(flat) > small:
        raise Wrong(f"On an even area of ones it answers {flat:.3g}, where it should answer 0: the nine numbers add up to {float(kernel.sum()):.3g}.")
    if abs(across) <= small < abs(down):
        raise Wrong("It answers to edges from top to bottom and not from left to right: it is turned by a quarter.")
    if abs(down) > small:
        raise Wrong(f"It answers to a change from left to right ({across:.3g}), but also from top to bottom ({down:.3g}); that should be 0.")
    if (kernel.sum(1).abs() > small).any():
        raise Wrong("It answers 0 on an even slope from top to bottom, but not at an edge: each row of the kernel must add up to 0.")
    if across < -small:
        raise Wrong("It answers where the picture gets darker to the right. The sign is the other way round.")
    if across <= small:
        raise Wrong("It answers 0 where the picture gets lighter from left to right.")
    return "Nobody writes kernels by hand today: training finds them. But the first layers of trained nets are full of edge kernels like yours."


@exercise("2.3", "The parameters of a convolution", hints=("How many numbers has one kernel of 5 x 5 that reaches through 6 channels?", "Add one bias for each kernel, then multiply by 16."),
          solution="my_count = 16 * (5 * 5 * 6 + 1)", why="A kernel reaches through all channels of its input, and each has one bias.")
def parameters_of_a_convolution(answer) -> str:
    layer = models.build("lenet", classes=10, channels=1).get_submodule("4")
    right, kernels, channels, weights = sum(p.numel() for p in layer.parameters()), layer.out_channels, layer.in_channels, layer.kernel_size[0] ** 2
    judge(answer, right, {
        f"Each kernel also has one bias: {kernels} more.": right - kernels,
        f"Each kernel reaches through all {channels} channels, so it has {weights} numbers for each of them.": kernels * (weights + 1),
        "Each kernel reaches through all channels, and it has a bias.": kernels * weights,
        "That is one kernel; there are 16 of them.": weights * channels + 1,
        "One bias a kernel, not one for each channel that it reads.": kernels * channels * (weights + 1),
    }, "the number of weights and biases", tolerance=1e-9)
    return "The size of the picture does not matter for it: the same kernels slide over all of it. That is why convolutions are cheap in parameters."


DEEPER_MAPS = question("2.4", "Maps of deeper layers", right="D", hints=("Compare layers 1 and 4 in the panel: their number, and their size.", "What did pooling do in between?"),
    A="Look at the sizes in the list: 28 x 28, then 14 x 14, 10 x 10 and 5 x 5. They shrink.",
    B="There are more of them: 6, then 16. Each is another question to the picture.",
    C="White is only the highest value of that map. Each map is scaled by itself, so brightness cannot be compared between maps.",
    D="Deeper means smaller, coarser and more: they say that something is there and roughly where, no longer how it looks.")

SHIFTED = question("2.5", "A shifted digit", right="A", hints=("Shift it four pixels to the left. Where do MNIST's digits stand?", "What follows after the last pooling?"),
    A="All of MNIST's digits stand in the middle. The dense layers have one weight for each place and never saw a digit elsewhere.",
    B="That is so for the convolutions: their maps shift along. But the dense layers behind them have one weight for each place.",
    C="Look at what the net sees: at four pixels nearly every digit is still whole.",
    D="Pooling forgives a pixel or two, not more. It halves the picture; it does not forget where things are.")


@exercise("2.6", "Your own net", hints=("Most parameters sit in the first dense layer: make what reaches it small.", "Two convolutions with pooling after each leave 5 x 5; a dense layer of 32 is enough."),
          solution='my_net = models.stacked("conv3 8, pool, conv3 16, pool, dense 32", classes=10, input_shape=(1, 28, 28))',
          why="Two poolings leave 16 x 5 x 5 = 400 values, so the dense layer has 400 x 32 weights and 32 biases.")
def own_net(answer) -> str:
    if not isinstance(answer, nn.Module):
        raise Wrong(f"Expected a net, as stack.build() gives it; came {described(answer)}.")
    net = copy.deepcopy(answer).cpu().eval()
    count = sum(parameter.numel() for parameter in net.parameters())
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    with torch.no_grad():
        scores = ask(net, torch.randn(3, 1, 28, 28))
    if not isinstance(scores, torch.Tensor) or scores.shape != (3, 10):
        raise Wrong(f"For a batch of 3 pictures expected 10 scores each, a tensor of shape (3, 10); came {described(scores)}.")
    if torch.allclose(scores.sum(1), torch.ones(3), atol=1e-4) and (scores >= 0).all():
        raise Wrong("It answers with probabilities: softmax is inside. The loss applies softmax itself, so it would be applied twice.")
    if convolutions < 2:
        raise Wrong(f"It has {convolutions} convolutions; the task asks for two or more.")
    if count > PARAMETERS_AT_MOST:
        raise Wrong(f"It has {count:,} parameters, more than {PARAMETERS_AT_MOST:,}. The panel says which layer has most of them.")
    return f"{count:,} parameters, {convolutions} convolutions. It runs in the race below, as 'yours'."


FORGOTTEN_EVAL = question("2.7", "model.eval() forgotten", right="C", hints=("What does dropout do in training mode?", "Is what it does the same each time?"),
    A="Nothing raises an error: both modes accept the same pictures. That is why it is forgotten so often.",
    B="eval() does not stop learning; without an optimizer's step no weight moves either way.",
    C="A random half of the values is switched off, so the score is lower and differs from run to run.",
    D="Gradients cost memory and time, but change no answer. torch.no_grad() is another switch than eval().")

EXERCISES = (max_pool, edge_kernel, parameters_of_a_convolution, DEEPER_MAPS, SHIFTED, own_net, FORGOTTEN_EVAL)
