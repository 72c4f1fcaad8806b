from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from imgguard.planning import plan_run
from imgguard.sidecars import sidecar, stems
from tests.pictures import as_bytes

JPEG = as_bytes(Image.new("RGB", (8, 8)), "JPEG")
PHOTOS = stems(["IMG_1.HEIC", "IMG_2.jpg", "._IMG_3.jpg", "notes.txt"], {".jpg", ".heic"})


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("IMG_1.xmp", "names, places, edits"),
        ("IMG_1.HEIC.XMP", "names, places, edits"),
        ("IMG_1.AAE", "iPhone"),
        ("IMG_1.MOV", "live photo"),
        ("img_1.mov", "live photo"),
        ("IMG_1_HEVC.MOV", "live photo"),
        ("IMG_2.MP4", "live photo"),
        ("IMG_2.MP", "live photo"),
        ("IMG_2.WAV", "voices"),
        ("IMG_2.jpg.json", "Google"),
        ("IMG_2.json", "Google"),
        ("IMG_2.jpg.supplemental-metadata.json", "Google"),
        ("A_long_name_that_Google_cut.jpg.suppl.json", "Google"),
        ("IMG_2.jpg.supplemental-metadata(1).json", "Google"),
        ("metadata.json", "album"),
        ("MVI_9.THM", "thumbnail"),
        ("GX010001.LRV", "video"),
        ("Thumbs.db", "Windows"),
        (".DS_Store", "Mac"),
        ("desktop.ini", "Windows"),
        (".picasa.ini", "names of people"),
        ("._IMG_1.HEIC", "Mac"),
        ("@eaDir", "uncovered"),
        ("walk.gpx", "places"),
    ],
)
def test_what_lies_beside_photos_is_known_with_what_it_may_tell(name: str, word: str) -> None:
    found = sidecar(Path(name), PHOTOS)
    assert found is not None
    assert word in found.what


@pytest.mark.parametrize(
    "name", ["IMG_1.HEIC", "IMG_3.mov", "film.mp4", "roster.json", "notes.txt", "a.jpg", ".hidden"]
)
def test_anything_else_is_not(name: str) -> None:
    assert sidecar(Path(name), PHOTOS) is None


def test_none_of_them_is_copied_even_if_it_is_a_picture_and_each_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    names = [
        "IMG_1.thm",
        "IMG_1.mov",
        "._IMG_1.jpg",
        "@eaDir/IMG_1.jpg/SYNOPHOTO_THUMB_XL.jpg",
        ".picasaoriginals/a.jpg",
    ]
    for name in ["IMG_1.jpg", *names]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(JPEG)
    plan = plan_run([folder], tmp_path / "out", None)
    assert [job.source.name for job in plan.jobs] == ["IMG_1.jpg"]
    assert plan.refused == ()
    left = {other.path.relative_to(folder).as_posix() for other in plan.others}
    assert left == {"IMG_1.thm", "IMG_1.mov", "._IMG_1.jpg", "@eaDir", ".picasaoriginals"}
    assert all(other.what for other in plan.others)


def test_what_is_given_by_name_is_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "a.thm").write_bytes(JPEG)
    assert len(plan_run([tmp_path / "a.thm"], tmp_path / "out", None).jobs) == 1
