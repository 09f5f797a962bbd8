"""python -m docs.picture: draws course.gif, the picture of the README: a digit is drawn and read, then a net shows where it looks."""

from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from scipy.interpolate import make_interp_spline
from torchvision.transforms.v2.functional import center_crop, resize

from workshop_utils import data, explain, models, paths
from workshop_utils.widgets.digit_pad import PEN, SIDE, as_mnist

FRAMES = 12
THREE = [(85, 75), (130, 52), (182, 66), (188, 108), (140, 132), (186, 152), (196, 200), (150, 232), (84, 212)]  # fmt: skip
BLUE, PALE = "#1f5fa8", "#b8c6d6"


def strokes(part: float) -> Image.Image:
    """The first part of a 3, as a pen draws it."""
    picture, smooth = Image.new("L", (SIDE, SIDE)), make_interp_spline(range(len(THREE)), THREE)
    draw = ImageDraw.Draw(picture)
    for x, y in smooth(np.linspace(0, part * (len(THREE) - 1), 400)):
        draw.ellipse((x - PEN / 2, y - PEN / 2, x + PEN / 2, y + PEN / 2), fill=255)
    return picture


def drawn(figure: Figure) -> Image.Image:
    figure.savefig(raw := BytesIO(), format="png", dpi=100)
    return Image.open(raw).convert("RGB").quantize(64)


def frame(title: str):
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    figure.suptitle(title, fontsize=13)
    return figure, figure.subplots(1, 2, width_ratios=(1, 1.3))


def digit(net, digits, part: float) -> Image.Image:
    picture = strokes(part)
    small = as_mnist(torch.from_numpy(np.array(picture)))
    with torch.inference_mode():
        sure = net((small[None].float() / 255 - digits.mean) / digits.std).softmax(1)[0]
    figure, (left, right) = frame("Draw a digit for the net that you just trained")
    left.imshow(picture, cmap="gray_r")
    left.set_axis_off()
    best = int(sure.argmax())
    right.bar(range(10), sure, color=[BLUE if i == best else PALE for i in range(10)])
    right.set(
        xticks=range(10), yticks=[0, 0.5, 1], yticklabels=["0 %", "50 %", "100 %"], ylim=(0, 1)
    )
    right.set_title(f"it says {best}, {sure[best]:.0%}", fontsize=12)
    right.spines[["top", "right"]].set_visible(False)
    return drawn(figure)


def look(net, photo, said: str, heat: np.ndarray | None) -> Image.Image:
    figure, (left, right) = frame("Ask a net where it looks")
    for axes in (left, right):
        axes.imshow(photo.permute(1, 2, 0))
        axes.set_axis_off()
    left.set_title(said, fontsize=12)
    if heat is not None:
        right.imshow(heat, cmap="inferno", alpha=0.55)
    right.set_title(
        "the score of this class comes from here" if heat is not None else "", fontsize=12
    )
    return drawn(figure)


if __name__ == "__main__":
    matplotlib.use("agg")
    digits, net = data.load("mnist"), models.ready("lenet-mnist").eval()
    frames = [digit(net, digits, part) for part in np.linspace(0.05, 1, FRAMES)]
    photos, names = data.load("photos"), data.imagenet.class_names()
    borrowed = models.build("efficientnet_lite0", classes=1000, pretrained=True).eval()
    picture = photos.images[photos.classes.index("cocker spaniel")]
    ready = borrowed.preprocess(picture)
    with torch.inference_mode():
        sure = borrowed(ready[None]).softmax(1)[0]
    best = int(sure.argmax())
    cut = borrowed.preprocess
    heat = resize(explain.grad_cam(borrowed, ready, best)[None], [cut.crop, cut.crop])[0]
    middle = center_crop(resize(picture, [cut.resize]), [cut.crop])  # what the net reads
    said = f"{names[best]}, {sure[best]:.0%}"
    frames += [look(borrowed, middle, said, None), look(borrowed, middle, said, heat.numpy())]
    times = [250] * (FRAMES - 1) + [2500, 1200, 3500]
    path = Path(__file__).with_name("course.gif")
    frames[0].save(
        raw := BytesIO(), "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0
    )
    paths.write(path, raw.getvalue())
    print(f"{path.name}: {len(raw.getvalue()) / 1e6:.2f} MB, {sum(times) / 1000:.1f} s; {said}")
