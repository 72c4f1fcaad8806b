"""BlazeFace through MediaPipe Tasks: other training data, other architecture, so other mistakes than YuNet's."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from imgguard.standing_in import left_out
from imgguard.types import BoundingBox, Detection, Source
from imgguard.weights import read_weights

if TYPE_CHECKING:
    from imgguard.types import Floats, Pixels

_FULL_RANGE = "face_detection_full_range_sparse.tflite"
_SHORT_RANGE = "face_detection_short_range.tflite"
# The near model sees faces in textures; alone it counts only when it is rather sure.
_SHORT_RANGE_MIN_SCORE = 0.8
_MODEL_MIN_SCORE = 0.3
_MOUTH_HALF_WIDTH = 0.42
# What MediaPipe imports to draw, to listen and to read takes most of its time.
_NEVER_USED = (
    "matplotlib", "matplotlib.pyplot", "sounddevice",
    *(f"mediapipe.tasks.python.{part}" for part in ("audio", "decision", "retrieval", "text")),
)  # fmt: skip


class BlazeFace:
    """The second opinion: the full-range and the short-range model together."""

    def __init__(self) -> None:
        """Load and verify both models."""
        with _quiet_stderr():
            self._models = [(_open(_FULL_RANGE), 0.0), (_open(_SHORT_RANGE), _SHORT_RANGE_MIN_SCORE)]
            self._lock = threading.Lock()
            self.detect(np.zeros((64, 64, 3), np.uint8), 1.0)

    def detect(self, pixels: Pixels, min_score: float) -> list[Detection]:
        """Find faces; see `imgguard.backends.Detector`."""
        import mediapipe

        image = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(pixels))
        found = []
        for model, floor in self._models:
            with self._lock:
                result = model.detect(image)
            faces = [_detection(face, pixels.shape[1], pixels.shape[0]) for face in result.detections]
            found += [face for face in faces if face.score >= max(floor, min_score)]
        return found


def _open(name: str) -> Any:
    with left_out(*_NEVER_USED):
        from mediapipe.tasks.python.core.base_options import BaseOptions
        from mediapipe.tasks.python.vision.face_detector import FaceDetector, FaceDetectorOptions

    class LastingDetector(FaceDetector):  # type: ignore[misc]
        """One for the life of the process: MediaPipe's own clean-up fails while the interpreter goes down."""

        def __del__(self) -> None: ...

    base = BaseOptions(model_asset_buffer=read_weights(name))
    options = FaceDetectorOptions(base_options=base, min_detection_confidence=_MODEL_MIN_SCORE)
    detector = FaceDetector.create_from_options(options)
    detector.__class__ = LastingDetector
    return detector


def _detection(face: Any, width: int, height: int) -> Detection:
    box = face.bounding_box
    x, y = float(box.origin_x), float(box.origin_y)
    points = np.array([(p.x * width, p.y * height) for p in face.keypoints[:4]], np.float32)
    bounds = BoundingBox(x, y, x + box.width, y + box.height)
    return Detection(bounds, float(face.categories[0].score), _five_points(points), Source.BLAZEFACE)


def _five_points(points: Floats) -> Floats:
    """Make five landmarks of BlazeFace's eyes, nose and middle of the mouth; good for the tilt of a cover only."""
    right_eye, left_eye, nose, mouth = points
    half_mouth = (left_eye - right_eye) * np.float32(_MOUTH_HALF_WIDTH)
    return np.stack([right_eye, left_eye, nose, mouth - half_mouth, mouth + half_mouth]).astype(np.float32)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep the C++ side's start-up chatter (it has no switch) away from the user's terminal."""
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
