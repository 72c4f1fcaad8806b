from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from PIL import Image

from cli.main import run
from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene

ROSTER = ["--roster", str(SAMPLES / "roster.csv")]
CLASS_PHOTO = str(SAMPLES / "event" / "event_01_class_photo.jpg")

Screen = pytest.CaptureFixture[str]


def draw(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(Image.fromarray(scene(seed=seed)), "JPEG"))
    return folder


def test_what_was_cleaned_is_clean_and_what_was_not_is_not(
    tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["verify", CLASS_PHOTO]) == 3
    told = capsys.readouterr().out
    assert "53.27810° N" in told and "Freya Lindqvist" in told and "0 of 1 files" in told
    assert run(["clean", CLASS_PHOTO, "-o", str(tmp_path / "out"), "--no-recognition"]) == 0
    capsys.readouterr()
    assert run(["verify", str(tmp_path / "out"), *ROSTER]) == 0
    assert "Everything is clean" in capsys.readouterr().out


def test_a_name_is_unclean_only_beside_the_roster_that_has_it(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path, "amina.jpg")
    assert run(["verify", str(tmp_path / "amina.jpg")]) == 0
    assert run(["verify", str(tmp_path / "amina.jpg"), *ROSTER]) == 3
    assert "a name of the roster" in capsys.readouterr().out


def test_json_tells_everything_to_scripts(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path, "a.jpg")
    assert run(["verify", "--json", CLASS_PHOTO, str(tmp_path / "a.jpg")]) == 3
    photo, plain = json.loads(capsys.readouterr().out)
    assert (photo["clean"], plain["clean"], plain["leaks"], plain["format"]) == (False, True, [], "jpeg")
    assert len(photo["leaks"]) > 12


@pytest.mark.parametrize("forced", [[], ["--overwrite"]])
def test_two_memory_cards_with_the_same_names_go_into_one_folder(
    tmp_path: Path, capsys: Screen, forced: list[str]
) -> None:
    draw(tmp_path / "card1", "IMG_1.jpg", "2026-09-12.jpg")
    draw(tmp_path / "card2", "x.jpg", "y.jpg", "IMG_1.jpg", "photo-0001.jpg")
    rest = ["-o", str(tmp_path / "out"), "--no-recognition", "--school", str(tmp_path / "record")]
    assert run(["clean", str(tmp_path / "card1"), *rest]) == 0
    before = published(tmp_path)
    bytes_before = {name: (tmp_path / "out" / name).read_bytes() for name in before}
    assert run(["clean", str(tmp_path / "card2"), *rest, *forced]) == 0
    assert published(tmp_path) - before == {"IMG_1-2.jpg", "photo-0001-2.jpg", "x.jpg", "y.jpg"}
    assert {name: (tmp_path / "out" / name).read_bytes() for name in before} == bytes_before
    capsys.readouterr()
    assert run(["clean", str(tmp_path / "card2"), *rest]) == 0
    assert len(published(tmp_path)) == 6
    told = capsys.readouterr()
    assert "0 of 4 photos published, 4 done before" in told.out and "Please compare" not in told.out
    assert "Refused        0" in told.out


def test_a_file_that_the_record_does_not_know_is_left_alone_and_told(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path / "in", "IMG_1.jpg", "IMG_2.jpg")
    draw(tmp_path / "out", "x.jpg", "IMG_2.jpg")
    rest = ["-o", str(tmp_path / "out"), "--no-recognition", "--school", str(tmp_path / "record")]
    assert run(["clean", str(tmp_path / "in"), *rest]) == 3
    assert "Please compare (1)" in capsys.readouterr().out


def test_a_credit_that_tells_is_written_noted_and_found_again(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path / "in", "IMG_1.jpg")
    rest = ["--no-recognition", "--school", str(tmp_path / "record"), "--credit"]
    assert run(["clean", str(tmp_path / "in"), "-o", str(tmp_path / "a"), *rest, "Photo: North School"]) == 0
    assert "The credit that you chose" not in capsys.readouterr().out
    assert run(["clean", str(tmp_path / "in"), "-o", str(tmp_path / "b"), *rest, "Photo: 780-555-0123"]) == 0
    assert "The credit that you chose is kept, and tells a phone number" in capsys.readouterr().out
    assert (run(["verify", str(tmp_path / "a")]), run(["verify", str(tmp_path / "b")])) == (0, 3)


def test_nothing_to_check_is_not_called_clean(tmp_path: Path, capsys: Screen) -> None:
    assert run(["verify", str(tmp_path)]) == 3
    assert run(["verify", str(tmp_path / "nowhere")]) == 4
    assert "nowhere" in capsys.readouterr().err


def test_inspect_tells_the_name_of_the_file_too(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path, "2026-09-12.jpg")
    assert run(["inspect", str(tmp_path / "2026-09-12.jpg")]) == 0
    assert "a date or time" in capsys.readouterr().out


def school(folder: Path) -> Path:
    return draw(folder / "in", "IMG_2034.jpg", "Amina Baptiste.jpg", "Theo/IMG_1.jpg", "sports day.jpg")


def clean(folder: Path, *options: object) -> int:
    people = [*ROSTER, "--id-photos", str(SAMPLES / "id_photos"), "--purpose", "yearbook"]
    return run(["clean", str(folder / "in"), "-o", str(folder / "out"), *people, *map(str, options)])


def published(folder: Path) -> set[str]:
    return {path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*.jpg")}


def test_telling_names_are_replaced_and_only_the_record_knows_them(
    tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    school(tmp_path)
    assert clean(tmp_path, "--report", tmp_path / "r.json") == 0
    places = {"IMG_2034.jpg", "photo-0001.jpg", "folder-0001/IMG_1.jpg", "sports day.jpg"}
    assert published(tmp_path) == places
    assert "Neutral names given to 2 photos" in capsys.readouterr().out
    report = (tmp_path / "r.json").read_text()
    assert "Amina" not in report and "Theo" not in report and "IMG_2034" in report
    with sqlite3.connect(tmp_path / "school.imgguard") as db:
        rows = set(db.execute("SELECT source_name, published_name FROM renamed"))
    assert rows == {("Amina Baptiste.jpg", "photo-0001.jpg"), ("Theo/IMG_1.jpg", "folder-0001/IMG_1.jpg")}
    assert run(["verify", str(tmp_path / "out"), *ROSTER]) == 0


def test_a_second_run_does_nothing(tmp_path: Path, capsys: Screen) -> None:
    school(tmp_path)
    assert clean(tmp_path) == 0
    before = published(tmp_path)
    capsys.readouterr()
    assert clean(tmp_path) == 0
    assert published(tmp_path) == before
    assert "0 of 4 photos published, 4 done before" in capsys.readouterr().out
    draw(tmp_path / "in", "Amina 2.jpg")
    assert clean(tmp_path) == 0
    assert len(published(tmp_path) - before) == 1, "a new photo is published, under a name of its own"
    assert clean(tmp_path, "--overwrite") == 0
    assert len(published(tmp_path)) == 5, "nobody gets another name"


@pytest.mark.parametrize(
    ("names", "places"),
    [
        ("keep", {"IMG_2034.jpg", "Amina Baptiste.jpg", "Theo/IMG_1.jpg", "sports day.jpg"}),
        ("neutral", {"photo-0001.jpg", "photo-0002.jpg", "photo-0003.jpg", "folder-0001/photo-0004.jpg"}),
    ],
)
def test_names_can_be_kept_or_all_replaced(tmp_path: Path, names: str, places: set[str]) -> None:
    school(tmp_path)
    assert clean(tmp_path, "--names", names) == 0
    assert published(tmp_path) == places


def test_a_name_that_was_chosen_is_kept_and_said_to_tell(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path, "a.jpg")
    out = tmp_path / "2026-09-12.jpg"
    assert run(["clean", str(tmp_path / "a.jpg"), "-o", str(out), "--no-recognition"]) == 0
    assert out.exists()
    assert "The name that you chose is kept" in capsys.readouterr().out


def test_a_credit_that_cannot_be_written_ends_the_run_before_it_begins(tmp_path: Path, capsys: Screen) -> None:
    draw(tmp_path / "in", "a.jpg")
    arguments = ["clean", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--no-recognition"]
    assert run([*arguments, "--credit", "two\nlines"]) == 4
    assert "credit" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert run([*arguments, "--credit", "Photo: A. Teacher, École Nord"]) == 0
    assert run(["verify", str(tmp_path / "out")]) == 0
    assert "Credit in 1 file: Photo: A. Teacher, École Nord" in capsys.readouterr().out
