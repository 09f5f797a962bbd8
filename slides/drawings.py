"""What a slide says about data and training, as drawings: the day, the piles, the two ways to use a net, and where it looks."""

import torch
from torchvision.transforms.v2.functional import pad, resize

from slides.canvas import LIGHT, LINE, Canvas, grid, square
from slides.sets import backbone, photo, photographed
from workshop_utils import data, explain, models, transfer
from workshop_utils.diagrams import INK
from workshop_utils.figure import COLOURS, Figure


def plan(part: str) -> Figure:
    """A small picture for one of the three parts."""
    canvas = Canvas(f"Part {part}", 340, 200)
    if part == "1":
        clothes = data.load("fashion-mnist", "test").per_class(1).images
        canvas.wall([square(one, 28, "nearest") for one in clothes], 5, 0, 30, 68)
        canvas.description = "Ten pieces of clothing in grey."
    elif part == "2":
        for place, high in enumerate((190, 160, 120, 120, 80, 80, 60, 60)):
            colour = COLOURS[0] if place < 6 else COLOURS[2]
            canvas.bar(10 + 41 * place, 100 - high / 2, 28, high, colour)
        canvas.description = "A net as a row of slabs."
    else:
        canvas.wall(photographed()[1:16], 5, 0, 0, 68)
        canvas.description = "Fifteen photographs of the course."
    return canvas


def three_piles() -> Figure:
    canvas = Canvas("Three piles of pictures", 1160, 360)
    piles = (
        ("learn from", 0.62, COLOURS[0], "white", "the net changes"),
        ("validate on", 0.17, COLOURS[4], "black", "you choose"),
        ("test on", 0.21, "#005A41", "white", "once, to judge"),
    )
    x = 0.0
    for name, share, colour, ink, use in piles:
        width = 1160 * share
        canvas.bar(x, 20, width - 8, 230, colour)
        canvas.write(x + width / 2, 135, name.replace(" ", "\n"), 40, color=ink, fontweight="bold")
        canvas.write(x + width / 2, 300, use, 30)
        x += width
    canvas.description = "A bar in three parts: a large one to learn from, on which the net changes; a small one to validate on, by which you choose; one to test on, once, to judge."
    return canvas


def two_ways(*only: str) -> Figure:
    """Feature extraction above fine-tuning, or "features" or "finetuning" alone: which parts of the net learn."""
    known = {
        "features": ("feature extraction", (False, False)),
        "finetuning": ("fine-tuning", (False, True)),
    }
    rows = dict(known[name] for name in only or known)
    canvas = Canvas("Two ways to use a pretrained net", 1160, 225 * len(rows) - 10)
    said = []
    for place, (way, learns) in enumerate(rows.items()):
        y = 46 + 225 * place
        canvas.write(0, y - 22, way, 32, ha="left", fontweight="bold")
        canvas.box(0, y + 10, 140, 140, facecolor="white", edgecolor=LINE)
        canvas.write(70, y + 80, "picture")
        parts = (("lower stages", learns[0]), ("upper stages", learns[1]), ("new head", True))
        for x, width, (name, learning) in zip((190, 500, 810), (260, 260, 200), parts):
            colour = "#B34A00" if learning else COLOURS[0]
            canvas.arrow((x - 46, y + 80), (x - 4, y + 80))
            canvas.bar(x, y + 10, width, 140, colour, hatch="//" if learning else None)
            verb = "learn" if name.endswith("stages") else "learns"
            words = f"{name}\n{verb if learning else 'frozen'}"
            behind = {"facecolor": colour, "edgecolor": "none", "pad": 6}
            canvas.write(
                x + width / 2, y + 80, words, 30, color="white", fontweight="bold", bbox=behind
            )
            still = "stay as they are" if name.endswith("stages") else "stays as it is"
            said.append(f"{way}: {name} {verb if learning else still}")
        canvas.arrow((1012, y + 80), (1054, y + 80))
        canvas.write(1062, y + 80, "answer", 26, ha="left")
    canvas.description = f"From a picture through lower stages, upper stages and a new head to the answer. {'; '.join(said)}."
    return canvas


def preprocessing() -> Figure:
    """The chapter's three ways to prepare the same photograph."""
    net, picture = backbone(), photo("cocker spaniel")
    ways = {
        "right": net.preprocess,
        "mean, std of torchvision": models.preprocessing(
            resize=256, crop=224, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
        ),
        "0 to 255, not scaled": lambda images: 127.5 * (net.preprocess(images) + 1),
    }
    shown = [way(picture) for way in ways.values()]
    titles = [f"{name}\n{one.min():.1f} to {one.max():.1f}" for name, one in zip(ways, shown)]
    title = "What the net gets, lowest value dark, highest light"
    return grid(title, shown, titles, 3, 265, gap=120, size=28)


def four_rules() -> Figure:
    """The parts of a net as blocks, below each how it should learn; the four rules stand at their places."""
    canvas = Canvas("Four rules of fine-tuning", 1160, 396)
    parts = (("lower stages", 0, 0), ("middle stages", 300, 26), ("upper stages", 600, 62))
    for name, x, step in (*parts, ("new head", 900, 120)):
        canvas.bar(x, 70, 250, 92, "#B34A00" if name == "new head" else COLOURS[0])
        canvas.write(x + 125, 116, name, 30, color="white", fontweight="bold")
        if x:
            canvas.arrow((x - 46, 116), (x - 4, 116))
        canvas.bar(x + 85, 310 - step, 80, step, COLOURS[4])
    for x, y, words in (
        (900, 28, "1  head first"),
        (375, 28, "2  only the upper parts"),
        (0, 215, "3  smaller steps further down"),
        (0, 368, "4  compare with the frozen net, on pictures that neither learned from"),
    ):
        canvas.write(x, y, words, 30, ha="left", fontweight="bold")
    canvas.arrow((880, 28), (800, 28))
    canvas.line([0, 1150], [312, 312], LINE)
    canvas.description = "Four parts of a net in a row: lower, middle and upper stages, new head. Rule 1, head first, stands above the head; 2, only the upper parts; 3, smaller steps further down: bars that shrink from the head to the lower stages. 4, compare with the frozen net, on new pictures."
    return canvas


def heat(label: str) -> Figure:
    """Grad-CAM over a photograph, for the class that the net says."""
    net, names = backbone(), data.imagenet.class_names()
    ready = net.preprocess(photo(label))
    with torch.inference_mode():
        target = int(net(ready[None]).argmax())
    heated = explain.grad_cam(net, ready, target)
    titles = (label, f"why '{names[target]}'")
    canvas = grid(f"Grad-CAM of '{names[target]}'", [ready, ready], titles, 2, 400, gap=60, size=30)
    look = {"cmap": "inferno", "alpha": 0.55, "extent": (460, 860, 400, 0), "zorder": 2}
    canvas.page.imshow(heated, aspect="auto", **look)
    row, column = divmod(int(heated.argmax()), heated.shape[1])
    across = ("left", "middle", "right")[3 * column // heated.shape[1]]
    down = ("top", "middle", "bottom")[3 * row // heated.shape[0]]
    canvas.description = (
        f"Left a photograph of {label}. Right the same with a map of where the score of '{names[target]}' comes from: most at the {down} {across}; "
        f"{(heated > 0.5).float().mean():.0%} of the picture count at least half as much."
    )
    return canvas


def page_on_phone() -> Figure:
    """A phone that shows a photograph with two bars."""
    canvas = Canvas("A classifier on a phone", 420, 440)
    canvas.box(90, 0, 240, 440, facecolor="#14213D", edgecolor="none")
    canvas.bar(104, 30, 212, 380, "white")
    canvas.show(photo("espresso"), 114, 40, 192, 192)
    for place, (name, share) in enumerate((("mug", 0.93), ("not mug", 0.07))):
        y = 262 + 70 * place
        canvas.write(116, y, name, 24, ha="left")
        canvas.bar(116, y + 18, 188, 20, LIGHT)
        canvas.bar(116, y + 18, 188 * share, 20, COLOURS[2])
    canvas.description = "A phone with a photograph of a cup and two bars, drawn: mug, not mug."
    return canvas


def shortcut() -> Figure:
    """The pictures of chapter 3's shortcut, as its cell makes them: mammals on a meadow, vehicles before snow."""
    part, alp = data.load("photographs"), photo("alp")
    few = part.per_class(5).subset([*range(20, 25), *range(35, 40)])
    masks = data.masks(few)[:, None] / 255
    things, masks = (pad(resize(one, [156, 156]), [34]) for one in (few.images, masks))
    meadow, snow = (resize(one, [224, 224]) for one in (alp[:, 160:, :200], alp[:, 60:200, 100:]))
    grounds = torch.stack(5 * [meadow] + 5 * [snow])
    scenes = (masks * things + (1 - masks) * grounds).byte()
    titles = ["mammal"] * 5 + ["vehicle"] * 5
    return grid("All ten pictures to learn from", [*scenes], titles, 5, 180, gap=26)


WORDS = {  # class of the photographs -> nouns of WordNet above ImageNet's classes
    "bird": "bird",
    "fish or shellfish": ["fish", "crustacean", "mollusk"],
    "flower": "flower",
    "fruit": "edible fruit",
    "mammal": "mammal",
    "tool": "tool",
    "vegetable": "vegetable",
    "vehicle": "vehicle",
}


def zero_shot() -> Figure:
    """Eight photographs with what the names alone say of them, and how many of all are right."""
    shown = data.load("photographs", "test")
    found = transfer.zero_shot(backbone(), shown, WORDS)
    right = found.predicted == found.labels
    firsts = [int((found.labels == label).nonzero()[0][0]) for label in range(len(WORDS))]
    labels = [shown.classes[found.predicted[place]] for place in firsts]
    pictures = [shown[place][0] for place in firsts]
    canvas = Canvas("Only from the names", 1160, 400)
    for place, (picture, label) in enumerate(zip(pictures, labels)):
        x, y = place % 4 * 170, place // 4 * 205
        canvas.show(picture, x + 5, y, 155, 155)
        wrong = not right[firsts[place]]
        words = label.replace(" or ", "/") + " \u2717" * wrong
        canvas.write(x + 82, y + 178, words, 24, color="#B34A00" if wrong else INK)
    canvas.write(930, 110, f"{100 * right.mean():.0f} %", 120, color="#B34A00", fontweight="bold")
    canvas.write(
        930, 250, f"of {len(right)} photographs right,\nwithout a single one\nto learn from", 28
    )
    said = ", ".join(labels)
    canvas.description = f"One photograph of each of eight classes, read as {said}. {100 * right.mean():.0f} % of {len(right)} photographs are right."
    return canvas
