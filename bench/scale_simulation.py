"""Simulate a run of millions of photos on many workers, from what one photo was measured to cost.

What is simulated is what `imgguard.batch` does: photos are taken in events; an event is cleaned when all of it is
examined, and what is ready to be cleaned comes before the next examinations; the client records photos one by one.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Assumed:
    """What is given; every number is an input.

    Attributes:
        photos: How many.
        examine: Seconds to examine a photo of ordinary size.
        clean: Seconds to clean it.
        record: Seconds of the client for each photo, one after the other.
        listing: Seconds of the client for each photo before the first is begun.
        skew: Standard deviation of the logarithm of photo sizes.
        shard: Photos in a task.
        event: Photos in an event.
        price: Price of a core for an hour.
        slow: How many workers take twice as long as the others.
        lost: How many workers are lost halfway, with what they had in work.
    """

    photos: int = 4_000_000
    examine: float = 0.15
    clean: float = 0.25
    record: float = 0.005
    listing: float = 0.0001
    skew: float = 0.4
    shard: int = 4
    event: int = 1000
    price: float = 0.05
    slow: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Simulated:
    """How a run went.

    Attributes:
        workers: On so many cores.
        hours: From the start to the last record.
        cost: Price of all cores for that time, the client's one included.
        busy: Share of the workers' time in which they worked.
        client: Share of the time in which the client recorded.
    """

    workers: int
    hours: float
    cost: float
    busy: float
    client: float


@dataclass
class _State:
    """Events of which examinations or cleanings are under way."""

    left: dict[int, int]
    ready: deque[int]
    unseen: deque[int]


def simulate(workers: int, assumed: Assumed, seed: int = 0) -> Simulated:
    """Go through a run, task by task.

    >>> one = simulate(1, Assumed(photos=1000, examine=1, clean=2, record=0, listing=0, skew=0))
    >>> round(one.hours * 3600)
    3000
    """
    sizes, per_event = _shards(assumed, seed)
    expected = assumed.photos * (assumed.examine + assumed.clean) / workers
    state = _State({}, deque(), deque(range(len(sizes))))
    for shard in range(len(sizes)):
        state.left[shard // per_event] = state.left.get(shard // per_event, 0) + 1
    speeds = [2.0 if n < assumed.slow else 1.0 for n in range(workers)]
    dies = {n: assumed.listing * assumed.photos + expected / 2 for n in range(workers - assumed.lost, workers)}
    start = assumed.listing * assumed.photos
    idle, running = deque(range(workers)), list[tuple[float, int, bool, int]]()
    now, client, worked = start, start, 0.0
    while True:
        while idle and (state.ready or state.unseen):
            worker, cleaning = idle.popleft(), bool(state.ready)
            if now >= dies.get(worker, np.inf):
                continue
            shard = (state.ready if cleaning else state.unseen).popleft()
            took = sizes[shard] * speeds[worker] * (assumed.clean if cleaning else assumed.examine)
            heapq.heappush(running, (now + took, shard, cleaning, worker))
        if not running:
            break
        finished, shard, cleaning, worker = heapq.heappop(running)
        if finished > dies.get(worker, np.inf):
            # It went with its task, which is begun again by the next who is free.
            (state.ready if cleaning else state.unseen).appendleft(shard)
            now = max(now, dies[worker])
            continue
        now = finished
        idle.append(worker)
        worked += sizes[shard] * speeds[worker] * (assumed.clean if cleaning else assumed.examine)
        if cleaning:
            client = max(client, now) + assumed.record * assumed.shard
        else:
            _examined(shard, per_event, len(sizes), state)
    end = max(client, now)
    recorded = assumed.record * assumed.photos
    cost = end / 3600 * (workers + 1) * assumed.price
    return Simulated(workers, end / 3600, cost, worked / (workers * end), recorded / end)


def _shards(assumed: Assumed, seed: int) -> tuple[list[float], int]:
    """Give for each shard the work in it, in ordinary photos, and how many shards an event has."""
    count = max(assumed.photos // assumed.shard, 1)
    drawn = np.random.default_rng(seed).lognormal(-(assumed.skew**2) / 2, assumed.skew, (count, assumed.shard))
    return drawn.sum(axis=1).tolist(), max(assumed.event // assumed.shard, 1)


def _examined(shard: int, per_event: int, count: int, state: _State) -> None:
    event = shard // per_event
    state.left[event] -= 1
    if not state.left[event]:
        state.ready.extend(range(event * per_event, min((event + 1) * per_event, count)))
