"""From a fresh Python to the package, to all its parts and to the first figure."""

import os
import subprocess
import sys
from functools import partial
from statistics import median

from tests.benchmarks.timing import in_turn, markdown, ratio, spread
from workshop_utils import paths

TORCH = "import torch"
STEPS = {  # what -> (what runs before the clock starts, what is timed, seconds at most)
    TORCH: ("", TORCH, None),
    "import workshop_utils, after torch": (TORCH, "import workshop_utils", 0.2),
    "a chapter's first imports, after torch": (
        TORCH,
        "from workshop_utils import data, evaluation, exercises, models, plots, training, widgets",
        3.0,
    ),
    "from a fresh Python to the first figure, torch and the set included": (
        "",
        "from workshop_utils import data, plots; plots.images(data.load('fashion-mnist', 'test').subset(range(16))).png()",
        2.5,
    ),
}


def table(rounds: int = 7) -> str:
    taken = in_turn(
        {name: partial(fresh, before, code) for name, (before, code, _) in STEPS.items()}, rounds
    )
    return markdown(
        f"Each in a fresh process, median of {rounds} in turn; the files are in the disk's cache.",
        ["what", f"part of `{TORCH}`", "part of the target", "target", "seconds"],
        [
            (
                name,
                f"{ratio(values, taken[TORCH]):.2f}",
                *(
                    (f"{median(values) / target:.2f}", f"under {target} s")
                    if (target := STEPS[name][2])
                    else ("", "")
                ),
                spread(values, 3),
            )
            for name, values in taken.items()
        ],
    )


def fresh(before: str, code: str) -> float:
    """Seconds that `code` takes in a new Python."""
    program = f"import time\n{before}\nbegan = time.perf_counter()\n{code}\nprint(time.perf_counter() - began)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(paths.HOME)},
    )
    return float(done.stdout.split()[-1])
