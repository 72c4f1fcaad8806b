from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from cli.pace import Pace
from cli.progress import Lines, Shown
from imgguard.types import PhotoResult, Refusal, Status


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run_of(photos: int, look: float, cleaning: float, start: float = 8.0) -> list[tuple[float, float | None]]:
    """Give the true and the told time left, after each look and each cleaning."""
    clock = Clock()
    pace = Pace(clock)
    clock.now += start
    ends = clock.now + photos * look + photos * cleaning
    told = []
    for looked in range(1, photos + 1):
        clock.now += look
        pace.looked()
        told.append((ends - clock.now, pace.seconds(photos - looked, photos)))
    for done in range(1, photos + 1):
        clock.now += cleaning
        pace.cleaned()
        told.append((ends - clock.now, pace.seconds(0, photos - done)))
    return told


@pytest.mark.parametrize(("look", "cleaning"), [(0.5, 0.55), (0.5, 0.9), (0.5, 0.3), (2.0, 2.2)])
def test_the_time_left_neither_jumps_between_the_phases_nor_counts_the_start(look: float, cleaning: float) -> None:
    told = run_of(200, look, cleaning)
    known = [(true, left) for true, left in told if left is not None]
    assert len(told) - len(known) <= 4
    # Before the first is cleaned its time is a guess; soon after it is not.
    assert all(0.5 * true < left < 2 * true for true, left in known[:200])
    assert all(abs(left - true) < 0.1 * true + 1 for true, left in known[230:])
    steps = [abs(one[1] - other[1]) for one, other in pairwise(known)]
    assert max(steps) < 0.15 * known[0][1]


def test_a_slower_machine_is_noticed() -> None:
    clock = Clock()
    pace = Pace(clock)
    for seconds in [0.5] * 100 + [2.0] * 100:
        clock.now += seconds
        pace.cleaned()
    left = pace.seconds(0, 10)
    assert left is not None and 15 < left <= 20


def test_what_costs_nothing_does_not_make_the_rest_look_quick() -> None:
    shown = Shown.__new__(Lines)
    Lines.__init__(shown)
    clock = Clock()
    shown.pace = Pace(clock)
    shown.planned = 1100
    done = PhotoResult(Path("a"), Path("b"), Status.DONE_BEFORE, "", "", (), (), 0, None)
    for _ in range(1000):
        clock.now += 0.001
        shown.photo(done)
    assert shown.seconds_left is None, "nothing has been measured yet"
    new = PhotoResult(Path("a"), Path("b"), Status.PUBLISHED, "", "", (), (), 0, None)
    for _ in range(10):
        clock.now += 1.0
        shown.photo(new)
    assert shown.seconds_left == pytest.approx(90, rel=0.05)
    assert (shown.counts.published, shown.counts.done_before, shown.counts.photos) == (10, 1000, 1010)


def test_refusals_are_counted_by_themselves() -> None:
    shown = Lines()
    shown.planned = 1
    shown.photo(PhotoResult(Path("a"), None, Status.REFUSED, None, None, (), (), 0, Refusal("photo_broken", "", "")))
    assert shown.counts.words == "0 faces kept, 0 covered, 1 refused"
