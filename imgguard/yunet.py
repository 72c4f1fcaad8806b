"""YuNet through ONNX Runtime, which needs half the time of OpenCV's own wrapper for it and gives the same faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Detection, Source
from imgguard.weights import read_weights

if TYPE_CHECKING:
    from imgguard.types import Floats, Pixels

_YUNET = "face_detection_yunet_2023mar.onnx"
_STRIDES = (8, 16, 32)
# The sides of what the model is given are multiples of its coarsest stride.
_MULTIPLE = 32
_NMS_IOU = 0.3
_TOP_K = 5000
_OUTPUTS = [f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]
# The file gives the size of the picture, 640, and the numbers of anchors that follow from it. As protobuf these are
# dimensions by value; each becomes one by name, of the same length (onnx.proto, TensorShapeProto.Dimension).
_BY_VALUE = b"\x0a\x03\x08"
_BY_NAME = b"\x0a\x03\x12\x01"
_SIDE, _ANCHORS = b"\x80\x05", (b"\x80\x32", b"\xc0\x0c", b"\x90\x03")


class YuNet:
    """The primary detector. Good for faces of 10 to 300 px in the picture that it is given."""

    def __init__(self) -> None:
        """Load and verify the model."""
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, cv2.getNumThreads())
        options.inter_op_num_threads = 1
        # Pictures come in many sizes; what is kept for each of them would be a good part of a worker's memory.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        model = of_any_size(read_weights(_YUNET))
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def detect(self, pixels: Pixels, min_score: float) -> list[Detection]:
        """Find faces; see `imgguard.backends.Detector`."""
        height, width = pixels.shape[:2]
        padded = -(-height // _MULTIPLE) * _MULTIPLE, -(-width // _MULTIPLE) * _MULTIPLE
        if padded != (height, width):
            missing = padded[0] - height, padded[1] - width
            pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT), np.uint8)
        outputs = dict(zip(_OUTPUTS, self._session.run(_OUTPUTS, {"input": _planes(pixels)}), strict=True))
        rows = np.concatenate([_rows(outputs, stride, padded, min_score) for stride in _STRIDES])
        return [_detection(row) for row in _without_doubles(rows, min_score)]


def of_any_size(model: bytes) -> bytes:
    """Make a YuNet of 640 x 640 take pictures of any size.

    Raises:
        ValueError: if it is another model.
    """
    if model.count(_BY_VALUE + _SIDE) != 2:
        raise ValueError("not the YuNet whose input is 640 x 640 pixels")
    model = model.replace(_BY_VALUE + _SIDE, _BY_NAME + b"h", 1).replace(_BY_VALUE + _SIDE, _BY_NAME + b"w", 1)
    for name, anchors in zip((b"a", b"b", b"c"), _ANCHORS, strict=True):
        model = model.replace(_BY_VALUE + anchors, _BY_NAME + name)
    return model


def _planes(pixels: Pixels) -> Floats:
    """Give blue, green and red as planes, (1, 3, H, W) float32: what the model wants, 0 to 255."""
    planes = np.empty((1, 3, *pixels.shape[:2]), np.float32)
    for plane, channel in zip(planes[0], reversed(cv2.split(pixels)), strict=True):
        plane[:] = channel
    return planes


def _rows(outputs: dict[str, Any], stride: int, size: tuple[int, int], min_score: float) -> Floats:
    """Read what one stride found, (N, 15) float32: box as x, y, width, height, five landmarks, score."""
    sure, there = (np.clip(outputs[f"{part}_{stride}"].reshape(-1), 0, 1) for part in ("cls", "obj"))
    scores = np.sqrt(sure * there)
    (found,) = np.nonzero(scores >= min_score)
    columns = size[1] // stride
    corner = np.stack([found % columns, found // columns], axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride}"].reshape(-1, 4)[found]
    points = outputs[f"kps_{stride}"].reshape(-1, 5, 2)[found]
    center, extent = (corner + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride
    landmarks = ((points + corner[:, None]) * stride).reshape(-1, 10)
    return np.hstack([center - extent / 2, extent, landmarks, scores[found, None]]).astype(np.float32)


def _without_doubles(rows: Floats, min_score: float) -> Floats:
    if len(rows) < 2:
        return rows
    # In whole pixels, as OpenCV's wrapper does it: what accuracy was measured with.
    boxes = rows[:, :4].astype(np.int32)
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), rows[:, 14].tolist(), min_score, _NMS_IOU, 1.0, _TOP_K)
    return rows[np.asarray(kept, np.intp).reshape(-1)]


def _detection(row: Floats) -> Detection:
    x, y, width, height = (float(value) for value in row[:4])
    landmarks = np.array(row[4:14], np.float32).reshape(5, 2)
    return Detection(BoundingBox(x, y, x + width, y + height), float(row[14]), landmarks, Source.YUNET)
