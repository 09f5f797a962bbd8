"""Exercises that answer: check what you did, get a hint, see a solution, and what is solved, also to print."""

from workshop_utils.exercises.kit import check, hint, progress, solution
from workshop_utils.exercises.solved_page import certificate

__all__ = ["certificate", "check", "hint", "progress", "solution"]
