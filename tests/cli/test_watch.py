"""`imgguard watch` as a process, as a service would run it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from consent.store import Store
from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene
from tests.watched import COMMAND, Watching, until

NOBODY = "--no-recognition"
posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def jpeg(seed: int) -> bytes:
    return as_bytes(Image.fromarray(scene(160, 120, seed)), "JPEG", quality=90)


def rows(school: Path, sql: str) -> list[tuple[object, ...]]:
    with Store(school) as store:
        return store.query(sql)


@posix
def test_a_file_that_is_written_slowly_is_published_only_when_it_is_whole(tmp_path: Path) -> None:
    content = jpeg(1)
    with Watching(tmp_path, NOBODY) as watching:
        slow = watching.folder / "slow.jpg"
        with slow.open("wb") as stream:
            for at in range(0, len(content) - 100, len(content) // 3):
                stream.write(content[at : min(at + len(content) // 3, len(content) - 100)])
                stream.flush()
                watching.looks(1)
            # Another one, renamed into its place, goes its way meanwhile.
            (watching.folder / "other.jpg.part").write_bytes(jpeg(2))
            watching.looks(4)
            assert watching.published() == []
            (watching.folder / "other.jpg.part").rename(watching.folder / "other.jpg")
            watching.until(lambda: watching.published() == ["other.jpg"])
            watching.looks(3)
            assert watching.published() == ["other.jpg"], "what lies still without its end is not published"
            stream.write(content[-100:])
        watching.until(lambda: watching.published() == ["other.jpg", "slow.jpg"])
        watching.until(lambda: len(watching.events("batch")) == 2)
        assert watching.end() == 0
    assert rows(watching.school, "SELECT count(*) FROM photos WHERE status = 'refused'") == [(0,)]


@posix
def test_a_restart_does_what_is_left_and_nothing_twice(tmp_path: Path) -> None:
    with Watching(tmp_path, NOBODY) as watching:
        for number in range(3):
            (watching.folder / f"{number}.jpg").write_bytes(jpeg(number))
        watching.until(lambda: len(watching.published()) == 3)
        watching.process.send_signal(signal.SIGKILL)
        watching.process.wait()
    (watching.folder / "class").mkdir()
    (watching.folder / "class" / "3.jpg").write_bytes(jpeg(3))
    with Watching(tmp_path, NOBODY) as watching:
        watching.until(lambda: watching.published() == ["0.jpg", "1.jpg", "2.jpg", "class/3.jpg"])
        watching.until(lambda: watching.events("batch"))
        assert watching.end() == 0
    last = watching.events("batch")[-1]
    assert (last["published"], last["done_before"]) == (1, 3)
    assert rows(watching.school, "SELECT count(*) FROM photos WHERE status = 'published'") == [(4,)]
    assert not list(watching.out.rglob(".imgguard-*"))


@posix
def test_sigterm_ends_it_with_0_and_leaves_only_whole_and_recorded_files(tmp_path: Path) -> None:
    with Watching(tmp_path, NOBODY) as watching:
        for number in range(25):
            (watching.folder / f"{number:02}.jpg").write_bytes(jpeg(number))
        watching.until(watching.published)
        assert watching.end() == 0
    published = [watching.out / name for name in watching.published()]
    assert 0 < len(published) < 25
    assert not list(watching.out.rglob(".imgguard-*"))
    assert all(path.read_bytes().endswith(b"\xff\xd9") for path in published)
    assert rows(watching.school, "SELECT count(*) FROM photos WHERE status = 'published'") == [(len(published),)]
    assert watching.events()[-1]["event"] == "stopped"


@posix
def test_a_folder_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    with Watching(tmp_path, NOBODY) as watching:
        (watching.folder / "1.jpg").write_bytes(jpeg(1))
        watching.until(lambda: watching.published() == ["1.jpg"])
        watching.folder.rename(tmp_path / "elsewhere")
        watching.until(lambda: watching.events("away"))
        (tmp_path / "elsewhere" / "2.jpg").write_bytes(jpeg(2))
        watching.looks(2)
        assert watching.published() == ["1.jpg"]
        (tmp_path / "elsewhere").rename(watching.folder)
        watching.until(lambda: watching.published() == ["1.jpg", "2.jpg"])
        assert watching.events("back")
        assert watching.end() == 0
    assert rows(watching.school, "SELECT count(*) FROM photos") == [(2,)], "nothing is done twice"


@posix
def test_an_empty_folder_in_its_place_and_its_return_do_nothing_twice(tmp_path: Path) -> None:
    """So it looks where a drive is not mounted."""
    with Watching(tmp_path, NOBODY) as watching:
        (watching.folder / "1.jpg").write_bytes(jpeg(1))
        watching.until(lambda: watching.events("batch"))
        watching.folder.rename(tmp_path / "elsewhere")
        watching.folder.mkdir()
        watching.looks(2)
        watching.folder.rmdir()
        (tmp_path / "elsewhere").rename(watching.folder)
        watching.until(lambda: len(watching.events("batch")) == 2)
        assert watching.events("batch")[-1]["done_before"] == 1
        assert watching.end() == 0
    assert rows(watching.school, "SELECT count(*) FROM photos") == [(1,)]


@posix
def test_what_cannot_be_cleaned_is_told_once_and_tried_again_when_it_changes(tmp_path: Path) -> None:
    with Watching(tmp_path, NOBODY) as watching:
        bad = watching.folder / "amina.jpg"
        bad.write_bytes(b"\xff\xd8\xff\xe0\0\x04ab\xff\xd9")
        (watching.folder / "link.jpg").symlink_to(bad)
        watching.until(lambda: len(watching.events("refused")) == 2)
        watching.looks(4)
        assert len(watching.events("refused")) == 2
        assert {one["reason"] for one in watching.events("refused")} == {"photo_broken", "link_refused"}
        watching.until(lambda: "amina.jpg" in watching.troubles.read_text())
        assert watching.troubles.stat().st_mode & 0o77 == 0
        (watching.folder / "link.jpg").unlink()
        bad.write_bytes(jpeg(1))
        watching.until(lambda: watching.published() == ["amina.jpg"])
        watching.until(lambda: watching.troubles.read_text() == "")
        assert watching.end() == 0


@posix
def test_what_stays_incomplete_is_told(tmp_path: Path) -> None:
    from imgguard.arrivals import Timing
    from imgguard.watching import Order, Watch

    told: list[str] = []
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "half.jpg").write_bytes(jpeg(1)[:-200])
    order = Order(folder, tmp_path / "out", tmp_path / "school", timing=Timing(0.0, patience=0.0))

    class Enough(Exception):
        pass

    def tell(event: str, facts: object) -> None:
        told.append(event)
        if event == "incomplete":
            raise Enough

    def nobody() -> object:
        from imgguard import Guard

        return Guard(recognition=False, school=order.school)

    watch = Watch(order, nobody, tell)  # type: ignore[arg-type]
    with pytest.raises(Enough):
        watch.run()
    assert told == ["watching", "incomplete"]
    assert [why.kind for why in watch.troubles.values()] == ["photo_incomplete"]
    assert not (tmp_path / "out").exists()


@posix
def test_one_folder_is_watched_by_one_process(tmp_path: Path) -> None:
    with Watching(tmp_path, NOBODY) as watching:
        watching.until(lambda: watching.events("watching"))
        second = subprocess.run(watching.arguments, capture_output=True, text=True, timeout=60)
        assert second.returncode == 4
        assert "another process watches it" in second.stderr
        assert watching.end() == 0


@pytest.mark.parametrize(
    ("out", "code", "told"), [("in/out", 4, "inside the input"), ("out", 2, "--no-recognition")], ids=["nested", "who"]
)
def test_what_cannot_begin_says_so_and_ends(tmp_path: Path, out: str, code: int, told: str) -> None:
    (tmp_path / "in").mkdir()
    command = [*COMMAND, "watch", str(tmp_path / "in"), "-o", str(tmp_path / out)]
    options = [NOBODY] if code == 4 else []
    run = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert run.returncode == code
    assert told in run.stderr


def _one_row(roster: Path, answer: str) -> None:
    header, *people = (SAMPLES / "roster.csv").read_text(encoding="utf-8").splitlines()
    person = dict(
        zip(header.split(","), next(row for row in people if row.startswith("020596")).split(","), strict=True)
    )
    person |= {"school_website": answer, "biometric_ok": "yes", "do_not_publish": "", "valid_until": "2035-06-30"}
    new = roster.with_suffix(".new")
    new.write_text(f"{header}\n{','.join(person.values())}\n", encoding="utf-8")
    new.replace(roster)


@posix
def test_whose_consent_is_taken_back_is_covered_from_then_on(tmp_path: Path) -> None:
    roster, ids = tmp_path / "roster.csv", tmp_path / "ids"
    ids.mkdir()
    for photo in (SAMPLES / "id_photos").glob("020596*"):
        shutil.copy(photo, ids)
    _one_row(roster, "yes")
    who = ("--roster", roster, "--id-photos", ids, "--purpose", "school_website")
    with Watching(tmp_path, *who) as watching:
        shutil.copy(SAMPLES / "event" / "event_09_one.jpg", watching.folder / "noah.jpg")
        watching.until(lambda: len(watching.events("photo")) == 1)
        assert watching.events("photo")[0]["faces"]["kept"] == 1, "the person is known, and may be seen"
        visible = (watching.out / "noah.jpg").read_bytes()
        _one_row(roster, "no")
        watching.until(lambda: watching.events("changed"))
        watching.until(lambda: len(watching.events("photo")) == 2)
        assert watching.events("photo")[1]["faces"] == {"kept": 0, "covered": 1, "cropped_out": 0, "not_faces": 0}
        until(lambda: (watching.out / "noah.jpg").read_bytes() != visible)
        # A roster that cannot be read stops everything: nothing is published by what was known before.
        roster.write_text("nothing")
        watching.until(lambda: watching.events("waiting"))
        shutil.copy(SAMPLES / "event" / "event_09_one.jpg", watching.folder / "rowe.jpg")
        watching.looks(3)
        assert watching.published() == ["noah.jpg"]
        assert watching.events("waiting")[-1]["reason"] == "roster_error"
        assert watching.end() == 0
    said = watching.log.read_text() + watching.errors.read_text()
    names = ["noah", "rowe", "020596", "roster.csv", "event_09"]
    _, *people = (SAMPLES / "roster.csv").read_text(encoding="utf-8").splitlines()
    names += [part for row in people for part in row.split(",")[1:3]]
    assert not [name for name in names if name.lower() in said.lower()]
    assert "roster" in watching.troubles.read_text(), "what to do is told to the operator alone"


@posix
def test_a_school_that_wants_a_passphrase_from_nobody_ends_with_4(tmp_path: Path) -> None:
    from tests.schools import PASSPHRASE, sample_school

    (tmp_path / "in").mkdir()
    store, _ = sample_school(tmp_path / "school", "020411", passphrase=PASSPHRASE)
    store.close()
    command = [*COMMAND, "watch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--purpose", "school_website"]
    told = subprocess.run(
        [*command, "--school", str(tmp_path / "school")], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert told.returncode == 4
    assert "--passphrase-file" in told.stderr
