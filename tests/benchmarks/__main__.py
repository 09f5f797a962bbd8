"""python -m tests.benchmarks [NAME ...]: prints Markdown tables, with the machine and the versions they hold for."""

import platform
import sys

import torch
import torchvision

from tests.benchmarks import loader, panels, reading, transfer

BENCHMARKS = {"loader": loader.table, "reading": reading.table, "panels": panels.table, "transfer": transfer.table}

if __name__ == "__main__":
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    print(f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}, "
          f"torch {torch.__version__}, torchvision {torchvision.__version__}\n")
    for name in names:
        print(f"## {name}\n\n{BENCHMARKS[name]()}\n", flush=True)
