from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgguard import BoundingBox, Cover, Detection, Encoding, Extent, Format, Style
from imgguard.covers import cover_for, cover_mask, reach, window_of
from imgguard.fills import PIXELATE_CELLS, cell_colour
from imgguard.grid import Grid
from imgguard.membrane import coarse_colour
from imgguard.redact import cover_up, redact
from imgguard.sanitize import encode
from imgguard.types import Picture
from tests.fakes import detection_at
from tests.pictures import noise_face, scene

# Tilted, at each edge, small, large, filling the frame.
FACES = [
    (120.0, 90.0, 60.0),
    (-15.0, 60.0, 50.0),
    (290.0, 200.0, 60.0),
    (100.0, -20.0, 45.0),
    (150.0, 120.0, 9.0),
    (-20.0, -30.0, 400.0),
]

PLACES = st.tuples(st.integers(-40, 300), st.integers(-40, 220), st.integers(6, 110))
# A disc on nothing.
LOGO = Picture(
    np.full((30, 40, 3), (20, 60, 140), np.uint8),
    cv2.ellipse(np.zeros((30, 40), np.uint8), (20, 15), (18, 13), 0, 0, 360, 255, -1),
)


def tilted(face: Detection, degrees: float) -> Detection:
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = np.array(face.box.center)
    return replace(face, landmarks=((face.landmarks - middle) @ rotation + middle).astype(np.float32))


def with_face(pixels: np.ndarray, box: BoundingBox, seed: int) -> np.ndarray:
    """Put other pixels with exactly the same mean colour into a box: another face of the same coarse colour."""
    out = pixels.copy()
    inside = box.clipped((pixels.shape[1], pixels.shape[0]))
    x1, y1, x2, y2 = round(inside.x1), round(inside.y1), round(inside.x2), round(inside.y2)
    cells = out[y1:y2, x1:x2].reshape(-1, 3)
    out[y1:y2, x1:x2] = np.random.default_rng(seed).permutation(cells).reshape(y2 - y1, x2 - x1, 3)
    return out


@pytest.mark.parametrize("place", FACES)
@pytest.mark.parametrize("degrees", [0, 25, -90, 180])
@pytest.mark.parametrize("style", [Style.BLUR, Style.SOLID, Style.EMOJI, Style.IMAGE])
def test_another_face_under_the_cover_gives_the_same_bytes(
    place: tuple[float, float, float], degrees: float, style: Style
) -> None:
    """The swap test: what is published does not depend on who is under the cover."""
    pixels = scene()
    face = tilted(detection_at(*place), degrees)
    one = with_face(pixels, face.box, 1)
    other = with_face(one, face.box, 2)
    assert (one != other).any()
    cover = cover_for(face, style)
    encoding = Encoding(90, "4:2:0", lossless=False)
    published = [encode(redact(picture, [cover], [], picture=LOGO), Format.JPEG, encoding) for picture in (one, other)]
    assert published[0] == published[1]


def test_the_swap_test_fails_on_an_ordinary_blur() -> None:
    """The control: a strong Gaussian under the same mask lets the face through."""
    face = detection_at(120, 90, 60)
    one, other = (with_face(scene(), face.box, seed) for seed in (1, 2))
    mask = cover_mask([cover_for(face, Style.BLUR)], [], (320, 240))
    blurred = [np.where(mask[..., None], cv2.GaussianBlur(p, (0, 0), 20), p) for p in (one, other)]
    assert (blurred[0] != blurred[1]).any()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(-40, 300), st.integers(-40, 220), st.integers(6, 150), st.floats(-180, 180), st.integers(0, 2**32 - 1)
)
def test_whatever_the_place_nothing_under_a_cover_is_the_sources(
    x: int, y: int, side: int, degrees: float, seed: int
) -> None:
    """Change single pixels under two overlapping covers without changing their coarse colours."""
    faces = [tilted(detection_at(x, y, side), degrees), detection_at(x + side / 2, y + side / 3, side * 0.8)]
    covers = [cover_for(face, Style.BLUR) for face in faces]
    one = scene()
    mask = cover_mask(covers, [], (320, 240))
    own = np.zeros_like(mask)
    for face in faces:
        inside = face.box.clipped((320, 240))
        own[int(inside.y1) : int(inside.y2) + 1, int(inside.x1) : int(inside.x2) + 1] = True
    hair = mask & ~own
    other = one.copy()
    other[hair] = np.random.default_rng(seed).integers(0, 256, (int(hair.sum()), 3), dtype=np.uint8)
    assert (redact(one, covers, [])[mask] == redact(other, covers, [])[mask]).all()


def test_a_mosaic_holds_at_most_sixteen_cells_of_nine_bits() -> None:
    face = detection_at(120, 90, 80)
    picture = with_face(scene(), face.box, 1)
    cover = cover_for(face, Style.PIXELATE)
    box = reach(cover)
    inner = redact(picture, [cover], [])[int(box.y1) + 30 : int(box.y2) - 30, int(box.x1) + 30 : int(box.x2) - 30]
    colours = np.unique(inner.reshape(-1, 3), axis=0)
    assert 4 <= len(colours) <= PIXELATE_CELLS**2


def test_a_cell_has_one_of_512_colours() -> None:
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), axis=-1).reshape(-1, 1, 3)
    colours = {tuple(cell_colour(colour).round(3)) for colour in cube}
    assert 20 < len(colours) <= 512
    assert len({tuple(colour.reshape(3)) for colour in cube}) > 4000, "the control: there are many more"


@pytest.mark.parametrize("colour", [coarse_colour, cell_colour])
def test_grey_stays_grey(colour: Callable[[np.ndarray], np.ndarray]) -> None:
    for level in range(0, 256, 5):
        told = colour(np.full((2, 2, 3), level, np.uint8))
        assert np.ptp(told) < 0.5


def swapped(picture: np.ndarray, mask: np.ndarray, covers: list[Cover], seed: int) -> np.ndarray:
    """Put anything under a mask that the covers' style may not tell from what was there."""
    rng = np.random.default_rng(seed)
    out = picture.copy()
    out[mask] = rng.integers(0, 256, (int(mask.sum()), 3), dtype=np.uint8)
    if covers[0].style is Style.BLUR:
        # Whatever the hair, the mean colours of the faces stay the same.
        for cover in covers:
            x1, y1, x2, y2 = window_of(cover.face, (picture.shape[1], picture.shape[0]))
            out[y1:y2, x1:x2] = picture[y1:y2, x1:x2]
        inside = [window_of(cover.face, (picture.shape[1], picture.shape[0])) for cover in covers]
        if len(inside) == 1:
            x1, y1, x2, y2 = inside[0]
            cells = picture[y1:y2, x1:x2].reshape(-1, 3)
            out[y1:y2, x1:x2] = rng.permutation(cells).reshape(y2 - y1, x2 - x1, 3)
    return out


@settings(max_examples=60, deadline=None)
@given(
    places=st.lists(PLACES, min_size=1, max_size=3),
    degrees=st.floats(-180, 180),
    style=st.sampled_from([Style.BLUR, Style.SOLID, Style.EMOJI, Style.IMAGE]),
    extent=st.sampled_from(list(Extent)),
    grid=st.sampled_from([Grid(), Grid((8, 8)), Grid((16, 16)), Grid((16, 8), (4, 3))]),
    keep=st.tuples(st.integers(-10, 300), st.integers(-10, 220), st.integers(8, 60)),
    seed=st.integers(0, 2**32 - 1),
)
def test_nothing_under_covers_tells_on_any_grid_and_only_what_is_said_changes(
    places: list[tuple[int, int, int]], degrees: float, style: Style, extent: Extent, grid: Grid,
    keep: tuple[int, int, int], seed: int,
) -> None:  # fmt: skip
    """The swap test, beside kept faces, and the limits of what may change."""
    kept = [BoundingBox(keep[0], keep[1], keep[0] + keep[2], keep[1] + keep[2])]
    covers = [cover_for(tilted(detection_at(*place), degrees), style, extent) for place in places]
    size = (320, 240)
    one = scene()
    mask = cover_mask(covers, kept, size, grid)
    made = [cover_up(p, covers, kept, grid, LOGO) for p in (one, swapped(one, mask, covers, seed))]
    assert (made[0].changed == made[1].changed).all()
    assert made[0].changed[mask].all()
    taken = made[0].changed
    assert (made[0].pixels[taken] == made[1].pixels[taken]).all()
    assert (made[0].pixels[~taken] == one[~taken]).all()
    spared = np.zeros_like(mask)
    for box in kept:
        x1, y1, x2, y2 = grid.outwards(window_of(box, size), size)
        spared[y1:y2, x1:x2] = True
    assert not (taken & spared & ~near(mask)).any()
    for cover in covers:
        x1, y1, x2, y2 = grid.outwards(window_of(cover.face, size), size)
        spared[y1:y2, x1:x2] = False
    assert not (mask & spared).any()
    assert not (taken & spared & ~near(mask)).any()


def near(mask: np.ndarray) -> np.ndarray:
    """What a decoder mixes with a mask."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))).astype(bool)


@pytest.mark.parametrize("grid", [Grid(), Grid((16, 16))])
def test_a_mosaic_tells_nothing_but_its_cells(grid: Grid) -> None:
    """Turn each cell's pixels around: other faces, the same means, the same output."""
    cover = cover_for(detection_at(120, 90, 60), Style.PIXELATE)
    one = scene()
    mask = cover_mask([cover], [], (320, 240), grid)
    other = one.copy()
    box = reach(cover)
    xs, ys = (
        [math.floor(edge + 0.5) for edge in np.linspace(first, last, PIXELATE_CELLS + 1)]
        for first, last in ((box.x1, box.x2), (box.y1, box.y2))
    )
    for y1, y2 in itertools.pairwise(ys):
        for x1, x2 in itertools.pairwise(xs):
            cell, own = other[y1:y2, x1:x2], mask[y1:y2, x1:x2]
            cell[own] = np.random.default_rng(1).permutation(cell[own])
    assert (one != other).any()
    made = [cover_up(picture, [cover], [], grid) for picture in (one, other)]
    assert (made[0].pixels[made[0].changed] == made[1].pixels[made[1].changed]).all()


def test_a_head_is_more_than_a_face_and_a_person_more_than_a_head() -> None:
    face = detection_at(400, 100, 60)
    masks = [cover_mask([cover_for(face, Style.SOLID, extent)], [], (900, 900)) for extent in Extent]
    for smaller, larger in itertools.pairwise(masks):
        assert larger[smaller].all() and larger.sum() > 1.5 * smaller.sum()
    assert masks[1][195, 430], "the neck"
    assert masks[2][600, 430] and masks[2][300, 340], "legs and arms"


def test_the_cover_of_a_lying_person_lies() -> None:
    face = tilted(detection_at(400, 400, 60), -90)
    mask = cover_mask([cover_for(face, Style.SOLID, Extent.PERSON)], [], (900, 900))
    assert mask[430, 800] != mask[430, 60], "the body is on one side"
    assert not mask[800, 430]


def test_a_body_leaves_the_whole_head_of_somebody_who_is_kept() -> None:
    kept = BoundingBox(410, 260, 450, 310)
    covers = [cover_for(detection_at(400, 100, 60), Style.BLUR, Extent.PERSON)]
    mask = cover_mask(covers, [kept], (900, 900))
    assert not mask[250:312, 415:445].any()
    assert cover_mask(covers, [], (900, 900))[250:312, 415:445].all(), "the control"


def test_smileys_are_the_same_for_everybody_and_cover_all_of_the_face() -> None:
    face = detection_at(100, 80, 80)
    cover = cover_for(face, Style.EMOJI)
    one, other = (redact(scene(seed=seed), [cover], []) for seed in (1, 2))
    inside = np.zeros((240, 320), bool)
    inside[80:160, 100:180] = True
    assert (one[inside] == other[inside]).all()
    assert len(np.unique(one[inside], axis=0)) > 10
    bright = one[82:158, 102:178].astype(int)
    assert ((bright[..., 0] > 200) & (bright[..., 2] < 130)).mean() > 0.7, "yellow"


def test_transparent_parts_of_a_picture_cover_too() -> None:
    clear = Picture(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.uint8))
    face = detection_at(120, 90, 60)
    cover = cover_for(face, Style.IMAGE)
    one, other = (with_face(scene(), face.box, seed) for seed in (1, 2))
    made = [cover_up(picture, [cover], [], picture=clear).pixels for picture in (one, other)]
    assert (made[0] == made[1]).all()
    assert (made[0][90:150, 120:180] != one[90:150, 120:180]).any(axis=2).mean() > 0.9


def test_a_picture_is_shown_upright_and_turned_with_the_face() -> None:
    halves = np.zeros((40, 40, 3), np.uint8)
    halves[:20], halves[20:] = (250, 0, 0), (0, 0, 250)
    flag = Picture(halves, np.full((40, 40), 255, np.uint8))
    face = detection_at(120, 90, 60)
    for degrees, red in ((0, (105, 150)), (90, (120, 165)), (180, (135, 150))):
        cover = cover_for(tilted(face, degrees), Style.IMAGE)
        out = cover_up(scene(), [cover], [], picture=flag).pixels
        assert out[red].tolist() == [250, 0, 0]


def test_coarse_colours_are_at_most_512() -> None:
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), axis=-1).reshape(-1, 1, 3)
    assert len({tuple(coarse_colour(colour).round(3)) for colour in cube}) <= 512


def test_the_cover_holds_the_face_and_a_third_more() -> None:
    for place in FACES:
        for degrees in (0, 30, 90, 135):
            face = tilted(detection_at(*place), degrees)
            mask = cover_mask([cover_for(face, Style.BLUR)], [], (900, 900))
            inside = face.box.clipped((900, 900))
            assert mask[int(inside.y1) : int(inside.y2), int(inside.x1) : int(inside.x2)].all()
    whole = cover_mask([cover_for(detection_at(300, 300, 100), Style.BLUR)], [], (900, 900))
    assert whole.sum() >= 1.3**2 * 100**2


def test_the_cover_reaches_over_hair_above_and_ears_beside() -> None:
    mask = cover_mask([cover_for(detection_at(300, 300, 100), Style.BLUR)], [], (900, 900))
    assert mask[265:, 350].any() and mask[270, 350]
    assert mask[350, 285] and mask[350, 415]
    assert mask[412, 350]


def test_a_kept_face_is_never_touched() -> None:
    pixels = scene()
    kept = BoundingBox(190, 90, 250, 150)
    pixels[90:150, 190:250] = noise_face(kept)
    for style in Style:
        out = redact(pixels, [cover_for(detection_at(125, 90, 60), style)], [kept])
        assert (out[90:150, 190:250] == pixels[90:150, 190:250]).all()
        without = redact(pixels, [cover_for(detection_at(125, 90, 60), style)], [])
        assert (without[90:150, 190:250] != pixels[90:150, 190:250]).any(), "the control: the margin would reach it"


def test_where_a_covered_and_a_kept_face_overlap_the_covered_one_wins() -> None:
    pixels = scene()
    covered, kept = detection_at(120, 90, 60), BoundingBox(160, 90, 220, 150)
    pixels[90:150, 120:220] = noise_face(BoundingBox(0, 0, 100, 60))
    out = redact(pixels, [cover_for(covered, Style.SOLID)], [kept])
    assert (out[90:150, 120:180] == 112).all()
    assert (out[90:150, 180:220] == pixels[90:150, 180:220]).all()


def test_redacting_makes_a_new_array_and_changes_nothing_far_away() -> None:
    pixels = scene()
    pixels.setflags(write=False)
    out = redact(pixels, [cover_for(detection_at(120, 90, 40), Style.BLUR)], [])
    assert out is not pixels
    far = np.ones((240, 320), bool)
    far[20:210, 60:230] = False
    assert (out[far] == pixels[far]).all()
    assert (redact(pixels, [], []) == pixels).all()


def test_covers_of_all_styles_lie_beside_each_other() -> None:
    covers: list[Cover] = [cover_for(detection_at(40 + 90 * i, 90, 50), style) for i, style in enumerate(Style)]
    out = redact(scene(), covers, [])
    assert (out != scene()).any(axis=2).sum() > 3 * 50 * 50
