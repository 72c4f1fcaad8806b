"""How long a run still takes: looks and cleanings have each their own measured time, so that no phase jumps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Measured: what comes after the look takes 0.6 times as long as the look at one megapixel, 1.1 to 1.6 at twelve.
_CLEANING_TO_LOOK = 1.1
# How many cleanings the guess above counts for, while few have been measured.
_GUESS_COUNTS = 4
# What is older fades: a run meets larger photos, and computers get other things to do.
_FADES = 0.98
_ENOUGH = 3


@dataclass(slots=True)
class _Mean:
    """A mean of seconds in which newer ones count more."""

    weight: float = 0.0
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.weight = self.weight * _FADES + 1
        self.total = self.total * _FADES + seconds


class Pace:
    """Measures what a look at a photo takes and what a cleaning takes, with as many workers as there are.

    The first to be finished counts for neither: it waited for the models to be loaded.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin now."""
        self._clock = clock
        self._last: float | None = None
        self._looks, self._cleanings = _Mean(), _Mean()
        self._measured = 0

    def looked(self) -> None:
        """Note that a look at a photo is finished."""
        self._note(self._looks)

    def cleaned(self) -> None:
        """Note that a photo is finished."""
        self._note(self._cleanings)

    def idled(self) -> None:
        """Note that something was done that says nothing of looks and cleanings."""
        if self._last is not None:
            self._last = self._clock()

    def seconds(self, looks: int, cleanings: int) -> float | None:
        """Estimate how long so many looks and cleanings take; None while too little was measured."""
        look, cleaning = self._per_look(), self._per_cleaning()
        if self._measured < _ENOUGH or (looks and look is None) or cleaning is None:
            return None
        return looks * (look or 0.0) + cleanings * cleaning

    def rate(self, *, with_look: bool) -> float | None:
        """Give the photos a second, each with its look where photos are looked at first; None while not known."""
        seconds = self.seconds(int(with_look), 1)
        return 1 / seconds if seconds else None

    def _note(self, mean: _Mean) -> None:
        now = self._clock()
        if self._last is not None:
            mean.add(now - self._last)
            self._measured += 1
        self._last = now

    def _per_look(self) -> float | None:
        return self._looks.total / self._looks.weight if self._looks.weight else None

    def _per_cleaning(self) -> float | None:
        measured, look = self._cleanings, self._per_look()
        if look is None:
            return measured.total / measured.weight if measured.weight else None
        guessed = _GUESS_COUNTS * _CLEANING_TO_LOOK * look
        return (measured.total + guessed) / (measured.weight + _GUESS_COUNTS)
