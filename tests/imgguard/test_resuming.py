"""Going on where a run stopped, with fake models: many runs over few small photos."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

import imgguard.engines
import imgguard.events
import imgguard.guard
import imgguard.keys
import imgguard.run_records
from consent import Store
from consent.destinations import Destination, register
from consent.model import Purpose
from imgguard import Guard
from imgguard.digests import Digests, Stamp, place_of, stamp_of
from imgguard.errors import OutputImpossible
from imgguard.identify import Gallery
from imgguard.left_over import left_over
from imgguard.marks import Mark, MarkKind
from imgguard.publication import Publication
from imgguard.types import BoundingBox, CleanedPhoto, Identification, Outcome, PhotoResult
from tests.conftest import TODAY
from tests.fakes import FACE_COLOUR, fake_backends, plain_calibration


@pytest.fixture(autouse=True)
def _fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    backends = fake_backends()
    for module in (imgguard.engines, imgguard.guard, imgguard.keys, imgguard.run_records):
        monkeypatch.setattr(module, "default_backends", lambda: backends)


def draw(path: Path, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(60, 200, (96, 128, 3)).astype(np.uint8)
    pixels[30:62, 40:72] = FACE_COLOUR
    path.parent.mkdir(parents=True, exist_ok=True)
    done, made = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert done
    path.write_bytes(made.tobytes())
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(("a/0.jpg", "a/1.jpg", "b/2.jpg")):
        draw(tmp_path / "photos" / name, number)
    return tmp_path / "photos"


Clean = Callable[..., dict[str, str]]


@pytest.fixture
def clean(photos: Path, tmp_path: Path) -> Clean:
    """Clean the folder; gives what became of each photo."""

    def run(**options: object) -> dict[str, str]:
        how = {name: options.pop(name) for name in ("overwrite", "dry_run", "resume") if name in options}
        known = {"recognition": False, "school": tmp_path / "school", "on": TODAY}
        with Guard(**{**known, **options}) as guard:  # type: ignore[arg-type]
            plan = guard.plan([photos], tmp_path / "out")
            return {short(result): state(result) for result in guard.run(plan, workers=1, **how)}  # type: ignore[arg-type]

    return run


def short(result: PhotoResult) -> str:
    return f"{result.source.parent.name}/{result.source.name}"


def state(result: PhotoResult) -> str:
    return result.refusal.kind if result.refusal else result.status.value


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def rows(tmp_path: Path, what: str = "count(*)") -> list[tuple[object, ...]]:
    with Store(tmp_path / "school") as store:
        return store.query(f"SELECT {what} FROM photos WHERE status = 'published' ORDER BY id")


ALL_DONE = {"a/0.jpg": "done_before", "a/1.jpg": "done_before", "b/2.jpg": "done_before"}
ALL_NEW = dict.fromkeys(ALL_DONE, "published")


def test_a_second_run_does_nothing(clean: Clean, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clean() == ALL_NEW
    before = files(tmp_path / "out")

    def never(*arguments: object) -> CleanedPhoto:
        raise AssertionError("nothing is to be cleaned")

    monkeypatch.setattr(imgguard.engines, "perform", never)
    assert clean() == ALL_DONE
    assert files(tmp_path / "out") == before and rows(tmp_path) == [(3,)]
    assert clean(on=TODAY + timedelta(1)) == ALL_DONE, "a new day alone changes nothing"
    assert clean(dry_run=True) == ALL_DONE


def test_what_changed_is_done_again_and_takes_the_place_of_what_we_published(
    clean: Clean, photos: Path, tmp_path: Path
) -> None:
    clean()
    before = files(tmp_path / "out")
    draw(photos / "a/1.jpg", 7)
    assert clean() == {**ALL_DONE, "a/1.jpg": "published"}
    after = files(tmp_path / "out")
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"a/1.jpg"}
    assert rows(tmp_path, "id, replaces") == [(1, None), (2, None), (3, None), (4, 2)]
    assert clean() == ALL_DONE


@pytest.mark.parametrize(
    "changed", [{"style": "solid"}, {"cover": "head"}, {"format": "png"}, {"credit": "North School"}]
)
def test_other_settings_do_everything_again(clean: Clean, tmp_path: Path, changed: dict[str, str]) -> None:
    clean()
    before = files(tmp_path / "out")
    assert clean(**changed) == ALL_NEW
    assert clean(**changed) == ALL_DONE
    after = files(tmp_path / "out")
    assert not set(before.values()) & set(after.values()) or "format" in changed
    assert clean() == ALL_NEW if "format" not in changed else ALL_DONE


def test_no_resume_does_everything_again_and_replaces_only_what_is_ours(clean: Clean, tmp_path: Path) -> None:
    clean()
    (tmp_path / "out/a/0.jpg").write_bytes(b"somebody else's")
    assert clean(resume=False) == {**ALL_NEW, "a/0.jpg": "output_exists"}
    assert (tmp_path / "out/a/0.jpg").read_bytes() == b"somebody else's"
    assert clean(overwrite=True) == {**ALL_DONE, "a/0.jpg": "published"}


def test_a_photo_that_is_new_is_done_and_one_that_is_gone_stays_published(
    clean: Clean, photos: Path, tmp_path: Path
) -> None:
    clean()
    draw(photos / "a/new.jpg", 9)
    (photos / "b/2.jpg").unlink()
    assert clean() == {"a/0.jpg": "done_before", "a/1.jpg": "done_before", "a/new.jpg": "published"}
    assert set(files(tmp_path / "out")) == {"a/0.jpg", "a/1.jpg", "a/new.jpg", "b/2.jpg"}


def test_what_was_deleted_from_the_output_is_made_again(clean: Clean, tmp_path: Path) -> None:
    clean()
    before = files(tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "a")
    assert clean() == {**ALL_NEW, "b/2.jpg": "done_before"}
    assert files(tmp_path / "out") == before
    assert rows(tmp_path, "replaces") == [(None,), (None,), (None,), (1,), (2,)]


@pytest.mark.parametrize("names", ["keep", "neutral"])
@pytest.mark.parametrize("torn", ["cut", "empty", "zeros", "tail"])
def test_what_the_power_left_of_a_file_is_made_whole(clean: Clean, tmp_path: Path, torn: str, names: str) -> None:
    clean(names=names)
    before = files(tmp_path / "out")
    victim = tmp_path / "out" / next(iter(before))
    whole = victim.read_bytes()
    half = len(whole) // 1024 * 512
    left = {
        "cut": whole[:half],
        "empty": b"",
        "zeros": bytes(len(whole)),
        "tail": whole[:half] + bytes(len(whole) - half),
    }
    victim.write_bytes(left[torn])
    assert sorted(clean(names=names).values()) == ["done_before", "done_before", "published"]
    assert files(tmp_path / "out") == before
    assert set(clean(names=names).values()) == {"done_before"}


def test_a_published_file_whose_record_is_lost_is_recorded_again(clean: Clean, tmp_path: Path) -> None:
    """As after a crash that took the newest records, or where somebody began a new school file."""
    clean()
    before = files(tmp_path / "out")
    foreign = draw(tmp_path / "out/b/2.jpg", 77).read_bytes()
    for path in tmp_path.glob("school*"):
        path.unlink()
    assert clean() == {**ALL_NEW, "b/2.jpg": "output_exists"}
    assert clean() == {**ALL_DONE, "b/2.jpg": "output_exists"}
    assert files(tmp_path / "out") == {**before, "b/2.jpg": foreign}


def test_a_cut_file_that_is_not_ours_is_nobodys_to_replace(clean: Clean, tmp_path: Path) -> None:
    foreign = draw(tmp_path / "out/a/0.jpg", 77)
    foreign.write_bytes(foreign.read_bytes()[:-500])
    before = foreign.read_bytes()
    assert clean() == {**ALL_NEW, "a/0.jpg": "output_exists"}
    assert foreign.read_bytes() == before


def test_what_a_person_had_a_hand_in_is_left_alone(clean: Clean, photos: Path, tmp_path: Path) -> None:
    """Cleaned again without what was said, it would show what somebody covered."""
    from imgguard.pipeline import prepare_photo

    guard = Guard(recognition=False, school=tmp_path / "school", on=TODAY)
    source = photos / "a/0.jpg"
    mark = Mark(MarkKind.COVER, BoundingBox(80, 10, 110, 40), operator="K. Reyes")
    plan = guard.plan([photos], tmp_path / "out")
    digest = Digests(None).of(source)
    rules = replace(guard.rules, marks={digest: (mark,)})
    cleaned = prepare_photo(source, rules, fake_backends())
    guard.publish(cleaned, tmp_path / "out/a/0.jpg", guard.output_folder(plan))
    before = (tmp_path / "out/a/0.jpg").read_bytes()
    for how in ({}, {"resume": False}, {"style": "solid"}):
        assert clean(**how)["a/0.jpg"] == "output_exists"
        assert (tmp_path / "out/a/0.jpg").read_bytes() == before


def test_neutral_names_stay_with_a_photo_that_was_changed(clean: Clean, photos: Path, tmp_path: Path) -> None:
    clean(names="neutral")
    names = set(files(tmp_path / "out"))
    draw(photos / "a/0.jpg", 8)
    (photos / "a/1.jpg").unlink()
    told = clean(names="neutral")
    assert told == {"a/0.jpg": "published", "b/2.jpg": "done_before"}
    assert set(files(tmp_path / "out")) == names


def test_photos_of_one_name_from_two_folders_never_replace_each_other(tmp_path: Path) -> None:
    out, school = tmp_path / "out", tmp_path / "school"
    for number in (1, 2):
        draw(tmp_path / f"card{number}" / "x.jpg", number)
    for _ in range(2):
        for number in (1, 2):
            with Guard(recognition=False, school=school, on=TODAY) as guard:
                list(guard.clean_folder(tmp_path / f"card{number}", out, workers=1))
    assert set(files(out)) == {"x.jpg", "x-2.jpg"}
    assert rows(tmp_path, "replaces") == [(None,), (None,)]


def test_a_run_that_stopped_goes_on_and_ends_like_one_that_did_not(
    clean: Clean, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Guard(recognition=False, school=tmp_path / "undisturbed", on=TODAY) as guard:
        list(guard.clean_folder(photos, tmp_path / "right", workers=1))
    with pytest.raises(KeyboardInterrupt), Guard(recognition=False, school=tmp_path / "school", on=TODAY) as guard:
        for _ in guard.clean_folder(photos, tmp_path / "out", workers=1):
            raise KeyboardInterrupt
    assert sorted(clean().values()) == ["done_before", "published", "published"]
    assert files(tmp_path / "out") == files(tmp_path / "right")


def test_what_goes_to_another_place_is_recorded_there_too(clean: Clean, tmp_path: Path) -> None:
    """The take-down list would not name that place."""
    with Store(tmp_path / "school") as store:
        for name in ("page", "account"):
            place = Destination(name, Purpose.DIVISION_SOCIAL_MEDIA, "there", "M. Ash", "S. Birch", "Elm", TODAY)
            register(store, place, TODAY)
    to_page, to_account = Publication(to="page"), Publication(to="account")
    assert clean(publication=to_page) == ALL_NEW
    assert clean(publication=to_account) == ALL_NEW
    assert clean(publication=to_account) == ALL_DONE
    with Store(tmp_path / "school") as store:
        told = store.query(
            "SELECT destination, count(*), count(replaces) FROM photos JOIN runs ON runs.id = run_id"
            " WHERE status = 'published' GROUP BY destination"
        )
    assert told == [("account", 3, 0), ("page", 3, 0)], "what is on the one is no older version of the other's"


def test_what_lies_beside_a_photo_under_an_older_name_is_told_of(photos: Path, tmp_path: Path) -> None:
    """Nobody in it is covered who withdraws from now on."""
    out, school = tmp_path / "out", tmp_path / "school"

    def older(wanted: str | None) -> set[str]:
        with Guard(recognition=False, school=school, on=TODAY, format=wanted) as guard:
            results = list(guard.clean_folder(photos, out, workers=1))
        return {path.name for path in left_over(school, out, results)}

    assert older(None) == set()
    assert older("png") == {"0.jpg", "1.jpg", "2.jpg"}
    (out / "a/0.jpg").unlink()
    assert older("png") == {"1.jpg", "2.jpg"}
    assert older(None) == {"0.png", "1.png", "2.png"}
    assert left_over(tmp_path / "nowhere", out, []) == ()


def test_an_earlier_version_of_a_photo_that_is_refused_now_is_told_of(photos: Path, tmp_path: Path) -> None:
    """With somebody in it who has withdrawn since, it would go up with the rest of the folder."""
    told: dict[str, PhotoResult] = {}
    for covered in ("cover", "drop"):
        with Guard(recognition=False, covered=covered, school=tmp_path / "school", on=TODAY) as guard:
            told = {short(result): result for result in guard.clean_folder(photos, tmp_path / "out", workers=1)}
    for name, result in told.items():
        assert result.refusal is not None and result.refusal.kind == "photo_withheld"
        assert str(tmp_path / "out" / name) in result.refusal.what
        assert "Take that file away" in result.refusal.remedy


def test_what_somebody_painted_over_is_not_published_beside_it_either(clean: Clean, tmp_path: Path) -> None:
    clean(names="neutral")
    before = files(tmp_path / "out")
    first = tmp_path / "out" / next(iter(before))
    draw(first, 77)
    assert sorted(clean(names="neutral").values()) == ["done_before", "done_before", "output_exists"]
    assert files(tmp_path / "out") == {**before, next(iter(before)): first.read_bytes()}


def test_a_photo_that_was_refused_is_tried_again(clean: Clean, photos: Path) -> None:
    whole = (photos / "a/0.jpg").read_bytes()
    (photos / "a/0.jpg").write_bytes(whole[:600])
    assert clean() == {**ALL_NEW, "a/0.jpg": "photo_truncated"}
    assert clean() == {**ALL_DONE, "a/0.jpg": "photo_truncated"}
    (photos / "a/0.jpg").write_bytes(whole)
    assert clean() == {**ALL_DONE, "a/0.jpg": "published"}


def test_left_parts_of_dead_processes_are_removed_and_those_of_others_are_not(clean: Clean, tmp_path: Path) -> None:
    from imgguard.parts import part_name

    clean()
    own = part_name()
    dead = own.replace(f"-{os.getpid()}-", "-4194305-")
    elsewhere = ".imgguard-00000000-1-abc.part"
    old = ".imgguard-x7_ab.part"
    for name in (own, dead, elsewhere, old, ".imgguard-notes.txt"):
        (tmp_path / "out/a" / name).write_bytes(b"part")
    os.utime(tmp_path / "out/a" / old, (time.time() - 2 * 86400,) * 2)
    clean()
    left = {path.name for path in (tmp_path / "out/a").iterdir() if path.name.startswith(".")}
    assert left == {own, elsewhere, ".imgguard-notes.txt"}


@pytest.fixture
def recognising(tmp_path: Path) -> Callable[[], Guard]:
    """A guard that searches every face in a gallery of nobody."""
    gallery = Gallery.from_references([], calibration=plain_calibration("hash"))

    def guard() -> Guard:
        made = Guard(recognition=False, school=tmp_path / "school", on=TODAY)
        made.rules = replace(made.rules, gallery=gallery)
        return made

    return guard


def results(guard: Guard, photos: Path, out: Path) -> dict[str, str]:
    with guard:
        return {short(result): state(result) for result in guard.clean_folder(photos, out, workers=1)}


def test_what_was_recognised_is_recognised_again_and_nothing_is_done(
    recognising: Callable[[], Guard], photos: Path, tmp_path: Path
) -> None:
    assert results(recognising(), photos, tmp_path / "out") == ALL_NEW
    assert results(recognising(), photos, tmp_path / "out") == ALL_DONE
    draw(photos / "a/new.jpg", 9)
    assert results(recognising(), photos, tmp_path / "out") == {**ALL_DONE, "a/new.jpg": "published"}


def test_a_new_photo_that_contradicts_has_the_others_of_its_event_done_again(
    recognising: Callable[[], Guard], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(recognising(), photos, tmp_path / "out")
    draw(photos / "a/new.jpg", 9)

    def contradict(found: Sequence[Sequence[Identification]], gallery: Gallery) -> list[tuple[Identification, ...]]:
        return [tuple(replace(face, outcome=Outcome.CONTRADICTED, photos=2) for face in faces) for faces in found]

    monkeypatch.setattr(imgguard.events, "link_photos", contradict)
    told = results(recognising(), photos, tmp_path / "out")
    assert told == {**ALL_NEW, "a/new.jpg": "published", "b/2.jpg": "done_before"}
    assert rows(tmp_path, "replaces") == [(None,), (None,), (None,), (1,), (2,), (None,)]
    assert results(recognising(), photos, tmp_path / "out") == dict.fromkeys(told, "done_before")


def settled(path: Path) -> Stamp:
    found = stamp_of(path)
    assert found is not None
    return replace(found, changed_ns=0)


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    with Store(tmp_path / "school") as store:
        digests = Digests(store)
        right = digests.of(path)
        digests.save()
        assert store.query("SELECT count(*) FROM seen") == [(0,)], "changed a moment ago"
        digests.note(path, settled(path), str(right))
        digests.save()
        assert store.query("SELECT place FROM seen") == [(place_of(path),)]
        monkeypatch.setattr(imgguard.digests, "_read", lambda path: "read")
        assert Digests(store).of(path) == right
        before = path.stat()
        path.write_bytes(b"two")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert Digests(store).of(path) == "read", "size and time of change can be made the same, the inode's cannot"


def test_a_digest_is_noted_only_for_what_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    before = settled(path)
    path.write_bytes(b"three")
    with Store(tmp_path / "school") as store:
        digests = Digests(store)
        digests.note(path, before, "old")
        path.unlink()
        digests.note(path, before, "old")
        digests.save()
        assert store.query("SELECT count(*) FROM seen") == [(0,)]
        assert digests.of(path) is None and digests.of(tmp_path) is None


def test_a_full_disk_leaves_nothing_half_and_the_next_run_ends_it(
    clean: Clean, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imgguard.output import OutputFolder

    real, calls = OutputFolder._move, []

    def full(self: OutputFolder, staged: Path, target: Path, replacing: bool) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OutputImpossible("disk full", "Free some space.")
        real(self, staged, target, replacing)

    monkeypatch.setattr(OutputFolder, "_move", full)
    assert sorted(clean().values()) == ["not_reached", "output_impossible", "published"]
    assert len(files(tmp_path / "out")) == 1
    with Store(tmp_path / "school") as store:
        assert store.query("SELECT count(*) FROM intents") == [(0,)]
    assert sorted(clean().values()) == ["done_before", "published", "published"]
