from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from imgguard.errors import PhotoBroken
from imgguard.events import MOST_PHOTOS, events_of
from imgguard.identify import Gallery
from imgguard.judging import Scene
from imgguard.pipeline import Examined
from imgguard.planning import Job
from imgguard.queueing import Queue
from imgguard.refusing import refusal_of
from imgguard.rules import Rules
from imgguard.tasks import Task, Work
from imgguard.types import Refusal, Style
from tests.conftest import TODAY

NOBODY = Rules(None, {}, None, TODAY, Style.BLUR, None)
EMPTY = Rules(None, {}, Gallery.from_references([]), TODAY, Style.BLUR, None)

FOLDERS = st.lists(st.integers(0, 4), max_size=40)


def jobs_in(folders: Iterable[int]) -> list[Job]:
    return [Job(Path(f"/in/{folder}/{n}.jpg"), Path(f"/out/{folder}/{n}.jpg")) for n, folder in enumerate(folders)]


@settings(deadline=None)
@given(FOLDERS)
def test_each_photo_is_in_one_event_with_the_photos_of_its_folder(folders: list[int]) -> None:
    jobs = jobs_in(folders)
    events = list(events_of(jobs))
    assert sorted(n for event in events for n in event.numbers) == list(range(len(jobs)))
    assert all(list(event.numbers) == sorted(event.numbers) for event in events)
    assert [{jobs[n].source.parent for n in event.numbers} for event in events] == [
        {Path(f"/in/{folder}")} for folder in dict.fromkeys(folders)
    ]


@settings(deadline=None)
@given(st.integers(1, 5 * MOST_PHOTOS))
def test_a_large_folder_is_parted_evenly(count: int) -> None:
    sizes = [len(event.numbers) for event in events_of(jobs_in([0] * count))]
    assert sum(sizes) == count and max(sizes) <= MOST_PHOTOS
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-count // MOST_PHOTOS)


@settings(deadline=None)
@given(FOLDERS, st.data())
def test_a_queue_gives_every_wanted_photo_once_and_looks_at_whole_events_first(
    folders: list[int], data: st.DataObject
) -> None:
    jobs = jobs_in(folders)
    wanted = frozenset(n for n in range(len(jobs)) if data.draw(st.booleans()))
    told = []
    queue = Queue(jobs, wanted, EMPTY, lambda done, total: told.append((done, total)))
    under_way: list[Task] = []
    examined, prepared = set[int](), []
    refused = dict[int, Refusal]()
    while True:
        while len(under_way) < 3 and (task := queue.next(3)) is not None:
            under_way.append(task)
        refused.update((n, why) for n, why in queue.take_settled() if why)
        if not under_way:
            break
        # Workers finish in any order.
        task = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
        if task.work is Work.EXAMINE:
            examined.add(task.number)
            bad = data.draw(st.booleans())
            queue.tell(task, refusal_of(PhotoBroken("", "")) if bad else Examined((), Scene(str(task.number), 1)))
        else:
            assert task.known is None or task.known.sha256 == str(task.number)
            prepared.append(task.number)
    assert sorted([*prepared, *refused]) == sorted(wanted)
    touched = [event for event in events_of(jobs) if wanted & set(event.numbers)]
    assert examined == {n for event in touched for n in event.numbers if len(event.numbers) > 1}
    assert told == [(n + 1, len(examined)) for n in range(len(examined))]


def test_where_nobody_is_recognised_nothing_is_looked_at_twice() -> None:
    queue = Queue(jobs_in([0, 0, 1]), frozenset({0, 2}), NOBODY)
    tasks = [queue.next() for _ in range(3)]
    assert [(task.number, task.work, task.known) for task in tasks if task] == [
        (0, Work.PREPARE, None),
        (2, Work.PREPARE, None),
    ]


def test_few_events_are_open_at_a_time_whatever_the_plan() -> None:
    queue = Queue(jobs_in([n // 2 for n in range(1000)]), frozenset(range(1000)), EMPTY)
    for _ in range(4):
        assert queue.next(4) is not None
    assert len(queue._open) == 2


def test_at_the_end_the_largest_photo_comes_first(tmp_path: Path) -> None:
    sizes = [5, 1, 9, 7]
    jobs = []
    for n, size in enumerate(sizes):
        path = tmp_path / f"{n}.jpg"
        path.write_bytes(b"x" * size)
        jobs.append(Job(path, tmp_path / "out" / path.name))
    queue = Queue(jobs, frozenset(range(4)), NOBODY)
    assert [task.number for _ in sizes if (task := queue.next(4))] == [2, 3, 0, 1]
    queue = Queue(jobs, frozenset(range(4)), NOBODY)
    assert [task.number for _ in sizes if (task := queue.next(1))] == [0, 1, 2, 3], "one worker waits for nobody"
