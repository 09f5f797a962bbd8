"""The same code on every device: on one that only pretends (pretended.py), all that mixes it with the CPU fails, and its numbers are the CPU's."""

import json
from pathlib import Path

import nbformat
import pytest
from helpers import REPOSITORY, code_by_section, code_cells, started_python

from workshop_utils import paths

TRUSTED = "import sys; sys.path[:0] = [{tests!r}]; import pretended; from workshop_utils import device; device.trouble = lambda kind: None\n".format(
    tests=str(REPOSITORY / "tests")
)
IMPORTS = "import torch; from helpers import tiny_dataset, tiny_net; from workshop_utils import data, evaluation, explain, models, training, transfer\n"


CODE = {  # what to run with `place` being the CPU and then the pretended device; the numbers that it leaves in `told` must agree but for rounding
    "training and judging": """
torch.manual_seed(0)
net, pictures = tiny_net(), tiny_dataset()
augment = data.augmentation(crop=1, flip=True, rotate=5, jitter=0.1)
history = training.fit(net, pictures, validation=pictures, epochs=4, batch_size=5, schedule=training.one_cycle, augment=augment, patience=2, device=place)
assert next(net.parameters()).device.type == place
told = history.loss, history.validation_loss, *(evaluation.predict(one, pictures, device=place).probabilities.tolist() for one in (net, tiny_net()))""",
    "every teaching net learns": """
few, told = data.load("fashion-mnist").per_class(1, seed=0), []
for make in [*(lambda name=name: models.build(name, classes=10, channels=1) for name in ("lenet", "small_resnet")),
             *(lambda idea=idea: models.small(idea, classes=10, channels=1) for idea in models.IDEAS)]:
    torch.manual_seed(0)
    told += training.fit(make(), few, epochs=1, batch_size=5, device=place).loss""",
    "features, heads and looking inside": """
few = data.load("clip-art").per_class(1, seed=0)
torch.manual_seed(0)
net = models.build("efficientnet_lite0", classes=9, pretrained=True)
known = transfer.features(net, few, device=place)
net.classifier = transfer.fit_head(known, few.labels, classes=9)
transfer.unfreeze(transfer.freeze(net), "conv_head")
before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
training.fit(net, few, epochs=1, batch_size=9, device=place)
image = net.preprocess(few.images[0]).to(place)
told = (known.sum().item(), len(transfer.changed(before, net.state_dict())), explain.grad_cam(net, image, 1).sum().item(),
        explain.feature_maps(net, image, "conv_stem").sum().item(), models.summary(net, (3, 224, 224)).multiply_adds)""",
    "the script that people take home": """
from argparse import Namespace
import runpy, timm
work, few = runpy.run_path("notebooks/at_work.py"), tiny_dataset(channels=3, side=32)
options, pictures = Namespace(device=place, balanced="balanced", epochs=1, workers=0), torch.utils.data.TensorDataset(few.images / 255, few.labels)
torch.manual_seed(0)
net = timm.create_model("test_resnet", num_classes=0)
work["fit_head"](net, work["outputs"](net, pictures, options), few.labels, options)
work["fine_tune"](net, pictures, torch.ones(3).to(place), options)
told = work["outputs"](net, pictures, options).tolist()""",
    "what mixes them": "told = (torch.ones(2).to(place) + torch.ones(2)).sum().item()",
}
BOTH = """
import json, sys, traceback
said = {}
for name, code in json.loads(sys.argv[1]).items():
    try:
        found = []
        for place in ("cpu", pretended.NAME):
            exec(code, globals())
            found.append(told)
        torch.testing.assert_close(*found, rtol=0.01, atol=0.001)
        said[name] = "the same"
    except Exception:
        said[name] = traceback.format_exc()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said():
    """What became of each piece of CODE, all of them run in one Python, whose kernels stay exchanged."""
    process = started_python(TRUSTED + IMPORTS + BOTH, json.dumps(CODE))
    answer, complaints = process.communicate(timeout=900)
    assert process.returncode == 0, complaints[-3000:]
    return json.loads(answer.splitlines()[-1])


def test_mixing_the_pretended_device_with_the_cpu_fails(said):
    assert "on the same device" in said["what mixes them"]


@pytest.mark.parametrize("name", sorted(CODE.keys() - {"what mixes them"}))
def test_numbers_are_the_same_as_on_the_cpu(said, name):
    assert said[name] == "the same", said[name]


def run_there(path: Path, code: list[str]) -> None:
    """Runs a notebook's setup cell and this code in its folder, all nets and pictures on the pretended device."""
    from nbclient import NotebookClient

    move = f"{TRUSTED}import os; os.environ['WORKSHOP_DEVICE'] = pretended.NAME"  # before anything is trained
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        nbformat.v4.new_code_cell(source) for source in (code_cells(path)[0].source, move, *code)
    ]
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()


@pytest.mark.slow
@pytest.mark.parametrize("path", paths.notebooks(), ids=lambda path: path.stem)
def test_notebook_runs_on_the_pretended_device(path):
    run_there(
        path,
        [
            *(cell.source for cell in code_cells(path)[1:]),
            "assert device.pick().type == pretended.NAME and pretended.HELD",
        ],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "path, title",
    [(path, title) for path in paths.chapters() for title in code_by_section(path)],
    ids=lambda one: one.name[:2] if isinstance(one, Path) else one,
)
def test_section_alone_with_each_cell_twice_runs_on_the_pretended_device(path, title):
    """As on Colab with a GPU, where a cell is changed and run again: what it has moved to the device must not meet what stayed."""
    run_there(path, [cell.source for cell in code_by_section(path)[title] for _ in range(2)])
