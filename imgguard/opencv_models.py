"""SFace through OpenCV's own wrapper for it."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from imgguard.weights import manifest, read_weights

if TYPE_CHECKING:
    from imgguard.types import Floats, Pixels

_SFACE = "face_recognition_sface_2021dec.onnx"
_NO_CONFIG = np.zeros(0, np.uint8)


class SFace:
    """The embedder: 128 dimensions. A face and its mirror image are embedded and averaged, which is nearer to both."""

    def __init__(self) -> None:
        """Prepare; the model is loaded and verified when it is first used: without recognition it never is."""
        self._lock = threading.Lock()

    @cached_property
    def _net(self) -> Any:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        model = np.frombuffer(read_weights(_SFACE), np.uint8)
        net = cv2.FaceRecognizerSF.create("onnx", model, _NO_CONFIG)
        cv2.utils.logging.setLogLevel(level)
        return net

    @property
    def model_id(self) -> str:
        """The model's name and the beginning of its digest."""
        return f"sface-2021dec-mirrored:{manifest()[_SFACE].sha256[:12]}"

    def align(self, pixels: Pixels, landmarks: Floats) -> Pixels:
        """Warp to 112 x 112; see `imgguard.backends.Embedder`."""
        row = np.zeros((1, 15), np.float32)
        row[0, 4:14] = landmarks.reshape(10)
        return np.asarray(self._net.alignCrop(pixels, row), np.uint8)

    def embed(self, aligned: Pixels) -> Floats:
        """Embed; see `imgguard.backends.Embedder`."""
        bgr = cv2.cvtColor(aligned, cv2.COLOR_RGB2BGR)
        return _unit(self._embed(bgr) + self._embed(cv2.flip(bgr, 1)))

    def _embed(self, bgr: Any) -> Floats:
        with self._lock:
            return _unit(np.array(self._net.feature(bgr), np.float32).reshape(-1))


def _unit(vector: Floats) -> Floats:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))
