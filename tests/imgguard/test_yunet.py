from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from imgguard import load_photo
from imgguard.types import Detection
from imgguard.weights import read_weights
from imgguard.yunet import YuNet, of_any_size
from tests.conftest import SAMPLES

MODEL = "face_detection_yunet_2023mar.onnx"


@pytest.fixture(scope="module")
def yunet() -> YuNet:
    return YuNet()


@pytest.mark.parametrize("size", [(1200, 800), (901, 601), (97, 333), (640, 480)])
def test_finds_what_the_wrapper_of_opencv_finds(yunet: YuNet, size: tuple[int, int]) -> None:
    photo = load_photo(SAMPLES / "event" / "event_01_class_photo.jpg")
    pixels = np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    ours = sorted(yunet.detect(pixels, 0.1), key=lambda face: -face.score)
    theirs = sorted(wrapped(pixels), key=lambda face: -face.score)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert np.allclose(one.landmarks, other.landmarks, atol=0.01)
        for edge in ("x1", "y1", "x2", "y2"):
            assert getattr(one.box, edge) == pytest.approx(getattr(other.box, edge), abs=0.01)
    assert size != (1200, 800) or len(ours) >= 8


def test_a_picture_without_faces_gives_none(yunet: YuNet) -> None:
    assert yunet.detect(np.full((200, 300, 3), 90, np.uint8), 0.1) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 1), (7, 500)])
def test_a_tiny_picture_gives_what_the_wrapper_gives(yunet: YuNet, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (*size, 3), np.uint8)
    assert len(yunet.detect(pixels, 0.1)) == len(wrapped(pixels))


def test_another_model_is_refused_and_not_changed() -> None:
    with pytest.raises(ValueError, match="640 x 640"):
        of_any_size(read_weights("face_recognition_sface_2021dec.onnx"))


def wrapped(pixels: Any) -> list[Detection]:
    from imgguard.yunet import _detection

    model = np.frombuffer(read_weights(MODEL), np.uint8)
    net = cv2.FaceDetectorYN.create("onnx", model, np.zeros(0, np.uint8), pixels.shape[1::-1], 0.1, 0.3, 5000)
    rows = net.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1]
    return [] if rows is None else [_detection(row) for row in rows]
