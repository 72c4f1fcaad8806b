from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgguard import BoundingBox, Cover, Detection, Encoding, Format, Style
from imgguard.covers import cover_for, cover_mask
from imgguard.redact import PIXELATE_CELLS, coarse_colour, redact
from imgguard.sanitize import encode
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
@pytest.mark.parametrize("style", [Style.BLUR, Style.SOLID])
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
    published = [encode(redact(picture, [cover], []), Format.JPEG, encoding) for picture in (one, other)]
    assert published[0] == published[1]


def test_the_swap_test_fails_on_an_ordinary_blur() -> None:
    """The control: a strong Gaussian under the same mask lets the face through."""
    import cv2

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
    mask = cover_mask([cover], [], (320, 240))
    colours = np.unique(redact(picture, [cover], [])[mask].reshape(-1, 3), axis=0)
    assert len(colours) <= PIXELATE_CELLS**2
    assert set(np.unique(colours)) <= set(range(16, 256, 32))


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
