"""Your own image classifier: in goes FOLDER/CLASS/PICTURE (no train, no test), out come a net and a report.

python at_work.py train FOLDER                 features of a pretrained net, and logistic regression
python at_work.py train FOLDER --epochs 5      then the whole net is fine-tuned
python at_work.py predict FOLDER               every picture below it, into predictions.csv
"""

import argparse
import csv
import re
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, classification_report, confusion_matrix
from sklearn.model_selection import StratifiedGroupKFold
from torch.utils.data import DataLoader, Subset
from torchvision.datasets.folder import IMG_EXTENSIONS, ImageFolder
from torchvision.transforms import v2
from tqdm import tqdm


def upright(file):
    """A picture as people see it: turned as its camera says, and on white where it is transparent."""
    try:
        with Image.open(file) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, SyntaxError) as error:
        raise RuntimeError(f"Remove '{file}', it cannot be read: {error}") from None
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def transforms(config, augment=False):
    """From a picture to what the net was pretrained on; augment: another cut-out each time."""
    side, way = config["input_size"][-1], v2.InterpolationMode(config["interpolation"])
    cut = [v2.Resize(int(side / config["crop_pct"]), way), v2.CenterCrop(side)]
    if augment:
        cut = [v2.RandomResizedCrop(side, (0.5, 1), interpolation=way), v2.RandomHorizontalFlip()]
    numbers = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return v2.Compose([*cut, *numbers, v2.Normalize(config["mean"], config["std"])])


def outputs(net, dataset, options):
    """What the net says of every picture: (N, features), or (N, classes) once it has a head."""
    loader = DataLoader(dataset, batch_size=4, num_workers=options.workers)
    net.to(options.device, memory_format=torch.channels_last).eval()  # sooner on a processor
    with torch.inference_mode():
        return torch.cat([net(images.to(options.device)).cpu() for images, _ in tqdm(loader)])


def fit_head(net, features, labels, options):
    """Logistic regression on the features becomes the net's last layer."""
    head = LogisticRegression(C=0.1, max_iter=500, class_weight=options.balanced)
    head.fit(features, labels)
    weight, bias = torch.tensor(head.coef_), torch.tensor(head.intercept_)
    if len(weight) == 1:  # of two classes scikit-learn keeps one row
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    net.reset_classifier(len(weight))
    net.get_classifier().load_state_dict({"weight": weight, "bias": bias})


def fine_tune(net, dataset, class_weights, options):
    """Trains the whole net; its body with a tenth of the head's learning rate."""
    loader = DataLoader(dataset, 32, shuffle=True, num_workers=options.workers)
    head = list(net.to(options.device).get_classifier().parameters())
    body = [value for value in net.parameters() if not any(value is one for one in head)]
    optimizer = torch.optim.AdamW([{"params": head}, {"params": body}])
    steps = options.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [1e-3, 1e-4], steps)
    for epoch in range(options.epochs):
        net.train()
        for layer in net.modules():  # a few pictures' mean and spread are worse than ImageNet's
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eval()
        for images, labels in tqdm(loader, f"epoch {epoch + 1} of {options.epochs}"):
            logits = net(images.to(options.device))
            loss = F.cross_entropy(logits, labels.to(options.device), class_weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def report(logits, labels, files, classes):
    sure, guess = logits.softmax(1).max(1)
    right, known = int((guess == labels).sum()), range(len(classes))
    low, high = binomtest(right, len(labels)).proportion_ci(method="wilson")
    print(f"{right} of {len(labels)} right; of other such pictures {low:.0%} to {high:.0%}")
    print(classification_report(labels, guess, labels=known, target_names=classes, zero_division=0))
    for i in sorted((guess != labels).nonzero().flatten().tolist(), key=lambda i: -sure[i])[:10]:
        print(f"{files[i]} is {classes[labels[i]]}; the net: {classes[guess[i]]}, {sure[i]:.0%}")
    matrix = confusion_matrix(labels, guess, labels=known)
    drawn = ConfusionMatrixDisplay(matrix, display_labels=classes).plot(xticks_rotation="vertical")
    drawn.figure_.savefig("confusion.png", bbox_inches="tight")


def train(options):
    beside = Path(__file__).with_name(f"{options.net}.in1k.safetensors")
    source = {"file": options.weights or (beside if beside.is_file() else None)}  # None: the web's
    net = timm.create_model(options.net, True, pretrained_cfg_overlay=source, num_classes=0)
    config = timm.data.resolve_model_data_config(net)
    plain = ImageFolder(options.folder, transforms(config), loader=upright)
    files, labels = [file for file, _ in plain.samples], torch.tensor(plain.targets)
    # ten pictures of one dog belong on one side of the split: --together "dog[0-9]+"
    groups = [str(re.findall(options.together, Path(file).name)[:1] or file) for file in files]
    folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=0)
    learn, check = next(folds.split(files, labels, groups))
    fit_head(net, outputs(net, Subset(plain, learn), options), labels[learn], options)
    if options.epochs:
        weights = 1 / labels[learn].bincount().to(options.device) if options.balanced else None
        varied = ImageFolder(options.folder, transforms(config, augment=True), loader=upright)
        fine_tune(net, Subset(varied, learn), weights, options)
    logits = outputs(net, Subset(plain, check), options)
    report(logits, labels[check], [files[i] for i in check], plain.classes)
    torch.save([options.net, plain.classes, config, net.state_dict()], options.model)


@torch.inference_mode()
def predict(options):
    # weights_only: a file that somebody sends runs no code
    name, classes, config, weights = torch.load(options.model, "cpu", weights_only=True)
    net = timm.create_model(name, num_classes=len(classes)).to(options.device).eval()
    net.load_state_dict(weights)
    prepare, files = transforms(config), sorted(options.folder.rglob("*.*")) or exit("No files")
    with open("predictions.csv", "w", newline="", encoding="utf-8-sig") as table:  # for Excel too
        csv.writer(table).writerow(["file", "class", "probability"])
        for file in tqdm([file for file in files if file.suffix.lower() in IMG_EXTENSIONS]):
            sure, best = net(prepare(upright(file))[None].to(options.device)).softmax(1)[0].max(0)
            csv.writer(table).writerow([file, classes[best], f"{sure:.3f}"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    add = parser.add_argument
    add("command", choices=["train", "predict"])
    add("folder", type=Path)
    add("--model", default="classifier.pt", help="the file to save to, or to predict with")
    add("--net", default="tf_efficientnet_lite0", help="any net of timm")
    add("--weights", help="its file, if neither beside this script nor the web's")
    add("--epochs", type=int, default=0, help="how often to fine-tune on all pictures")
    add("--balanced", action="store_const", const="balanced", help="rare classes count as much")
    add("--together", default=".*", help="regex: files in which it finds the same stay on one side")
    add("--workers", type=int, default=2, help="processes that read pictures")
    add("--device", default=torch.accelerator.current_accelerator(True) or "cpu")
    options = parser.parse_args()
    {"train": train, "predict": predict}[options.command](options)
