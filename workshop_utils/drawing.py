"""The old name of `workshop_utils.figure`, kept for one version."""

from workshop_utils.figure import *  # noqa: F403
