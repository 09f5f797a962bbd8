"""Exercises that answer: check what you did, get a hint, see a solution, and what is solved."""

from workshop_utils.exercises.kit import check, hint, progress, solution

__all__ = ["check", "hint", "progress", "solution"]
