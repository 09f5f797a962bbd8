"""Experiments that are too long for a live chapter: python notebooks/recorded/record.py NAME [--confirm | --add]

Runs NAME.py beside this file and writes what it gave to NAME.json, with the sum of the code that ran. Where that code has changed
since and the results should be the same, --confirm repeats one seed and, if its values lie within the spread of the recorded ones,
renews the sum alone. Where an experiment can add rows to earlier ones (its run takes them), --add records those that are missing,
beside what made them, and leaves the sum, which --confirm then renews.

An experiment is a module with SEEDS, run(), again(results), which gives (what, recorded values, the value of the first seed found
anew), and TINY, the constants of a run of seconds, by which the code that it runs is found.
"""

import argparse
import importlib
import json
import os
import platform
import re
import sys
import time
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["WORKSHOP_DEVICE"] = "cpu"  # the chapters promise these results on a laptop

import torch

from workshop_utils import data
from workshop_utils.recorded import HOME, RECORDED, code_sum, load

NO_MATTER = (
    "workshop_utils/data",
    "workshop_utils/progress.py",
    "workshop_utils/device.py",
    "workshop_utils/tables.py",
    "notebooks/recorded/record.py",
)
# of data: what comes after the readers
MATTER = (
    "workshop_utils/data/batches.py",
    "workshop_utils/data/augment.py",
    "workshop_utils/data/dataset.py",
)
LEAST_SPREAD = 0.01  # five seeds may agree closely, and another processor rounds otherwise


def record(name: str) -> Path:
    """Runs an experiment and writes what it gave."""
    experiment = importlib.import_module(name)
    began = time.perf_counter()
    results = experiment.run()
    found = {
        "command": f"python notebooks/recorded/record.py {name}",
        "seeds": list(experiment.SEEDS),
        **made(began),
    }
    return _write(name, found | stamp(name) | {"results": results})


def add(name: str) -> Path:
    """Records the rows that are missing, and says on which computer that was; milliseconds are measured anew for all rows."""
    experiment, found = importlib.import_module(name), load(name)
    began = time.perf_counter()
    results = experiment.run(found["results"])
    new = [row for row in results if row not in found["results"]]
    added = [*found.get("added", ()), *([{"rows": new, **made(began)}] if new else ())]
    seconds = round(found["seconds"] + time.perf_counter() - began)
    timed = {"seconds": seconds, "added": added, "timed": made(began)}
    return _write(name, found | timed | {"results": results})


def made(began: float) -> dict:
    """When, in how many seconds, on what and with what something was recorded."""
    return {
        "date": date.today().isoformat(),
        "seconds": round(time.perf_counter() - began),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, no GPU used",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def confirm(name: str) -> Path:
    """Repeats the first seed of every recorded value and renews the sum. Raises SystemExit, naming those beyond the spread, if there are any."""
    found, apart = load(name), []
    threads = re.search(r"(\d+) threads", found["machine"])
    # each number of threads rounds its sums in another order
    torch.set_num_threads(int(threads[1]) if threads else 1)
    for what, recorded, again in importlib.import_module(name).again(found["results"]):
        spread = max(max(recorded) - min(recorded), LEAST_SPREAD)
        within = min(recorded) - spread <= again <= max(recorded) + spread
        print(
            f"{what}: {again:.4f}, recorded {min(recorded):.4f} to {max(recorded):.4f}{'' if within else '  APART'}",
            flush=True,
        )
        apart += [] if within else [what]
    if apart:
        raise SystemExit(
            f"{len(apart)} values are not the recorded ones: {', '.join(apart)}. Record {name} again, or find out why."
        )
    return _write(name, found | {"confirmed": date.today().isoformat()} | stamp(name))


def stamp(name: str) -> dict:
    """The files in which a line ran while a tiny run of the experiment was watched, and the sum of what they say."""
    files = sorted(code_that_runs(name))
    return {"files": files, "code": code_sum(files)}


def code_that_runs(name: str) -> set[str]:
    """The files of the course, named from its root, in which a function was called during a tiny run."""
    experiment, files, whole = importlib.import_module(name), set(), data.load
    before = {constant: getattr(experiment, constant) for constant in experiment.TINY}

    def called(frame, event, _):
        files.add(frame.f_code.co_filename)

    try:
        for constant, value in experiment.TINY.items():
            setattr(experiment, constant, value)
        data.load = lambda *words, **more: whole(*words, **more).per_class(8)
        sys.setprofile(called)
        with redirect_stdout(None):
            experiment.run()
    finally:
        sys.setprofile(None)
        data.load = whole
        for constant, value in before.items():
            setattr(experiment, constant, value)
    inside = {
        Path(file).relative_to(HOME).as_posix()
        for file in files
        if Path(file).is_relative_to(HOME) and Path(file).suffix == ".py"
    }
    return {file for file in inside if file in MATTER or not file.startswith((*NO_MATTER, "."))}


def _write(name: str, found: dict) -> Path:
    path = RECORDED / f"{name}.json"
    path.write_text(json.dumps(found | {"results": found["results"]}, indent=1) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "name", choices=sorted(path.stem for path in RECORDED.glob("*.py") if path.stem != "record")
    )
    parser.add_argument(
        "--confirm", action="store_true", help="repeat one seed and renew the sum of the code"
    )
    parser.add_argument(
        "--add", action="store_true", help="record what is missing, and measure the time anew"
    )
    options = parser.parse_args()
    print((confirm if options.confirm else add if options.add else record)(options.name))
