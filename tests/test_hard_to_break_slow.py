"""The same with real kernels, whole chapters and all the time that they take: python -m pytest -m slow -n0"""

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers import REPOSITORY, code_cells, linked_course, loaded
from jupyter_client.manager import KernelManager
from nbval.plugin import get_sanitize_patterns
from servers import serve, server
from test_hard_to_break import MEDICAL, about, medical_archive

from workshop_utils import evaluation, models, paths

pytestmark = pytest.mark.slow
PATTERNS = get_sanitize_patterns((REPOSITORY / "tests/nbval_sanitize.cfg").read_text("utf-8"))
GIGA = 1 << 30


class Session:
    """A kernel as a notebook has one."""

    def __init__(self, folder: Path):
        self.manager = KernelManager(kernel_name="python3")
        own = {
            "WORKSHOP_PROGRESS": folder / "solved",
            "WORKSHOP_DATA": folder / "cache",
            "PYTHONDONTWRITEBYTECODE": "1",
            "WORKSHOP_MIRROR": "",
        }
        self.manager.start_kernel(
            cwd=str(folder), env={**os.environ, **{name: str(value) for name, value in own.items()}}
        )
        self.connect()

    def connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.manager.provisioner.pid)

    def run(self, source: str, *, meanwhile=None, may_fail: bool = False) -> str:
        """What a cell prints. meanwhile: called once, as soon as the cell has printed something."""
        said = []

        def hear(message):
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                said.append(message["content"]["text"])
                if meanwhile and len(said) == 1:
                    meanwhile()
            elif message["msg_type"] == "execute_result":
                said.append(message["content"]["data"]["text/plain"] + "\n")

        reply = self.client.execute_interactive(
            source, allow_stdin=False, output_hook=hear, timeout=600
        )["content"]
        if reply["status"] != "ok" and not may_fail:
            raise AssertionError(
                re.sub(r"\x1b\[[\d;]*m", "", "\n".join(reply.get("traceback", [reply["status"]])))
            )
        return "".join(said) + (reply["ename"] if reply["status"] == "error" else "")


@contextmanager
def session(folder: Path):
    opened = Session(folder)
    try:
        yield opened
    finally:
        opened.client.stop_channels()
        opened.manager.shutdown_kernel(now=True)


def compared(text: str) -> str:
    """As nbval compares it: without what differs from run to run."""
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize("path", paths.chapters(), ids=lambda path: path.stem)
def test_every_cell_can_be_run_twice_in_a_row_and_says_the_same(path, tmp_path):
    found = []
    with session(linked_course(tmp_path)) as kernel:
        for number, cell in enumerate(code_cells(path), 1):
            try:
                first, second = (compared(kernel.run(cell.source)) for _ in range(2))
            except AssertionError as error:
                found.append(f"cell {number}: {error}")
                continue
            if first != second and "nbval-ignore-output" not in cell.metadata.get("tags", []):
                found.append(f"cell {number}: {first!r}, then {second!r}")
    assert not found, "\n".join(found)


def test_chapter_3_ten_times_in_one_kernel_needs_no_more_memory_than_twice(tmp_path):
    """Resident memory after gc.collect() and malloc_trim(), for malloc keeps up to 256 MB of what was freed. The second round is the measure: after it all is loaded."""
    free = "import ctypes, gc\ngc.collect()\nctypes.CDLL(None).malloc_trim(0)"
    cells, held = code_cells(paths.chapter(3)), []
    with session(linked_course(tmp_path)) as kernel:
        for number in range(1, 11):
            began = time.monotonic()
            for cell in cells:
                kernel.run(cell.source)
            before = kernel.process.memory_info().rss
            kernel.run(free)
            held.append(kernel.process.memory_info().rss)
            print(
                f"round {number}: {before / GIGA:.3f} GB, {held[-1] / GIGA:.3f} GB after freeing, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    assert held[9] < 1.05 * held[1], [f"{size / GIGA:.3f}" for size in held]


TRAIN = """
import torch
from workshop_utils import data, evaluation, models, training
train, test = data.load("fashion-mnist"), data.load("fashion-mnist", "test")
torch.manual_seed(0)
net = models.build("lenet", classes=10, channels=1)
print("began")
history = training.fit(net, train, epochs=200, learning_rate=5e-3, name="lenet-fashion-mnist")
print("stopped")
"""
TRAINED = """
used = evaluation.predict(net, test).probabilities
again = training.fit(net, train, epochs=2, learning_rate=5e-3, name="lenet-fashion-mnist")
result = evaluation.evaluate(evaluation.predict(models.ready("lenet-fashion-mnist"), test))
print(len(history.loss) < 200, bool((abs(used.sum(1) - 1) < 1e-4).all()), len(again.loss), result.accuracy > 0.7)
"""
FEATURES = """
import torch
from workshop_utils import data, models, transfer
train = data.load("clip-art")
net = models.build("efficientnet_lite0", classes=1000, pretrained=True).train()
before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
print("began")
"""
EXTRACT = "print('began')\nfeatures = transfer.features(net, train)\nprint('done')"
EXTRACTED = """
print(net.training, transfer.changed(before, net.state_dict()), len(net.classifier._forward_pre_hooks))
torch.save(features, "features.pt")
"""


def interrupt_after(kernel: Session, seconds: float):
    def act():
        time.sleep(seconds)
        kernel.manager.interrupt_kernel()

    return act


@pytest.mark.parametrize("seconds", [0.05, 2.0, 6.0])
def test_training_that_is_interrupted_leaves_a_net_that_can_be_used_and_trained_on(
    seconds, tmp_path
):
    with session(linked_course(tmp_path)) as kernel:
        said = kernel.run(TRAIN, meanwhile=interrupt_after(kernel, seconds), may_fail=True)
        if "KeyboardInterrupt" in said:  # before the first step: nothing was trained
            said = kernel.run(TRAIN, meanwhile=interrupt_after(kernel, 6), may_fail=True)
        assert "stopped" in said and "KeyboardInterrupt" not in said
        assert kernel.run(TRAINED).splitlines()[-1] == "True True 2 True"


def test_features_after_an_interrupted_extraction_are_those_of_a_fresh_kernel(tmp_path):
    import torch

    found = []
    for name, waits in (("fresh", []), ("interrupted", [0.05, 0.5, 2])):
        folder = linked_course(tmp_path / name)
        with session(folder) as kernel:
            kernel.run(FEATURES)
            for wait in waits:
                assert "KeyboardInterrupt" in kernel.run(
                    EXTRACT, meanwhile=interrupt_after(kernel, wait), may_fail=True
                )
            assert "done" in kernel.run(EXTRACT)
            assert kernel.run(EXTRACTED) == "True [] 0\n"
        found.append(torch.load(folder / "features.pt", weights_only=True))
    assert torch.allclose(*found, atol=1e-5) and found[0].shape == (168, 1280)


def slowly(content: bytes):
    """An answer that takes half a minute, to somebody who may not be there any more."""

    def answer(handler):
        serve(b"", length=len(content))(handler)
        step = len(content) // 60 + 1
        with suppress(OSError):
            for start in range(0, len(content), step):
                handler.wfile.write(content[start : start + step])
                time.sleep(0.5)

    return answer


def kill(kernel: Session) -> None:
    """As the system does when memory is short; nothing that it started may go on."""
    family = [kernel.process, *kernel.process.children(recursive=True)]
    kernel.process.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    kernel.client.stop_channels()
    kernel.manager.restart_kernel(now=True)
    kernel.connect()


@pytest.mark.parametrize("moment", ["downloading", "decoding"])
def test_kernel_that_is_killed_while_a_set_is_brought_starts_again_with_right_pictures(
    moment, tmp_path
):
    count = 600
    raw, expected = medical_archive(count)
    kept, load = (
        linked_course(tmp_path) / "cache/medical-mnist",
        lambda host: f"import sys\nsys.argv[1:] = {about(host.url, raw, count=count)}\n{MEDICAL}",
    )
    with (
        session(tmp_path) as kernel,
        server(slowly(raw) if moment == "downloading" else serve(raw)) as first,
        server(serve(raw)) as second,
    ):
        for turn, delay in enumerate((0.05, 0.15), 1):
            kernel.client.execute(load(first))
            while (
                len(first.asked) < turn
                if moment == "downloading"
                else not kernel.process.children()
            ):  # the processes that decode
                time.sleep(0.01)
            time.sleep(delay)
            kill(kernel)
            assert (kept / "MedNIST.tar.gz").exists() == (moment == "decoding") and not (
                kept / "decoded.safetensors"
            ).exists()
        for _ in range(2):  # decoded, then as it was kept
            assert kernel.run(load(second)).split()[-1] == expected
    assert (
        len(second.asked) == (moment == "downloading") and (kept / "decoded.safetensors").exists()
    )


def test_chapters_1_and_3_run_at_once_in_one_folder(tmp_path):
    folder = linked_course(tmp_path)

    def run(number: int) -> int:
        with session(folder) as kernel:
            return len([kernel.run(cell.source) for cell in code_cells(paths.chapter(number))])

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, (1, 3))) == [
            len(code_cells(paths.chapter(number))) for number in (1, 3)
        ]


READ = """
from workshop_utils import data, evaluation, models
digits = data.load("mnist", "test").subset(range(20))
said = evaluation.predict(models.ready("lenet-mnist"), digits)
print(said.predicted.tolist(), said.probabilities.max(axis=1).round(3).tolist())
"""


@pytest.mark.skipif(
    psutil.virtual_memory().available < 8 * GIGA, reason="twenty kernels need 8 GB of free memory"
)
def test_twenty_kernels_that_start_together_all_read_the_same_digits(tmp_path):
    folder = linked_course(tmp_path)

    def read(_) -> str:
        with session(folder) as kernel:
            return kernel.run(READ).splitlines()[-1]

    expected = evaluation.predict(
        models.ready("lenet-mnist"), loaded("mnist", "test").subset(range(20))
    )
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(read, range(20)))
    predicted, probabilities = (
        json.loads(part) for part in re.fullmatch(r"(\[.*\]) (\[.*\])", said[0]).groups()
    )
    assert set(said) == {said[0]} and predicted == expected.predicted.tolist()
    assert np.allclose(probabilities, expected.probabilities.max(axis=1), atol=2e-3)
