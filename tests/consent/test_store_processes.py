"""Several processes, and processes that die: real ones."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from consent import RecordError, Store, audit
from consent.store import RunRecord
from tests.conftest import ROOT
from tests.schools import begin_run

_WRITER = """
    import sys
    from pathlib import Path
    from consent import Store, audit
    from consent.store import PhotoRecord, RunRecord, FaceRecord
    from tests.schools import begin_run
    sys.stdin.readline()
    face = FaceRecord(1.0, 2.0, 3.0, 4.0, 0.9, "match", 0.7, "cover", "refused", "020485")
    for n in range(int(sys.argv[2])):
        with Store(Path(sys.argv[1])) as store:
            run = begin_run(store, RunRecord("0.1.0", "yearbook", True, "blur", None, 1, 0.5, {}))
            for _ in range(5):
                with store.atomic():
                    store.add_photo(run, PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, (face,) * 3))
                    audit.append(store, audit.Kind.PUBLISHED, {"run": run})
        print("done", flush=True)
"""


def start(path: Path, rounds: int, script: str = _WRITER) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", textwrap.dedent(script), str(path), str(rounds)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)


def told_by(started: list[subprocess.Popen[bytes]]) -> list[bytes]:
    """Let all of them go at once, and give what they print; none may fail, or be told that the file is busy."""
    time.sleep(2)
    for one in started:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=120) for one in started]
    assert [(one.returncode, err.decode()) for one, (_, err) in zip(started, told, strict=True)] == [(0, "")] * 6
    return [out for out, _ in told]


def whole(path: Path) -> int:
    """Check a file that was written to, and give how many photos are in it."""
    with Store(path) as store:
        assert store.query("PRAGMA integrity_check") == [("ok",)]
        assert store.query("PRAGMA foreign_key_check") == []
        trail = audit.entries(store)
        before = audit.GENESIS
        for place, entry in enumerate(trail, 1):
            assert (entry.seq, entry.prev, entry.digest) == (place, before, entry.computed())
            before = entry.digest
        ((photos, faces),) = store.query("SELECT (SELECT count(*) FROM photos), (SELECT count(*) FROM faces)")
        assert isinstance(photos, int) and faces == 3 * photos and len(trail) == photos
        return photos


def test_processes_that_make_and_write_one_file_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "school"
    writers = [start(path, 10) for _ in range(6)]
    assert [out.count(b"done") for out in told_by(writers)] == [10] * 6
    assert whole(path) == 6 * 10 * 5


def test_a_file_that_several_processes_make_at_the_same_moment_is_usable_for_each(tmp_path: Path) -> None:
    openers = """
        import sys
        from pathlib import Path
        from consent import Store
        sys.stdin.readline()
        for n in range(60):
            with Store(Path(sys.argv[1]) / str(n)) as store:
                store.query("SELECT count(*) FROM photos")
    """
    told_by([start(tmp_path, 0, openers) for _ in range(6)])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_process_that_is_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "school"
    chance, written = random.Random(5), []
    for _ in range(8):
        writer = start(path, 10_000)
        assert writer.stdin is not None and writer.stdout is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.15))
        assert writer.poll() is None, "the control: it was at work"
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        written.append(whole(path))
    assert written == sorted(set(written)), "what was committed before stays"


def test_a_file_that_somebody_keeps_locked_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.store._BUSY_S", 0.2)
    with Store(tmp_path / "school") as one, Store(tmp_path / "school") as other:
        with one.atomic(), pytest.raises(RecordError, match="locked"):
            begin_run(other, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))
        begin_run(other, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))


def test_opening_a_file_that_is_up_to_date_does_not_wait_for_a_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.store._BUSY_S", 0.2)
    with Store(tmp_path / "school") as one, one.atomic(), Store(tmp_path / "school") as other:
        assert other.query("SELECT count(*) FROM runs") == [(0,)]


def test_a_transaction_inside_another_is_part_of_it(tmp_path: Path) -> None:
    def note(store: Store, name: str) -> None:
        store.insert_row("mappings", {"name": name, "saved_at": "x", "content": "x"})

    with Store(tmp_path / "school") as store:
        with store.atomic():
            note(store, "outer")
            with pytest.raises(ValueError), store.atomic():
                note(store, "undone")
                raise ValueError
            with store.atomic():
                note(store, "inner")
        with pytest.raises(ValueError), store.atomic():
            with store.atomic():
                note(store, "undone too")
            raise ValueError
        assert store.query("SELECT name FROM mappings ORDER BY name") == [("inner",), ("outer",)]
