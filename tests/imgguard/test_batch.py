from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import imgguard.engines
import imgguard.events
from consent import RecordError, Store
from consent.policy import Reason
from imgguard import (
    Gallery,
    Guard,
    Identification,
    OutputExists,
    PhotoTooLarge,
    PhotoTruncated,
    SetupError,
    Status,
)
from imgguard.backends import default_backends
from imgguard.engines import worker_rules
from imgguard.errors import PhotoChanged, WeightsError
from imgguard.pipeline import examine_photo, prepare_photo
from imgguard.recorder import Recorder
from imgguard.tasks import Outcome, Task, perform
from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene

FACE = SAMPLES / "event" / "event_09_one.jpg"


def put_scene(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(Image.fromarray(scene(seed=seed)), "JPEG", quality=92))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for index in range(4):
        put_scene(tmp_path / "photos" / f"{index}.jpg", index)
    return tmp_path / "photos"


@pytest.fixture
def own_guard(tmp_path: Path) -> Guard:
    return Guard(recognition=False, school=tmp_path / "record")


def test_every_photo_is_published_and_recorded(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    with own_guard:
        results = list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))
    assert [result.status for result in results] == [Status.PUBLISHED] * 4
    with Store(tmp_path / "record") as store:
        recorded = dict(store.query("SELECT source_sha256, output_sha256 FROM photos"))  # type: ignore[arg-type]
        assert recorded == {result.sha256: result.output_sha256 for result in results}
        assert store.query("SELECT count(*) FROM runs WHERE finished_at IS NOT NULL") == [(1,)]


def test_workers_publish_the_same_bytes(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    one = list(own_guard.clean_folder(photos, tmp_path / "one", workers=1))
    two = list(own_guard.clean_folder(photos, tmp_path / "two", workers=2))
    assert {r.source.name: r.output_sha256 for r in one} == {r.source.name: r.output_sha256 for r in two}


def test_one_bad_photo_does_not_stop_the_rest(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    (photos / "1.jpg").write_bytes((photos / "1.jpg").read_bytes()[:2000])
    results = {r.source.name: r for r in own_guard.clean_folder(photos, tmp_path / "out", workers=1)}
    assert results["1.jpg"].refusal is not None
    assert results["1.jpg"].refusal.kind == "photo_truncated"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.jpg", "2.jpg", "3.jpg"]
    with Store(tmp_path / "record") as store:
        assert store.query("SELECT refusal FROM photos WHERE status = 'refused'") == [("photo_truncated",)]


def test_a_second_run_overwrites_nothing(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))
    (tmp_path / "out" / "0.jpg").write_bytes(b"touched")
    again = list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))
    told = {result.source.name: result.refusal.kind if result.refusal else result.status.value for result in again}
    assert told == {"0.jpg": "output_exists", **dict.fromkeys(("1.jpg", "2.jpg", "3.jpg"), "done_before")}
    assert (tmp_path / "out" / "0.jpg").read_bytes() == b"touched"
    forced = list(own_guard.clean_folder(photos, tmp_path / "out", workers=1, overwrite=True))
    assert {result.source.name: result.status.value for result in forced} == {**told, "0.jpg": "published"}


def test_a_dry_run_publishes_and_records_nothing(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    results = list(own_guard.clean_folder(photos, tmp_path / "out", workers=1, dry_run=True))
    assert [result.status for result in results] == [Status.DRY_RUN] * 4
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "record").exists()


def test_a_worker_that_dies_takes_one_photo_and_not_the_run(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker processes import the module anew, so they are made to die by what they are asked to do."""
    monkeypatch.setattr(imgguard.engines, "_perform", deadly_work)
    results = {r.source.name: r for r in own_guard.clean_folder(photos, tmp_path / "out", workers=2)}
    assert len(results) == 4
    refused = {name: result.refusal.kind for name, result in results.items() if result.refusal}
    assert refused == {"2.jpg": "worker_died"}


def deadly_work(task: Task) -> Outcome:
    if task.source.name == "2.jpg":
        os.kill(os.getpid(), signal.SIGKILL)
    return perform(task, worker_rules(), default_backends())


def test_a_full_disk_ends_the_run_and_lists_what_was_not_reached(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    results = list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))
    kinds = [result.refusal.kind if result.refusal else "published" for result in results]
    assert kinds == ["published", "output_impossible", "not_reached", "not_reached"]
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_what_cannot_be_recorded_is_not_published(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Store, run_id: int, photo: object) -> int:
        raise RecordError("the record is broken", "Mend it.")

    monkeypatch.setattr(Store, "add_photo", broken)
    with pytest.raises(RecordError):
        list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_what_cannot_be_published_is_not_recorded(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0.jpg").write_bytes(b"there")
    with pytest.raises(OutputExists):
        own_guard.clean(photos / "0.jpg", tmp_path / "out")
    own_guard.clean(photos / "1.jpg", tmp_path / "out")
    with Store(tmp_path / "record") as store:
        assert store.query("SELECT count(*) FROM photos WHERE status = 'published'") == [(1,)]


def test_a_published_photo_that_another_program_has_open_is_refused_alone(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows does not let go of a file that somebody looks at."""
    assert len(list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))) == 4
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    replace_file = Path.replace

    def replace_unless_open(self: Path, target: Path) -> Path:
        if Path(target).name == "1.jpg":
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", replace_unless_open)
    with Guard(recognition=False, credit="Photo club", school=tmp_path / "record") as other:
        results = list(other.clean_folder(photos, tmp_path / "out", workers=1))
    assert {path.name: path.read_bytes() == before[path.name] for path in (tmp_path / "out").iterdir()} == {
        "0.jpg": False, "1.jpg": True, "2.jpg": False, "3.jpg": False
    }  # fmt: skip
    refused = [result for result in results if result.refusal]
    assert [result.source.name for result in refused] == ["1.jpg"]
    assert "Close whatever shows this file" in refused[0].refusal.remedy
    with Store(tmp_path / "record") as store:
        assert store.query("SELECT count(*) FROM photos WHERE status = 'published'") == [(7,)]


def test_a_commit_that_fails_takes_the_file_back(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    own_guard.clean(photos / "0.jpg", tmp_path / "out")

    @contextmanager
    def atomic(self: Store) -> Iterator[None]:
        yield
        raise RecordError("disk full at commit", "Free some space.")

    monkeypatch.setattr(Store, "atomic", atomic)
    with pytest.raises(RecordError):
        own_guard.clean(photos / "1.jpg", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.jpg"]


@pytest.mark.parametrize(
    ("name", "names", "told"),
    [
        ("IMG_0001", "auto", set()),
        ("Freya Lindqvist wins", "auto", {"Freya", "Lindqvist"}),
        # Published under it: the take-down list has to say so.
        ("Freya Lindqvist wins", "keep", {"Freya", "Lindqvist"}),
    ],
)
def test_the_record_names_nobody_but_where_a_file_does(
    make_guard: Callable[..., Guard], tmp_path: Path, name: str, names: str, told: set[str]
) -> None:
    source = tmp_path / f"{name}.jpg"
    source.write_bytes((SAMPLES / "event" / "event_05_two.jpg").read_bytes())
    guard = make_guard(school=tmp_path / "record", names=names)
    with guard:
        guard.clean(source, tmp_path / "out")
    people = [line.split(",")[1:3] for line in (SAMPLES / "roster.csv").read_text().splitlines()[1:]]
    with Store(tmp_path / "record") as store:
        assert store.query("SELECT subject_id FROM faces WHERE subject_id IS NOT NULL") == [("020559",)]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("record*"))
    assert {word for pair in people for word in pair if word.encode() in stored} == told
    assert str(tmp_path).encode() not in stored


def test_errors_of_a_single_photo_are_raised(own_guard: Guard, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(FACE.read_bytes()[:5000])
    with pytest.raises(PhotoTruncated):
        own_guard.clean(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"roster": SAMPLES / "roster.csv"},
        {"roster": SAMPLES / "roster.csv", "id_photos": SAMPLES / "id_photos", "purpose": "fame"},
        {"roster": SAMPLES / "roster.csv", "id_photos": SAMPLES / "nowhere", "purpose": "yearbook"},
        {"recognition": False, "style": "gaussian"},
        {"recognition": False, "format": "raw"},
    ],
)
def test_a_guard_without_what_it_needs_says_so(options: dict[str, object]) -> None:
    with pytest.raises(SetupError) as caught:
        Guard(**options)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_a_missing_model_stops_the_run_and_is_no_fault_of_a_photo(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: object) -> object:
        raise WeightsError("model missing", "Install again.")

    monkeypatch.setattr("imgguard.pipeline.detect_faces", missing)
    with pytest.raises(WeightsError):
        list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))


def test_stopping_with_ctrl_c_leaves_only_whole_files(tmp_path: Path) -> None:
    for index in range(30):
        put_scene(tmp_path / "photos" / f"{index:02}.jpg", index)
    out, record = tmp_path / "out", tmp_path / "record"
    command = [sys.executable, "-c", "from cli.main import main; main()", "clean", str(tmp_path / "photos")]
    options = ["-o", str(out), "--no-recognition", "--school", str(record), "--workers", "2"]
    run = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(out.glob("*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    told, _ = run.communicate(timeout=60)
    published = sorted(out.glob("*"))
    assert run.returncode == 130
    assert 0 < len(published) < 30
    assert f"{len(published)} of 30 photos" in told
    assert all(path.suffix == ".jpg" and path.read_bytes().endswith(b"\xff\xd9") for path in published)
    with Store(record) as store:
        assert store.query("SELECT count(*) FROM photos") == [(len(published),)]


def test_workers_end_with_the_main_process_however_it_ends(tmp_path: Path) -> None:
    for index in range(40):
        put_scene(tmp_path / "photos" / f"{index:02}.jpg", index)
    command = [sys.executable, "-c", "from cli.main import main; main()", "clean", str(tmp_path / "photos")]
    options = ["-o", str(tmp_path / "out"), "--no-recognition", "--school", str(tmp_path / "record"), "--workers", "2"]
    run = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    if not children.exists():
        run.kill()
        pytest.skip("this system does not tell a process's children")
    workers = [Path("/proc") / pid for pid in children.read_text().split()]
    assert len(workers) >= 2
    run.kill()
    run.wait()
    while any(worker.exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(worker.exists() for worker in workers)


def test_an_interrupted_run_is_not_recorded_as_finished(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), own_guard:
        for _ in own_guard.clean_folder(photos, tmp_path / "out", workers=1):
            raise KeyboardInterrupt
    with Store(tmp_path / "record") as store:
        assert store.query("SELECT finished_at FROM runs") == [(None,)]


def test_neither_record_nor_id_photos_nor_roster_can_be_published_or_overwritten(
    photos: Path, make_guard: Callable[..., Guard], tmp_path: Path
) -> None:
    import shutil

    with pytest.raises(SetupError, match="school file"):
        Guard(recognition=False, school=tmp_path / "out" / "record").plan([photos], tmp_path / "out")
    ids = tmp_path / "ids"
    shutil.copytree(SAMPLES / "id_photos", ids)
    school = make_guard(id_photos=ids)
    before = (ids / "020411.jpg").read_bytes()
    for out in (ids, ids / "020411.jpg", tmp_path):
        with pytest.raises(SetupError):
            school.clean(put_scene(tmp_path / "one" / "020411.jpg"), out, overwrite=True)
    assert (ids / "020411.jpg").read_bytes() == before


def test_id_photos_are_not_taken_for_event_photos(make_guard: Callable[..., Guard], tmp_path: Path) -> None:
    for given in (SAMPLES, SAMPLES / "id_photos", SAMPLES / "id_photos" / "020411.jpg"):
        with pytest.raises(SetupError, match="ID photos"):
            make_guard().plan([given], tmp_path / "out")
    assert make_guard().plan([SAMPLES / "event"], tmp_path / "out").jobs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["imgguard.output.OutputFolder._move", "consent.store.Store.add_photo"])
def test_a_signal_while_publishing_leaves_file_and_record_agreed(
    photos: Path, own_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, number: signal.Signals
) -> None:
    from pydoc import locate

    real = locate(moment)

    def interrupted(*args: object) -> object:
        result = real(*args)  # type: ignore[operator]
        signal.raise_signal(number)
        return result

    old = signal.signal(signal.SIGTERM, signal.default_int_handler)
    monkeypatch.setattr(moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        own_guard.clean(photos / "0.jpg", tmp_path / "out")
    signal.signal(signal.SIGTERM, old)
    monkeypatch.undo()
    with Store(tmp_path / "record") as store:
        assert store.query("SELECT count(*) FROM photos") == [(1,)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.jpg"]


def test_a_script_in_which_no_worker_can_start_is_told_so(photos: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from imgguard import Guard\n"
        f"guard = Guard(recognition=False, school={str(tmp_path / 'record')!r})\n"
        f"print(list(guard.clean_folder({str(photos)!r}, {str(tmp_path / 'out')!r}, workers=2)))\n"
    )
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Worker processes cannot be started" in run.stderr
    assert "worker_died" not in run.stdout


def test_record_and_report_are_for_the_operator_alone(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    own_guard.clean(photos / "0.jpg", tmp_path / "out")
    assert (tmp_path / "record").stat().st_mode & 0o077 == 0


def test_a_refused_photo_is_recorded_by_its_digest(photos: Path, own_guard: Guard, tmp_path: Path) -> None:
    import hashlib

    bad = photos / "bad.jpg"
    bad.write_bytes((photos / "1.jpg").read_bytes()[:1500])
    list(own_guard.clean_folder(photos, tmp_path / "out", workers=1))
    with Store(tmp_path / "record") as store:
        rows = store.query("SELECT source_sha256 FROM photos WHERE status = 'refused'")
    assert rows == [(hashlib.sha256(bad.read_bytes()).hexdigest(),)]


def test_a_picture_too_long_for_its_container_is_refused_by_name(own_guard: Guard, tmp_path: Path) -> None:
    long = tmp_path / "long.png"
    long.write_bytes(as_bytes(Image.new("RGB", (17_000, 40), "grey"), "PNG"))
    with pytest.raises(PhotoTooLarge, match="webp"):
        own_guard.clean(long, tmp_path / "long.webp")


def test_a_recorder_records_refusals_by_kind_alone(tmp_path: Path) -> None:
    from consent.store import RunRecord
    from imgguard.recorder import refused
    from imgguard.types import Refusal

    with Store(tmp_path / "record") as store:
        recorder = Recorder.begin(store, RunRecord("0", None, False, "blur", None, 0, None, {}))
        recorder.refuse(refused(Path("/home/x/Freya.jpg"), Refusal("photo_broken", "/home/x/Freya.jpg: bad", "")))
        assert store.query("SELECT refusal, source_sha256 FROM photos") == [("photo_broken", None)]


def event_of(tmp_path: Path, *names: str) -> Path:
    """A folder with some of the sample school's event photos."""
    event = tmp_path / "event"
    event.mkdir()
    for name in names:
        shutil.copy(SAMPLES / "event" / name, event / name)
    return event


def contradict(photos: Sequence[Sequence[Identification]], gallery: Gallery) -> tuple[tuple[Identification, ...], ...]:
    return tuple(
        tuple(replace(face, outcome=imgguard.Outcome.CONTRADICTED, photos=2) for face in found) for found in photos
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_what_photos_tell_each_other_decides(
    workers: int, make_guard: Callable[..., Guard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = event_of(tmp_path, "event_04_classroom.jpg", "event_10_visitors.jpg")
    guard = make_guard(purpose="school_website")
    alone = [face for result in guard.clean_folder(event, tmp_path / "a", workers=workers) for face in result.faces]
    assert any(face.cover is None for face in alone)
    monkeypatch.setattr(imgguard.events, "link_photos", contradict)
    told = []
    plan = guard.plan([event], tmp_path / "b")
    results = list(guard.run(plan, workers=workers, examined=lambda done, total: told.append((done, total))))
    faces = [face for result in results for face in result.faces]
    assert len(faces) == len(alone)
    assert {face.decision.reason for face in faces} == {Reason.CONTRADICTED}
    assert all(face.cover is not None and face.photos == 2 for face in faces)
    assert told == [(1, 2), (2, 2)]


def test_a_photo_that_has_changed_since_it_was_examined_is_refused(make_guard: Callable[..., Guard]) -> None:
    """Who is in it was told by other photos, for another picture."""
    rules, backends = make_guard(purpose="school_website").rules, default_backends()
    path = SAMPLES / "event" / "event_04_classroom.jpg"
    known = examine_photo(path, rules, backends)
    assert any(face.cover is None for face in prepare_photo(path, rules, backends, known).faces)
    covering = replace(known, found=contradict([known.found], rules.gallery)[0])
    assert not any(face.cover is None for face in prepare_photo(path, rules, backends, covering).faces)
    with pytest.raises(PhotoChanged, match=r"event_04_classroom\.jpg: was changed"):
        prepare_photo(path, rules, backends, replace(known, scene=replace(known.scene, sha256="0" * 64)))


def test_a_run_that_goes_on_is_told_by_the_photos_that_are_done(
    make_guard: Callable[..., Guard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = event_of(tmp_path, "event_04_classroom.jpg", "event_09_one.jpg")
    guard = make_guard(purpose="school_website")
    list(guard.clean_folder(event, tmp_path / "out", workers=1))
    (tmp_path / "out" / "event_09_one.jpg").unlink()
    asked = []
    real = imgguard.events.link_photos
    monkeypatch.setattr(imgguard.events, "link_photos", lambda photos, g: asked.append(len(photos)) or real(photos, g))
    results = list(guard.clean_folder(event, tmp_path / "out", workers=1))
    assert asked == [2]
    assert [r.status for r in results] == [Status.DONE_BEFORE, Status.PUBLISHED]


def test_a_photo_that_cannot_be_examined_is_refused_and_the_others_are_linked(
    make_guard: Callable[..., Guard], tmp_path: Path
) -> None:
    event = event_of(tmp_path, "event_04_classroom.jpg")
    (event / "b.jpg").write_bytes((event / "event_04_classroom.jpg").read_bytes()[:3000])
    results = {
        r.source.name: r for r in make_guard(purpose="school_website").clean_folder(event, tmp_path / "o", workers=1)
    }
    assert results["event_04_classroom.jpg"].refusal is None
    assert results["b.jpg"].refusal is not None and results["b.jpg"].refusal.kind == "photo_truncated"
