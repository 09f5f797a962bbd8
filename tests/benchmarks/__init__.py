"""How fast things are, measured and never asserted: python -m tests.benchmarks"""

import os

os.environ.setdefault(
    "WORKSHOP_DEVICE", "cpu"
)  # what the course promises holds on a laptop; `gpu` lifts it

import workshop_utils  # noqa: F401  before torch, as in the notebooks: it says how torch's threads wait
