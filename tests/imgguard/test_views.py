from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgguard.scales import cut_out
from imgguard.views import View
from tests.fakes import SquareDetector, detection_at
from tests.imgguard.test_detect import with_squares


def views_of(view: View) -> list[View]:
    turned = [one.turned(quarters) for one in (view, view.mirrored()) for quarters in range(4)]
    return [*turned, view.mirrored().mirrored()]


@pytest.mark.parametrize("index", range(9))
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_what_is_found_in_a_view_is_brought_back_to_its_place(index: int, scale: float) -> None:
    pixels = with_squares(400, 300, (220, 60, 60))
    whole = cut_out(pixels, (200, 150), 400, round(400 * scale))
    view = views_of(whole)[index]
    (found,) = SquareDetector().detect(view.pixels, 0.5)
    box = view.back(found).box
    assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx((220, 60, 280, 120), abs=2)


def test_in_a_mirror_left_and_right_change_places() -> None:
    view = View.of(np.zeros((100, 200, 3), np.uint8), 1.0)
    face = detection_at(20, 20, 40)
    back = view.mirrored().back(face).landmarks
    assert back[0, 0] < back[1, 0], "the right eye stays the one on the left of the picture"
    np.testing.assert_allclose(back[:2, 0], 200 - face.landmarks[[1, 0], 0])


@given(st.integers(0, 8), st.floats(0.1, 8), st.floats(-50, 500), st.floats(-50, 500))
def test_landmarks_stay_in_their_box(index: int, scale: float, x: float, y: float) -> None:
    view = views_of(View.of(np.zeros((30, 40, 3), np.uint8), scale, (x, y)))[index]
    face = view.back(detection_at(5, 5, 10, 20))
    assert all(face.box.grown(0.01).holds((float(px), float(py))) for px, py in face.landmarks)
