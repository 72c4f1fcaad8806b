"""A small school in which nothing takes long: drawn photos, people who are told apart by a shade, no models.

A face is a magenta square with a pattern, and whose it is, is its shade of red. So a photo is cleaned in a hundredth
of a second, while everything around it (search, decisions, covers, check, publication, record) is the real thing.
"""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from consent.model import Answer, Consent, Purpose, Reference, SignerRole, Subject
from imgguard import Detection, Gallery, Guard
from imgguard.backends import Backends
from imgguard.identify import average
from tests.fakes import NoDetector, detection_at, plain_calibration
from tests.pictures import scene

TODAY = date(2026, 11, 23)
SIDE = 56
_SHADES, _STEP = 5, 12
_MODEL = "shade"


def take_a_gigabyte() -> None:
    """Take memory as a large photo does; where there is none, the system may end the process instead."""
    try:
        np.empty(1 << 30, np.uint8)
    except MemoryError:
        if os.environ.get("FAULTS_SHORT_OF_MEMORY") == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise


def vector_of(person: int) -> np.ndarray:
    vector = np.random.default_rng(1000 + person).normal(size=128).astype(np.float32)
    return vector / np.linalg.norm(vector)


class ColumnDetector:
    """Finds magenta squares that stand side by side; faster than `tests.fakes.SquareDetector`, and knows no more."""

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        if pixels.shape[0] > pixels.shape[1]:
            # A photo of which a test has made up that it is too large for the memory.
            take_a_gigabyte()
        near = cv2.inRange(pixels, (196, 0, 196), (255, 59, 255))
        columns = np.flatnonzero(near.any(axis=0))
        found = []
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            if len(run) < 4:
                continue
            rows = np.flatnonzero(near[:, run[0] : run[-1] + 1].any(axis=1))
            found.append(detection_at(run[0], rows[0], run[-1] + 1 - run[0], rows[-1] + 1 - rows[0]))
        return found


class ShadeEmbedder:
    """Knows whose face it is by its shade of red."""

    model_id = _MODEL

    def align(self, pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        width, height = (landmarks[1, 0] - landmarks[0, 0]) / 0.4, (landmarks[3, 1] - landmarks[0, 1]) / 0.4
        x, y = landmarks[0, 0] - 0.2 * width, landmarks[0, 1] - 0.3 * height
        part = pixels[max(round(y), 0) : round(y + 0.8 * height), max(round(x), 0) : round(x + 0.8 * width)]
        return np.ascontiguousarray(cv2.resize(part if part.size else pixels, (112, 112)))

    def embed(self, aligned: np.ndarray) -> np.ndarray:
        return vector_of(round((255 - float(aligned[..., 0].mean())) / _STEP))


@cache
def backends() -> Backends:
    return Backends(ColumnDetector(), NoDetector(), ShadeEmbedder(), {"shade.onnx": "0" * 64})  # type: ignore[arg-type]


def face(person: int) -> np.ndarray:
    pattern = np.indices((SIDE, SIDE)).sum(axis=0) // 4 % 2
    square = np.empty((SIDE, SIDE, 3), np.uint8)
    square[...] = (255 - _STEP * person, 0, 255)
    square[..., 1] = pattern * 50
    return square


def drawn(seed: int, people: Iterable[int] = (), height: int = 112) -> bytes:
    """A photo with some people side by side; person 0 and 1 may be shown, 2 said no, 3 and 4 are strangers."""
    pixels = scene(200, height, seed)
    for place, person in enumerate(people):
        x, y = 20 + place * (SIDE + 32), 24 + seed % 5
        pixels[y : y + SIDE, x : x + SIDE] = face(person)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def draw_event(folder: Path, photos: int) -> Path:
    """Draw photos in two folders, with no, one or two people."""
    for number in range(photos):
        people = [(), (0,), (0, 2), (3,), (1, 0)][number % 5]
        path = folder / ("field", "gym")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn(number, people))
    return folder


def _subject(person: int) -> Subject:
    answer = Answer.NO if person == 2 else Answer.YES
    form = Consent(
        Purpose.SCHOOL_WEBSITE, answer, "A Parent", SignerRole.GUARDIAN, date(2026, 9, 1), date(2027, 6, 30), "F", 2
    )
    return Subject(f"10{person}", f"Person{person}", biometric_ok=True, role="student", consents=(form,))


def guard_of(school: Path) -> Guard:
    """A guard who knows three people, as one would who had read a roster and enrolled ID photos."""
    guard = Guard(recognition=False, purpose="school_website", style="solid", search="fast", school=school, on=TODAY)
    known = {one.subject_id: one for one in map(_subject, range(3))}
    references = [
        Reference(number, vector_of(place).astype("<f4").tobytes(), _MODEL, None, date(2027, 6, 30))
        for place, number in enumerate(known)
    ]
    gallery = Gallery(average(references), {}, 0.001, plain_calibration(_MODEL))
    guard.rules = replace(guard.rules, purpose=Purpose.SCHOOL_WEBSITE, subjects=known, gallery=gallery)
    return guard
