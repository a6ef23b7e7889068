"""What training refuses, and what stops it: one clear message each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.training.progress import Progress


class TrainingError(ValueError):
    """Settings of training that make no sense, or that don't fit the network or the data."""


class DataError(TrainingError):
    """Data that can't be used: says in which row and column, and what to do."""


class SavedError(TrainingError):
    """A saved folder that can't be read, or that belongs to other data."""


class DivergedError(ArithmeticError):
    """Training that ran into NaN, infinity or a growing error.

    ``progress`` is where the last finished epoch left everything: its weights are the last good ones.
    """

    def __init__(self, message: str, progress: Progress) -> None:
        super().__init__(message)
        self.progress = progress
