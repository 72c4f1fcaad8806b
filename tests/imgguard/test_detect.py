from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgguard import BoundingBox, Detection, Source
from imgguard.detect import find_faces
from imgguard.grouping import same_face
from imgguard.scales import SECOND_LOOK, Look, Pass, Search, cut_out, spans
from tests.fakes import FACE_COLOUR, NoDetector, SquareDetector, detection_at, fake_backends
from tests.pictures import scene

FIRST_LOOK = Search.NORMAL.look


def with_squares(width: int, height: int, *squares: tuple[int, int, int]) -> np.ndarray:
    pixels = np.full((height, width, 3), 90, np.uint8)
    for x, y, side in squares:
        pixels[y : y + side, x : x + side] = FACE_COLOUR
    return pixels


def test_each_face_comes_once_from_top_to_bottom_in_the_photos_coordinates() -> None:
    squares = [(2500, 200, 400), (100, 1400, 60), (3000, 2600, 90)]
    found = find_faces(with_squares(4000, 3000, *squares), fake_backends(), FIRST_LOOK)
    assert len(found) == 3
    for face, (x, y, side) in zip(found, squares, strict=True):
        assert face.box.iou(BoundingBox(x, y, x + side, y + side)) > 0.85
        assert face.source is Source.YUNET


def test_a_face_on_the_seam_of_tiles_is_one_face() -> None:
    pixels = with_squares(6000, 2000, (1470, 700, 80), (2950, 900, 80))
    assert len(find_faces(pixels, fake_backends(), FIRST_LOOK)) == 2


def test_what_only_the_second_detector_sees_counts() -> None:
    backends = fake_backends(primary=NoDetector(), second=SquareDetector(Source.BLAZEFACE))
    (face,) = find_faces(with_squares(800, 600, (200, 200, 200)), backends, FIRST_LOOK)
    assert face.source is Source.BLAZEFACE
    both = fake_backends(second=SquareDetector(Source.BLAZEFACE))
    (face,) = find_faces(with_squares(800, 600, (200, 200, 200)), both, FIRST_LOOK)
    assert face.source is Source.BOTH


class At:
    """Finds the same box in whatever it is given, as a share of its width and height."""

    def __init__(self, source: Source, x1: float, y1: float, x2: float, y2: float) -> None:
        self.source, self.shares = source, np.array([x1, y1, x2, y2])

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        height, width = pixels.shape[:2]
        x1, y1, x2, y2 = self.shares * (width, height, width, height)
        return [replace(detection_at(x1, y1, x2 - x1, y2 - y1, source=self.source), score=0.95)]


@pytest.mark.parametrize(("shift", "count"), [(0.02, 1), (0.04, 1), (0.1, 1), (0.16, 2), (0.25, 2)])
def test_a_neighbour_that_only_the_second_detector_sees_is_not_swallowed(shift: float, count: int) -> None:
    look = Look((Pass(640),), turned=False)
    first = At(Source.YUNET, 0.3, 0.3, 0.5, 0.6)
    second = At(Source.BLAZEFACE, 0.3 + shift, 0.3, 0.5 + shift, 0.6)

    class Whole(At):
        def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
            return super().detect(pixels, min_score) if pixels.shape[1] == 640 else []

    backends = fake_backends(Whole(first.source, *first.shares), Whole(second.source, *second.shares))
    assert len(find_faces(scene(640, 480), backends, look)) == count


def test_a_small_face_that_only_the_second_detector_sees_is_not_placed_by_it() -> None:
    backends = fake_backends(primary=NoDetector(), second=SquareDetector(Source.BLAZEFACE))
    assert find_faces(with_squares(1200, 900, (200, 200, 40)), backends, FIRST_LOOK) == ()


@pytest.mark.parametrize(("score", "alone", "in_company"), [(0.9, 1, 1), (0.5, 0, 1), (0.3, 0, 1), (0.12, 0, 0)])
def test_a_doubtful_face_counts_where_there_are_people(score: float, alone: int, in_company: int) -> None:
    pixels = with_squares(1280, 960, (900, 500, 40))
    backends = fake_backends(primary=SquareDetector(score=score))
    assert len(find_faces(pixels, backends, FIRST_LOOK)) == alone
    assert len(find_faces(pixels, backends, FIRST_LOOK, in_company=True)) == in_company


class OnlyAt:
    """A square detector that sees nothing but pictures of one width."""

    def __init__(self, width: int, score: float) -> None:
        self.width, self.squares = width, SquareDetector(score=score)

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        return self.squares.detect(pixels, min_score) if pixels.shape[1] == self.width else []


def test_what_one_search_of_several_sees_is_less_sure_than_what_all_see() -> None:
    pixels = with_squares(1280, 960, (900, 500, 60))
    everywhere, once = (
        find_faces(pixels, fake_backends(primary=detector), FIRST_LOOK)
        for detector in (SquareDetector(score=0.75), OnlyAt(1280, 0.75))
    )
    assert [round(face.score, 2) for face in everywhere] == [0.75]
    assert once == ()
    (face,) = find_faces(pixels, fake_backends(primary=OnlyAt(1280, 0.75)), FIRST_LOOK, in_company=True)
    assert face.score == pytest.approx((0.75 + 0.25) / 2)


class Upright:
    """A square detector for people who stand: it sees squares only where the marked corner is on top."""

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        found = SquareDetector(score=0.9).detect(pixels, min_score)
        return [face for face in found if (pixels[2, 2] == (0, 255, 0)).all()]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_people_on_their_side_and_upside_down_are_found(quarters: int) -> None:
    pixels = with_squares(640, 480, (400, 100, 80))
    pixels[:8, :8] = (0, 255, 0)
    pixels = np.ascontiguousarray(np.rot90(pixels, quarters))
    (there,) = SquareDetector().detect(pixels, 0.5)
    (face,) = find_faces(pixels, fake_backends(primary=Upright()), FIRST_LOOK)
    assert face.box.iou(there.box) > 0.8
    unturned = find_faces(pixels, fake_backends(primary=Upright()), replace(FIRST_LOOK, turned=False))
    assert len(unturned) == (quarters == 0)


def test_no_search_sees_more_than_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = SquareDetector()
    find_faces(np.full((6000, 8000, 3), 90, np.uint8), fake_backends(primary=detector), FIRST_LOOK)
    assert max(max(shape) for shape in detector.seen) <= 1380
    searched = sum(height * width for height, width in detector.seen)
    assert searched < 8000 * 6000 * 0.5, "work grows no faster than the photo"


def test_the_check_looks_at_other_scales() -> None:
    for size in ((416, 300), (2400, 1350), (4000, 3000), (8000, 6000)):
        assert not set(FIRST_LOOK.scales(size)) & set(SECOND_LOOK.scales(size))


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_the_passes_meet_each_other(width: int, height: int) -> None:
    for search in Search:
        scales = search.look.scales((width, height))
        for fine, coarse in itertools.pairwise(scales):
            assert 260 / fine >= 10 / coarse, "the largest face of a finer pass is found by the coarser one too"
        assert scales[-1] * max(width, height) == pytest.approx(640)


@given(st.integers(1, 5000))
def test_tiles_cover_everything_and_overlap(width: int) -> None:
    found = spans(width)
    assert found[0][0] == 0 and found[-1][1] == width
    assert all(end - start >= 80 for (_, end), (start, _) in itertools.pairwise(found))
    assert all(end - start <= 1380 for start, end in found)


def test_a_small_face_in_front_of_a_large_one_is_another() -> None:
    large = BoundingBox(0, 0, 300, 300)
    assert not same_face(large, BoundingBox(100, 100, 160, 160))
    assert same_face(large, BoundingBox(20, 10, 310, 290))
    assert not same_face(large, BoundingBox(310, 0, 600, 300))


@pytest.mark.parametrize("center", [(160, 120), (0, 0), (319, 239), (-30, 500)])
@pytest.mark.parametrize("extent", [10.0, 100.0, 3000.0])
def test_a_crop_beyond_the_edge_repeats_the_border(center: tuple[float, float], extent: float) -> None:
    view = cut_out(scene(), center, extent, 64)
    assert view.pixels.shape == (64, 64, 3)
    corner = view.back(detection_at(0, 0, 64)).box
    assert corner == BoundingBox(*(c + sign * extent / 2 for sign in (-1, 1) for c in center))


def test_a_crop_shows_what_is_there() -> None:
    pixels = with_squares(2000, 2000, (900, 900, 200))
    for side in (32, 112, 224):
        crop = cut_out(pixels, (1000, 1000), 400, side).pixels
        inner = crop[side * 3 // 8 : side * 5 // 8, side * 3 // 8 : side * 5 // 8]
        assert (np.abs(inner.astype(int) - FACE_COLOUR) <= 3).all()
        assert (crop[0, 0] == 90).all()


class TurnedMostly(Upright):
    """Sees squares for sure where the marked corner is on top, and hardly elsewhere."""

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        weak = SquareDetector(score=0.12).detect(pixels, min_score)
        return super().detect(pixels, min_score) or weak


def test_a_face_that_is_sure_on_its_side_counts_however_weak_it_is_upright() -> None:
    pixels = with_squares(640, 480, (400, 100, 80))
    pixels[:8, :8] = (0, 255, 0)
    pixels = np.ascontiguousarray(np.rot90(pixels))
    (face,) = find_faces(pixels, fake_backends(primary=TurnedMostly()), FIRST_LOOK)
    assert face.score == pytest.approx(0.9)


def test_a_tiny_pattern_does_not_pass_for_a_face_on_its_side() -> None:
    pixels = with_squares(640, 480, (400, 100, 12))
    pixels[:8, :8] = (0, 255, 0)
    pixels = np.ascontiguousarray(np.rot90(pixels))
    assert find_faces(pixels, fake_backends(primary=Upright()), FIRST_LOOK) == ()


class NotClose(SquareDetector):
    """Sees nothing in close-ups."""

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        return [] if pixels.shape[:2] == (224, 224) else super().detect(pixels, min_score)


@pytest.mark.parametrize(("side", "score", "count"), [(240, 0.75, 0), (240, 0.9, 1), (60, 0.75, 1)])
def test_a_large_face_is_sure_or_seen_again(side: int, score: float, count: int) -> None:
    pixels = with_squares(800, 600, (200, 200, side))
    assert len(find_faces(pixels, fake_backends(primary=NotClose(score=score)), FIRST_LOOK)) == count
    assert len(find_faces(pixels, fake_backends(primary=SquareDetector(score=score)), FIRST_LOOK)) == 1


def test_a_large_face_that_the_edge_cuts_off_need_not_be_seen_again() -> None:
    backends = fake_backends(primary=NotClose(score=0.75))
    assert len(find_faces(with_squares(800, 600, (0, 200, 240)), backends, FIRST_LOOK)) == 1


class Scored(SquareDetector):
    """Gives each square the score that its size stands for."""

    def __init__(self, **scores: float) -> None:
        super().__init__()
        self.scores = scores

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        share = 1280 / max(pixels.shape)
        found = super().detect(pixels, 0.0)
        scored = [replace(f, score=self.scores["large" if f.box.side * share > 55 else "small"]) for f in found]
        return [face for face in scored if face.score >= min_score]


@pytest.mark.parametrize(("large", "count"), [(0.95, 2), (0.8, 1)])
def test_one_sure_face_is_company_for_a_doubtful_one(large: float, count: int) -> None:
    pixels = with_squares(1280, 960, (200, 200, 80), (900, 500, 30))
    backends = fake_backends(primary=Scored(large=large, small=0.4))
    assert len(find_faces(pixels, backends, replace(FIRST_LOOK, turned=False))) == count


def test_two_rather_sure_faces_are_company_too() -> None:
    pixels = with_squares(1280, 960, (200, 200, 80), (500, 200, 80), (900, 500, 30))
    backends = fake_backends(primary=Scored(large=0.8, small=0.4))
    assert len(find_faces(pixels, backends, replace(FIRST_LOOK, turned=False))) == 3


def test_a_crowd_of_doubtful_faces_is_company_for_itself() -> None:
    squares = [(100 + 200 * i, 300, 60) for i in range(5)]
    backends = fake_backends(primary=SquareDetector(score=0.6))
    for search in Search:
        assert len(find_faces(with_squares(1280, 960, *squares), backends, search.look)) == 5
        assert find_faces(with_squares(1280, 960, squares[0]), backends, search.look) == ()
    assert len(find_faces(with_squares(1280, 960, *squares), backends, SECOND_LOOK)) == 5


@pytest.mark.parametrize("weakly", [0.0, 0.12, 0.3])
def test_a_face_that_the_second_detector_is_sure_of_stays_however_weakly_the_primary_sees_it(weakly: float) -> None:
    first, second = SquareDetector(score=weakly), SquareDetector(Source.BLAZEFACE, score=0.95)
    pixels = with_squares(800, 600, (200, 150, 300))
    (face,) = find_faces(pixels, fake_backends(first, second), FIRST_LOOK)
    assert face.box.iou(BoundingBox(200, 150, 500, 450)) > 0.8
    assert find_faces(pixels, fake_backends(first), FIRST_LOOK) == ()


def test_a_lone_tiny_face_has_to_be_surer_than_a_larger_one() -> None:
    backends = fake_backends(primary=SquareDetector(score=0.7))
    assert len(find_faces(with_squares(1280, 960, (900, 500, 40)), backends, FIRST_LOOK)) == 1
    assert find_faces(with_squares(1280, 960, (900, 500, 12)), backends, FIRST_LOOK) == ()


def test_more_time_means_more_searches() -> None:
    seen = {}
    for one in Search:
        detector = SquareDetector()
        find_faces(with_squares(800, 600), fake_backends(primary=detector), one.look)
        seen[one] = sum(height * width for height, width in detector.seen)
    assert seen[Search.FAST] < seen[Search.NORMAL] < seen[Search.THOROUGH] < 4 * seen[Search.NORMAL]


def test_a_look_without_second_opinion_does_not_ask_for_it() -> None:
    second = SquareDetector(Source.BLAZEFACE)
    find_faces(with_squares(800, 600), fake_backends(second=second), Look((Pass(640),), second_opinion=False))
    assert second.seen == []
