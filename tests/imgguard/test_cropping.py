from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.main import cli
from imgguard import BoundingBox, Extent, Guard, SetupError, Status, Style, load_photo
from imgguard.covers import cover_for, reach
from imgguard.cropping import crop_around, crop_photo, is_outside, largest_crop, moved_cover, moved_detection
from imgguard.errors import PhotoWithheld
from imgguard.grid import PIXELS, Grid
from imgguard.types import Raster
from tests.conftest import SAMPLES
from tests.fakes import detection_at
from tests.pictures import photo_of, scene

EVENT = SAMPLES / "event"
BOXES = st.builds(
    lambda x, y, width, height: BoundingBox(x, y, min(x + width, 60), min(y + height, 40)),
    st.integers(0, 58), st.integers(0, 38), st.integers(1, 30), st.integers(1, 30),
)  # fmt: skip


def largest_by_trying_all(
    avoided: list[BoundingBox], held: list[BoundingBox], size: tuple[int, int], grid: Grid
) -> int:
    """The area of the largest window between blocks, found the slow way."""
    width, height = size
    xs, ys = (
        sorted({0, length, *range(offset, length, step)})
        for length, offset, step in zip(size, grid.offset, grid.step, strict=True)
    )
    blocked = np.zeros((height, width), bool)
    for box in avoided:
        blocked[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)] = True
    best = 0
    for x1, x2 in ((a, b) for a in xs for b in xs if a < b):
        for y1, y2 in ((a, b) for a in ys for b in ys if a < b):
            inside = all(box.x1 >= x1 and box.x2 <= x2 and box.y1 >= y1 and box.y2 <= y2 for box in held)
            if inside and (x2 - x1) * (y2 - y1) > best and not blocked[y1:y2, x1:x2].any():
                best = (x2 - x1) * (y2 - y1)
    return best


@settings(max_examples=60, deadline=None)
@given(
    st.lists(BOXES, max_size=4),
    st.lists(BOXES, max_size=2),
    st.sampled_from([Grid((4, 4)), Grid((8, 8), (4, 0)), Grid((16, 8), (12, 3))]),
)
def test_no_window_is_larger_and_its_sides_lie_between_blocks(
    avoided: list[BoundingBox], held: list[BoundingBox], grid: Grid
) -> None:
    size = (60, 40)
    window = largest_crop(avoided, held, size, grid)
    best = largest_by_trying_all(avoided, held, size, grid)
    if window is None:
        assert best == 0
        return
    x1, y1, x2, y2 = window
    assert (x2 - x1) * (y2 - y1) == best
    assert not any(box.overlap(BoundingBox(*window)) for box in avoided)
    assert all(box.overlap(BoundingBox(*window)) == box.area for box in held)
    for value, axis in ((x1, 0), (x2, 0), (y1, 1), (y2, 1)):
        assert value in (0, size[axis]) or (value - grid.offset[axis]) % grid.step[axis] == 0


def test_a_person_at_the_edge_is_cropped_out_and_one_in_the_middle_is_not() -> None:
    size, kept = (1000, 600), [BoundingBox(500, 200, 600, 300)]
    edge = cover_for(detection_at(20, 200, 100), Style.BLUR)
    middle = cover_for(detection_at(650, 200, 100), Style.BLUR)
    window = crop_around([edge], kept, size)
    assert window is not None and is_outside(edge, window) and not is_outside(middle, window)
    assert crop_around([edge, middle], kept, size) is None, "less than 60 % would be left"
    assert crop_around([], kept, size) is None, "nobody to leave out"


def test_the_whole_head_of_a_kept_person_stays_in() -> None:
    kept, edge = BoundingBox(300, 100, 400, 200), cover_for(detection_at(80, 100, 100), Style.BLUR)
    window = crop_around([edge], [kept], (1000, 400))
    assert window is not None and window[0] <= 280 and window[1] <= 60
    close = cover_for(detection_at(185, 100, 100), Style.BLUR)
    assert crop_around([close], [kept], (1000, 400)) is None


def test_a_cut_photo_is_that_part_and_says_so() -> None:
    photo = photo_of(scene())
    photo = replace(photo, raster=Raster(photo.pixels.astype(np.uint16) * 257, 16))
    once = crop_photo(photo, (16, 8, 200, 150))
    twice = crop_photo(once, (4, 2, 100, 100))
    assert once.size == (184, 142) and once.stored is once.pixels
    assert twice.window == (20, 10, 116, 108)
    assert (twice.pixels == photo.pixels[10:108, 20:116]).all()
    assert twice.raster is not None and (twice.raster.samples == photo.pixels[10:108, 20:116].astype(int) * 257).all()


def test_covers_move_with_the_window() -> None:
    face = detection_at(200, 100, 50)
    for extent in Extent:
        there = moved_cover(cover_for(face, Style.BLUR, extent), (30, 20))
        assert reach(there) == reach(cover_for(moved_detection(face, (30, 20)), Style.BLUR, extent))


def test_dropped_photos_are_refused_with_the_reason(make_guard: Callable[..., Guard], tmp_path: Path) -> None:
    guard = make_guard(covered="drop")
    with pytest.raises(PhotoWithheld, match="must not be seen") as refused:
        guard.clean(EVENT / "event_05_two.jpg", tmp_path / "out")
    assert "--covered cover" in refused.value.remedy
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    shown = guard.clean(EVENT / "event_09_one.jpg", tmp_path / "out")
    assert shown.status is Status.PUBLISHED, "the control: everybody in it may be seen"


def test_where_people_can_be_cropped_out_nobody_is_covered(make_guard: Callable[..., Guard], tmp_path: Path) -> None:
    path = EVENT / "event_02_gym.jpg"
    result = make_guard(covered="crop").clean(path, tmp_path / "out")
    assert result.window is not None and result.target is not None
    x1, y1, x2, y2 = result.window
    source, published = load_photo(path), load_photo(result.target)
    assert (x2 - x1) * (y2 - y1) >= 0.6 * source.size[0] * source.size[1]
    out = [face for face in result.faces if face.cropped_out]
    assert len(out) == 2 and all(face.cover and is_outside(face.cover, result.window) for face in out)
    assert all(face.cover is None for face in result.faces if not face.cropped_out)
    inner = published.pixels[1:-1, 1:-1].astype(int), source.pixels[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1]
    assert np.abs(inner[0] - inner[1]).max() <= 2, "cut, not compressed anew"
    assert result.rebuilt is None
    whole = make_guard().clean(path, tmp_path / "covered")
    assert whole.window is None and not any(face.cropped_out for face in whole.faces), "the control"


def test_where_no_crop_keeps_enough_people_are_covered(make_guard: Callable[..., Guard], tmp_path: Path) -> None:
    result = make_guard(covered="crop", cover="person").clean(EVENT / "event_01_class_photo.jpg", tmp_path / "out")
    assert result.window is None
    assert sum(face.cover is not None for face in result.faces) >= 4


def test_inspect_suggests_the_crop_and_clean_reports_it(tmp_path: Path) -> None:
    photo = EVENT / "event_02_gym.jpg"
    school = ["--roster", SAMPLES / "roster.csv", "--id-photos", SAMPLES / "id_photos", "--purpose", "school_website"]
    told = CliRunner().invoke(cli, [str(a) for a in ("inspect", photo, *school)], env={"COLUMNS": "200"}).output
    run = ["clean", photo, "-o", tmp_path / "out", *school, "--covered", "crop", "--report", tmp_path / "run.json"]
    done = CliRunner().invoke(cli, [str(a) for a in run], env={"COLUMNS": "200"})
    report = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    (cleaned,) = report["photos"]
    assert "A crop that keeps 69 % would leave out everybody" in " ".join(told.split())
    assert "Left out by cropping" in done.output and "2, in 1 photo" in done.output
    assert report["covered"] == "crop" and len(cleaned["cropped_to"]) == 4
    assert [face["cropped_out"] for face in cleaned["faces"]].count(True) == 2


@pytest.mark.parametrize(
    "option",
    [{"cover": "feet"}, {"covered": "hide"}, {"style": "image"}, {"style": "image:"}, {"style": "image:none.png"}],
)
def test_what_is_not_known_is_refused_before_the_run(option: dict[str, str]) -> None:
    with pytest.raises(SetupError):
        Guard(recognition=False, **option)  # type: ignore[arg-type]


def test_pixels_are_a_grid_too() -> None:
    assert largest_crop([BoundingBox(0, 0, 10.5, 20)], [], (40, 20), PIXELS) == (11, 0, 40, 20)
