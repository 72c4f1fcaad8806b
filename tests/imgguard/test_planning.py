from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from imgguard import FormatNotSupported, LinkRefused, NotAPhoto, PhotoEmpty, PhotoUnreadable, SetupError
from imgguard.planning import plan_run
from imgguard.types import Format
from tests.pictures import as_bytes, planted_heic, scene

JPEG = as_bytes(Image.new("RGB", (8, 8)), "JPEG")
PNG = as_bytes(Image.new("RGB", (8, 8)), "PNG")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def put(folder: Path, *names: str, content: bytes = JPEG) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def targets(inputs: list[Path], out: Path, wanted: Format | None = None) -> list[str]:
    plan = plan_run(inputs, out, wanted)
    return [job.target.relative_to(plan.out).as_posix() for job in plan.jobs]


def test_the_tree_is_mirrored(photos: Path, tmp_path: Path) -> None:
    put(photos, "a.jpg", "day 1/b.JPG", "day 1/morning/c.jpeg")
    assert sorted(targets([photos], tmp_path / "out")) == ["a.jpg", "day 1/b.JPG", "day 1/morning/c.jpeg"]


def test_no_two_inputs_land_on_one_output(photos: Path, tmp_path: Path) -> None:
    put(photos, "x.jpg", "X.JPG", "x.jpeg")
    put(photos, "x.heic", content=planted_heic(scene(16, 16)))
    put(photos, "x.png", content=PNG)
    put(photos, "caf\u00e9.jpg", "cafe\u0301.jpg")
    names = targets([photos], tmp_path / "out")
    assert len({name.casefold() for name in names}) == len(names) == 7


def test_two_folders_get_folders_of_their_own(tmp_path: Path) -> None:
    put(tmp_path / "a", "1.jpg")
    put(tmp_path / "b", "1.jpg")
    assert targets([tmp_path / "a", tmp_path / "b"], tmp_path / "out") == ["a/1.jpg", "b/1.jpg"]


def test_the_name_follows_what_is_written(photos: Path, tmp_path: Path) -> None:
    put(photos, "really_png.jpg", content=PNG)
    assert targets([photos], tmp_path / "out") == ["really_png.png"]
    assert targets([photos], tmp_path / "out", Format.WEBP) == ["really_png.webp"]


def test_a_single_photo_may_name_its_output(photos: Path, tmp_path: Path) -> None:
    put(photos, "a.jpg")
    plan = plan_run([photos / "a.jpg"], tmp_path / "clean.png", None)
    assert plan.jobs[0].target == tmp_path / "clean.png"
    assert targets([photos / "a.jpg"], tmp_path / "folder") == ["a.jpg"]


def test_whatever_is_no_photo_is_listed_or_refused_and_nothing_is_skipped(photos: Path, tmp_path: Path) -> None:
    put(photos, "good.jpg")
    put(photos, "list.txt", "Thumbs.db", "good.xmp", content=b"text")
    put(photos, "letter.jpg", content=b"text")
    put(photos, "empty.jpg", content=b"")
    put(photos, "film.mov", content=b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    (photos / "linked.jpg").symlink_to(photos / "good.jpg")
    (photos / "loop").symlink_to(photos)
    (photos / "dangling.jpg").symlink_to(photos / "nothing")
    os.mkfifo(photos / "pipe.jpg")
    plan = plan_run([photos], tmp_path / "out", None)
    assert [job.source.name for job in plan.jobs] == ["good.jpg"]
    assert sorted(other.path.name for other in plan.others) == ["Thumbs.db", "good.xmp", "list.txt"]
    kinds = {path.name: type(error) for path, error in plan.refused}
    assert kinds == {
        "letter.jpg": NotAPhoto,
        "empty.jpg": PhotoEmpty,
        "film.mov": FormatNotSupported,
        "linked.jpg": LinkRefused,
        "loop": LinkRefused,
        "dangling.jpg": LinkRefused,
        "pipe.jpg": PhotoUnreadable,
    }
    assert all(error.remedy and path.name in error.what for path, error in plan.refused)


def test_a_loop_given_as_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    plan = plan_run([tmp_path / "a.jpg"], tmp_path / "out", None)
    assert isinstance(plan.refused[0][1], LinkRefused)


@pytest.mark.parametrize("inner", [".", "cleaned", "deep/er"])
def test_an_output_folder_inside_the_input_is_an_error(photos: Path, inner: str) -> None:
    put(photos, "a.jpg")
    with pytest.raises(SetupError, match="inside the input"):
        plan_run([photos], photos / inner, None)


def test_an_output_folder_that_leads_into_the_input_by_a_link_is_an_error(photos: Path, tmp_path: Path) -> None:
    put(photos, "a.jpg")
    (photos / "sub").mkdir()
    (tmp_path / "out").symlink_to(photos / "sub")
    with pytest.raises(SetupError, match="inside the input"):
        plan_run([photos], tmp_path / "out", None)


@pytest.mark.parametrize("missing", [True, False])
def test_no_input_and_no_photo_are_errors(photos: Path, tmp_path: Path, missing: bool) -> None:
    put(photos, "list.txt", content=b"text")
    with pytest.raises(SetupError):
        plan_run([photos / "nowhere" if missing else photos], tmp_path / "out", None)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_listed(photos: Path, tmp_path: Path) -> None:
    put(photos, "a.jpg", "closed/b.jpg")
    (photos / "closed").chmod(0)
    plan = plan_run([photos], tmp_path / "out", None)
    (photos / "closed").chmod(0o700)
    assert [type(error) for _, error in plan.refused] == [PhotoUnreadable]
