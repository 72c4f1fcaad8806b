from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from consent.model import Subject
from consent.store import Renamed
from imgguard.known_names import KnownNames
from imgguard.planning import Plan, plan_run
from imgguard.targets import Naming
from imgguard.types import Names
from tests.pictures import as_bytes

EMMA = Subject("020411", "Emma", "Nguyen")
AUTO = Naming(known=KnownNames.of([EMMA]))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def put(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = (len(list(folder.rglob("*"))), number, 0)
        path.write_bytes(as_bytes(Image.new("RGB", (8, 8), colour), "PNG" if path.suffix == ".png" else "JPEG"))


def named(plan: Plan) -> dict[str, str]:
    base = Path(os.path.commonpath([job.source.parent for job in plan.jobs]))
    return {job.source.relative_to(base).as_posix(): job.target.relative_to(plan.out).as_posix() for job in plan.jobs}


def published(plan: Plan, base: Path, only: Sequence[str] | None = None) -> list[Renamed]:
    """Do as a run does: write the files, and give what the record then holds."""
    records = []
    for job in plan.jobs:
        name = job.source.relative_to(base).as_posix()
        if job.target.exists() or (only is not None and name not in only):
            continue
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(b"cleaned " + job.source.read_bytes())
        if job.replaced is not None:
            digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (job.source, job.target)]
            records.append(Renamed(*digests, job.replaced.as_posix(), job.target.relative_to(plan.out).as_posix()))
    return records


def after(*runs: list[Renamed], names: Names = Names.AUTO) -> Naming:
    return Naming(names, AUTO.known, lambda: [renamed for run in runs for renamed in run])


def test_only_telling_names_are_replaced_by_the_photo_s_number(photos: Path, tmp_path: Path) -> None:
    put(photos, "IMG_2034.JPG", "emma.jpeg", "sports day.png", "zz 2026-09-12.jpg")
    assert named(plan_run([photos], tmp_path / "out", None, AUTO)) == {
        "IMG_2034.JPG": "IMG_2034.JPG",
        "emma.jpeg": "photo-0002.jpg",
        "sports day.png": "sports day.png",
        "zz 2026-09-12.jpg": "photo-0004.jpg",
    }


def test_folders_are_judged_too(photos: Path, tmp_path: Path) -> None:
    put(photos, "Emma Nguyen/IMG_1.jpg", "Emma Nguyen/2026-05/emma.jpg", "relay/emma.jpg", "relay/x.jpg")
    plan = plan_run([photos], tmp_path / "out", None, AUTO)
    assert named(plan) == {
        "Emma Nguyen/IMG_1.jpg": "folder-0001/IMG_1.jpg",
        "Emma Nguyen/2026-05/emma.jpg": "folder-0001/folder-0003/photo-0002.jpg",
        "relay/emma.jpg": "relay/photo-0003.jpg",
        "relay/x.jpg": "relay/x.jpg",
    }
    assert {job.source.name for job in plan.jobs if job.replaced is None} == {"x.jpg"}


def test_the_folder_of_one_input_among_several_is_judged(tmp_path: Path) -> None:
    put(tmp_path / "emma", "1.jpg")
    put(tmp_path / "relay", "1.jpg")
    plan = plan_run([tmp_path / "emma", tmp_path / "relay"], tmp_path / "out", None, AUTO)
    assert [job.target.relative_to(plan.out).as_posix() for job in plan.jobs] == ["folder-0001/1.jpg", "relay/1.jpg"]


def test_neutral_replaces_all_and_keep_none(photos: Path, tmp_path: Path) -> None:
    put(photos, "a/IMG_1.jpg", "emma.jpg")
    everything = plan_run([photos], tmp_path / "out", None, Naming(Names.NEUTRAL))
    assert set(named(everything).values()) == {"folder-0001/photo-0002.jpg", "photo-0001.jpg"}
    nothing = plan_run([photos], tmp_path / "out", None, Naming(Names.KEEP, AUTO.known))
    assert set(named(nothing).values()) == {"a/IMG_1.jpg", "emma.jpg"}


def test_a_neutral_name_is_nobody_else_s(photos: Path, tmp_path: Path) -> None:
    put(photos, "PHOTO-0002.JPG", "emma.jpg", "emma.png", "e\u0301mma.jpg", "photo-0004.jpg")
    names = list(named(plan_run([photos], tmp_path / "out", None, AUTO)).values())
    assert len({name.casefold() for name in names}) == 5
    assert {"PHOTO-0002.JPG", "photo-0004.jpg"} <= set(names)


def test_a_kept_folder_that_looks_neutral_stays_its_own(photos: Path, tmp_path: Path) -> None:
    put(photos, "emma/1.jpg", "folder-0001/1.jpg")
    assert named(plan_run([photos], tmp_path / "out", None, AUTO)) == {
        "emma/1.jpg": "folder-0002/1.jpg",
        "folder-0001/1.jpg": "folder-0001/1.jpg",
    }


def test_a_nested_kept_folder_that_looks_neutral_stays_its_own(photos: Path, tmp_path: Path) -> None:
    put(photos, "2026-09-12/2026-09-13/IMG_1.jpg", "2026-09-12/folder-0002/IMG_1.jpg")
    assert named(plan_run([photos], tmp_path / "out", None, AUTO)) == {
        "2026-09-13/IMG_1.jpg": "folder-0001/folder-0003/IMG_1.jpg",
        "folder-0002/IMG_1.jpg": "folder-0001/folder-0002/IMG_1.jpg",
    }


def test_a_neutral_name_holds_no_number_of_the_roster(photos: Path, tmp_path: Path) -> None:
    known = KnownNames.of([Subject("0001", "A", "B")])
    put(photos, "2026-09-12/2026-09-13.jpg")
    (place,) = named(plan_run([photos], tmp_path / "out", None, Naming(known=known))).values()
    assert place == "folder-0002/photo-0002.jpg"


CARDS = [("IMG_1.jpg", "IMG_1.jpg"), ("2026-09-12.jpg", "photo-0001.jpg"), ("2026-05/IMG_1.jpg", "2026-05/IMG_1.jpg")]


@pytest.mark.parametrize(("first", "second"), CARDS)
@pytest.mark.parametrize("names", [Names.AUTO, Names.KEEP])
def test_another_photo_under_a_name_that_is_published_gets_one_of_its_own(
    tmp_path: Path, first: str, second: str, names: Names
) -> None:
    put(tmp_path / "card1", first)
    put(tmp_path / "card2", second)
    (tmp_path / "card2" / second).write_bytes(as_bytes(Image.new("RGB", (9, 9)), "JPEG"))
    out = tmp_path / "out"
    one = plan_run([tmp_path / "card1"], out, None, Naming(names))
    records = published(one, tmp_path / "card1")
    makers = made(one)
    naming = Naming(names, earlier=lambda: records, published=lambda: makers)
    other = plan_run([tmp_path / "card2"], out, None, naming)
    assert not any(job.target.exists() or job.unknown for job in other.jobs)
    published(other, tmp_path / "card2")
    makers |= made(other)
    # Gone on with, each finds its own.
    for card, plan in (("card1", one), ("card2", other)):
        again = plan_run([tmp_path / card], out, None, naming)
        assert named(again) == named(plan)
        assert not any(job.unknown for job in again.jobs)


def made(plan: Plan) -> dict[str, frozenset[str]]:
    digests = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in (j.target, j.source)] for j in plan.jobs]
    return {output: frozenset({source}) for output, source in digests}


def test_a_file_that_the_record_does_not_know_keeps_its_place_and_is_told(photos: Path, tmp_path: Path) -> None:
    put(photos, "x.jpg", "y.jpg")
    put(tmp_path / "out", "x.jpg")
    plan = plan_run([photos], tmp_path / "out", None, AUTO)
    assert {job.target.name: job.unknown for job in plan.jobs} == {"x.jpg": True, "y.jpg": False}


def test_the_same_input_leads_to_the_same_names(photos: Path, tmp_path: Path) -> None:
    put(photos, "emma/emma.jpg", "emma/x.jpg", "nguyen.jpg", "a.jpg")
    first = plan_run([photos], tmp_path / "out", None, AUTO)
    records = published(first, photos)
    assert named(plan_run([photos], tmp_path / "out", None, after(records))) == named(first)
    assert named(plan_run([photos], tmp_path / "elsewhere", None, after(records))) == named(first)


def test_a_stopped_run_is_gone_on_with(photos: Path, tmp_path: Path) -> None:
    put(photos, "emma1.jpg", "emma2.jpg", "emma/3.jpg", "emma/emma4.jpg")
    first = plan_run([photos], tmp_path / "out", None, AUTO)
    records = published(first, photos, only=["emma2.jpg", "emma/3.jpg"])
    assert named(plan_run([photos], tmp_path / "out", None, after(records))) == named(first)


def test_a_photo_that_is_new_does_not_get_the_name_of_another(photos: Path, tmp_path: Path) -> None:
    put(photos, "emma2.jpg", "nguyen/1.jpg")
    first = plan_run([photos], tmp_path / "out", None, AUTO)
    records = published(first, photos)
    put(photos, "emma1.jpg", "emma/1.jpg")
    second = plan_run([photos], tmp_path / "out", None, after(records))
    assert {name: place for name, place in named(second).items() if name in named(first)} == named(first)
    fresh = {job.target for job in second.jobs} - {job.target for job in first.jobs}
    assert len(fresh) == 2 and not any(target.exists() for target in fresh)


def test_without_the_record_nothing_is_taken_for_published(photos: Path, tmp_path: Path) -> None:
    put(photos, "emma.jpg", "nguyen/1.jpg")
    published(plan_run([photos], tmp_path / "out", None, AUTO), photos)
    again = plan_run([photos], tmp_path / "out", None, AUTO)
    assert not any(job.target.exists() for job in again.jobs)


def test_a_published_file_that_was_changed_is_not_taken_for_the_photo_s(photos: Path, tmp_path: Path) -> None:
    put(photos, "emma.jpg")
    first = plan_run([photos], tmp_path / "out", None, AUTO)
    records = published(first, photos)
    first.jobs[0].target.write_bytes(b"something else")
    assert named(plan_run([photos], tmp_path / "out", None, after(records))) == {"emma.jpg": "photo-0002.jpg"}


def test_a_name_that_was_chosen_is_kept_and_told(photos: Path, tmp_path: Path) -> None:
    put(photos, "x.jpg")
    plan = plan_run([photos / "x.jpg"], tmp_path / "emma.jpg", None, AUTO)
    assert plan.jobs[0].target == tmp_path / "emma.jpg"
    assert [telling.text for telling in plan.telling] == ["emma"]
    assert plan_run([photos / "x.jpg"], tmp_path / "relay.jpg", None, AUTO).telling == ()


def test_many_photos_get_numbers_that_are_no_years(photos: Path, tmp_path: Path) -> None:
    from imgguard.naming import telling_in
    from imgguard.targets import Targets, Wish
    from imgguard.types import Format

    wishes = [Wish(photos / f"{n}.jpg", Path(f"{n}.jpg"), Format.JPEG) for n in range(2100)]
    places = Targets(tmp_path, Naming(Names.NEUTRAL), wishes).assign()
    assert not any(telling_in(place.stem, KnownNames()) for place in places)
