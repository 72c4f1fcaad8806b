from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from consent.store import last_change
from consent.withdrawals import withdraw
from imgguard import Guard
from imgguard.arrivals import Arrivals, FolderAway, State, Timing, list_files
from imgguard.locking import only_one
from imgguard.watching import Order, what_is_known
from tests.rings import FileRing
from tests.schools import sample_school

WHOLE, HALF = b"\xff\xd8\xff\xe0\0\x04ab\xff\xd9", b"\xff\xd8\xff\xe0\0\x04ab"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arrivals(tmp_path: Path, clock: Clock) -> Arrivals:
    folder = tmp_path / "in"
    folder.mkdir()
    return Arrivals(folder, Timing(settle=5, patience=60, gather=120, again=60), clock)


def look(arrivals: Arrivals, clock: Clock, seconds: float = 0.0) -> tuple[Path, ...]:
    clock.now += seconds
    arrivals.look()
    return arrivals.check()


def names(paths: frozenset[Path]) -> set[str]:
    return {path.name for path in paths}


def test_a_file_is_ready_when_it_has_lain_still_and_only_until_it_is_taken(arrivals: Arrivals, clock: Clock) -> None:
    photo = arrivals.folder / "a.jpg"
    photo.write_bytes(WHOLE)
    look(arrivals, clock)
    look(arrivals, clock, 4)
    assert not arrivals.ready()
    photo.write_bytes(WHOLE + WHOLE)
    look(arrivals, clock, 4)
    assert not arrivals.ready(), "it was written to again"
    look(arrivals, clock, 5)
    assert names(arrivals.ready()) == {"a.jpg"}
    arrivals.take(photo)
    look(arrivals, clock, 5)
    assert not arrivals.ready() and names(arrivals.taken()) == {"a.jpg"}
    photo.write_bytes(WHOLE)
    look(arrivals, clock)
    look(arrivals, clock, 5)
    assert names(arrivals.ready()) == {"a.jpg"}, "what changes is taken again"


def test_what_arrives_together_is_taken_together_but_nobody_waits_for_ever(arrivals: Arrivals, clock: Clock) -> None:
    (arrivals.folder / "first.jpg").write_bytes(WHOLE)
    look(arrivals, clock)
    for number in range(30):
        look(arrivals, clock, 4)
        assert not arrivals.ready(), "others are still being copied"
        (arrivals.folder / f"{number}.jpg").write_bytes(WHOLE)
    look(arrivals, clock, 4)
    look(arrivals, clock, 4)
    (arrivals.folder / "late.jpg").write_bytes(WHOLE)
    look(arrivals, clock)
    assert "first.jpg" in names(arrivals.ready()), "it has waited long enough"
    look(arrivals, clock, 5)
    assert len(arrivals.ready()) == 32


def test_what_stays_incomplete_is_told_once_and_taken_when_it_is_whole(arrivals: Arrivals, clock: Clock) -> None:
    photo = arrivals.folder / "a.jpg"
    photo.write_bytes(HALF)
    assert not look(arrivals, clock)
    told = [path for _ in range(200) for path in look(arrivals, clock, 5)]
    assert told == [photo]
    assert arrivals.count(State.INCOMPLETE) == 1 and not arrivals.ready()
    photo.write_bytes(WHOLE)
    look(arrivals, clock)
    look(arrivals, clock, 5)
    assert names(arrivals.ready()) == {"a.jpg"}


def test_what_failed_through_no_fault_of_its_own_is_tried_again_ever_more_seldom(
    arrivals: Arrivals, clock: Clock
) -> None:
    photo = arrivals.folder / "a.jpg"
    photo.write_bytes(WHOLE)
    look(arrivals, clock)
    tried = []
    for _ in range(3000):
        look(arrivals, clock, 5)
        if arrivals.ready():
            tried.append(clock.now)
            arrivals.try_again(photo)
    gaps = [after - before for before, after in pairwise(tried)]
    assert gaps[:3] == [60, 120, 240] and max(gaps) == 3600


@pytest.mark.parametrize(
    "name", ["a.jpg.part", "a.crdownload", ".a.jpg.Xy12", "~a.jpg", "a.jpg~", "a.TMP", "a.jpg.filepart", ".DS_Store"]
)
def test_names_of_what_is_not_finished_are_left_and_counted(arrivals: Arrivals, clock: Clock, name: str) -> None:
    (arrivals.folder / name).write_bytes(WHOLE)
    (arrivals.folder / "part of it.jpg").write_bytes(WHOLE)
    look(arrivals, clock)
    look(arrivals, clock, 5)
    assert names(arrivals.ready()) == {"part of it.jpg"}
    assert arrivals.unfinished == 1


def test_a_folder_that_is_away_forgets_nothing(arrivals: Arrivals, clock: Clock) -> None:
    photo = arrivals.folder / "a.jpg"
    photo.write_bytes(WHOLE)
    look(arrivals, clock)
    arrivals.take(photo)
    arrivals.folder.rename(arrivals.folder.with_name("gone"))
    with pytest.raises(FolderAway):
        arrivals.look()
    assert names(arrivals.taken()) == {"a.jpg"}
    arrivals.folder.with_name("gone").rename(arrivals.folder)
    look(arrivals, clock)
    assert names(arrivals.taken()) == {"a.jpg"}
    photo.unlink()
    look(arrivals, clock)
    assert not arrivals.taken() and not arrivals.knows(photo)


def test_folders_of_thumbnails_are_not_looked_into_and_links_not_followed(tmp_path: Path) -> None:
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "@eaDir" / "a.jpg").write_bytes(WHOLE)
    (tmp_path / "around").symlink_to(tmp_path)
    assert set(list_files(tmp_path).files) == {str(tmp_path / "around")}


def test_a_withdrawal_and_a_new_roster_change_what_is_known_and_a_run_does_not(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school")
    roster = tmp_path / "roster.csv"
    roster.write_text("number\n1\n")
    order = Order(tmp_path, tmp_path / "out", tmp_path / "school", (roster,))
    known = what_is_known(order)
    with Guard(recognition=False, school=tmp_path / "school") as guard, guard.recording():
        pass
    assert what_is_known(order) == known
    before = last_change(tmp_path / "school")
    withdraw(store, "020411", (), "a letter", date.today())
    store.close()
    assert last_change(tmp_path / "school") > before
    assert (after := what_is_known(order)) != known
    roster.write_text("number\n2\n")
    assert what_is_known(order) != after


@pytest.mark.parametrize("folder", [".", "in", "../x/in"])
def test_a_file_that_was_taken_is_not_ready_again_however_the_folder_was_written(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    for name in ("x/a.jpg", "x/in/sub/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(WHOLE)
    monkeypatch.chdir(tmp_path / "x")
    arrivals = Arrivals(Path(folder), Timing(settle=1.0), lambda: clock.now)
    arrivals.look()
    clock.now = 5.0
    arrivals.check()
    ready = arrivals.ready()
    assert ready
    for path in ready:
        arrivals.take(path)
    assert arrivals.ready() == frozenset() and arrivals.taken() == ready


def test_a_lock_is_held_by_one_process_and_goes_with_it(tmp_path: Path) -> None:
    hold = "import sys; from pathlib import Path; from imgguard.locking import only_one\n"
    hold += "with only_one(Path(sys.argv[1])) as ours: print(ours, flush=True); sys.stdin.read()"
    lock = tmp_path / "data" / "a.lock"
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "True\n"
    with only_one(lock) as ours:
        assert not ours
    other.kill()
    other.wait()
    with only_one(lock) as ours:
        assert ours


def test_a_zip_of_id_photos_is_not_read_at_every_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(tmp_path, tmp_path / "out", tmp_path / "school", (tmp_path / "ids.zip",))
    with order.known_by[0].open("wb") as stream:
        stream.truncate(17 * 2**20)
    read: list[Path] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or b"")
    known = what_is_known(order)
    assert what_is_known(order) == known and not read
    os.utime(order.known_by[0], (1, 1))
    assert what_is_known(order) != known
