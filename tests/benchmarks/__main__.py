"""python -m tests.benchmarks [NAME ...]: prints Markdown tables, with the machine and the versions they hold for."""

import os
import platform
import re
import sys
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

import torch
import torchvision

from tests.benchmarks import (
    backbones,
    browser,
    chapters,
    compiled,
    gpu,
    inference,
    loader,
    panels,
    reading,
    scaling,
    startup,
    time_to_accuracy,
    transfer,
)

THREADS = min(2, os.cpu_count())  # a laptop's, wherever this runs
BENCHMARKS = {
    "loader": loader,
    "ninety": time_to_accuracy,
    "transfer": transfer,
    "backbones": backbones,
    "inference": inference,
    "compiled": compiled,
    "reading": reading,
    "start": startup,
    "panels": panels,
    "browser": browser,
    "chapters": chapters,
    "scaling": scaling,
    "gpu": gpu,
}


def machine() -> str:
    """One line: processor, cores, threads, versions and the day."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.is_file() else None
    return (
        f"{platform.system()} {platform.machine()}, {model[1] if model else platform.processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}, torchvision {torchvision.__version__}, {date.today()}"
    )


if __name__ == "__main__":
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    torch.set_num_threads(THREADS)
    print(f"{machine()}\n", flush=True)
    for name in names:
        with redirect_stdout(sys.stderr):  # what the package says meanwhile is no result
            table = BENCHMARKS[name].table()
        print(f"## {name}\n\n{table}\n", flush=True)
