"""Runs an experiment that is too long for a live chapter, and writes NAME.json beside this file: python notebooks/recorded/record.py NAME"""

import importlib
import json
import os
import platform
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["WORKSHOP_DEVICE"] = "cpu"  # the chapters promise these results on a laptop

import torch

from workshop_utils.recorded import RECORDED, code_sum


def record(name: str) -> Path:
    """Runs the experiment in NAME.py, a module with SEEDS, CODE (the files it depends on) and run(), and writes what it gave."""
    experiment = importlib.import_module(name)
    began = time.perf_counter()
    results = experiment.run()
    found = {
        "command": f"python notebooks/recorded/record.py {name}",
        "date": date.today().isoformat(),
        "seconds": round(time.perf_counter() - began),
        "seeds": list(experiment.SEEDS),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, no GPU used",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "code": code_sum(*experiment.CODE),
        "results": results,
    }
    path = RECORDED / f"{name}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Say which: " + ", ".join(sorted(path.stem for path in RECORDED.glob("*.py") if path.stem != "record")))
    print(record(sys.argv[1]))
