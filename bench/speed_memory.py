"""How the memory of a long run grows: that of the main process, and that of workers with the models."""

from __future__ import annotations

import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from speed_child import DAY, KNOWN, processes
from speed_photos import build_photo

from consent.model import Reference
from imgguard import Gallery, Guard
from imgguard.engines import Engine, Pool
from imgguard.rules import Rules
from imgguard.tasks import Outcome, Task, Work, perform
from imgguard.types import CleanedPhoto

sys.path.append(str(Path(__file__).parent.parent))
from tests.fakes import FACE_COLOUR, fake_backends, plain_calibration

_SIDE = 96
_KINDS = 7
_ENROLLED = 200
_SAMPLES = 40


@dataclass(frozen=True)
class Growth:
    """Memory over a run.

    Attributes:
        photos: How many were cleaned.
        most: The most that the process took, in MB.
        slope: MB more for each 1,000 photos, a line through the second half of the run.
        samples: (photos, MB).
    """

    photos: int
    most: float
    slope: float
    samples: list[tuple[int, float]]

    @classmethod
    def of(cls, samples: list[tuple[int, float]]) -> Growth:
        """Lay the line."""
        half = samples[len(samples) // 2 :] if len(samples) > 3 else samples
        slope = float(np.polyfit([n for n, _ in half], [mb for _, mb in half], 1)[0]) if len(half) > 1 else 0.0
        return cls(samples[-1][0], max(mb for _, mb in samples), 1000 * slope, samples)


class FakeHere:
    """Works here, with back ends that need no model, and on each kind of picture once.

    What is left is what the main process does of itself.
    """

    width = 1

    def __init__(self, rules: Rules) -> None:
        """Take the rules of a run."""
        self._rules, self._backends = rules, fake_backends()
        self._waiting: deque[Task] = deque()
        self._known: dict[tuple[Work, str], Outcome] = {}

    def submit(self, task: Task) -> None:
        """See `imgguard.engines.Engine`."""
        self._waiting.append(task)

    def collect(self) -> Iterator[tuple[Task, Outcome]]:
        """See `imgguard.engines.Engine`."""
        if self._waiting:
            task = self._waiting.popleft()
            kind = task.work, sha256(task.source.read_bytes()).hexdigest()
            if kind not in self._known:
                self._known[kind] = perform(task, self._rules, self._backends)
            outcome = self._known[kind]
            yield task, replace(outcome, source=task.source) if isinstance(outcome, CleanedPhoto) else outcome

    def close(self) -> None:
        """See `imgguard.engines.Engine`."""


def sample_guard(place: Path) -> Guard:
    """A guard of the sample school."""
    return Guard(**KNOWN, school=place / "school", on=DAY)


def fake_guard(place: Path) -> Guard:
    """The same with a gallery of made-up people for the fake embedder."""
    guard = sample_guard(place)
    vectors = np.random.default_rng(1).normal(size=(_ENROLLED, 128)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    model, ends = fake_backends().embedder.model_id, date(2099, 1, 1)
    people = [Reference(f"{n:06}", vector.tobytes(), model, None, ends) for n, vector in enumerate(vectors)]
    gallery = Gallery.from_references(people, on=DAY, calibration=plain_calibration(model))
    guard.rules = replace(guard.rules, gallery=gallery)
    return guard


def draw_small(folder: Path, count: int) -> Path:
    """Draw photos with two faces that the fake detector finds, a thousand a folder."""
    for number in range(count):
        picture = np.full((_SIDE, _SIDE, 3), 90, np.uint8)
        picture[:: 1 + number % _KINDS, 70:] = number % _KINDS
        for x in (6, 40):
            picture[20:44, x : x + 20] = FACE_COLOUR
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture[..., ::-1])
    return folder


def followed(guard: Guard, folder: Path, out: Path, engine: Engine, every: int) -> dict[str, Growth]:
    """Clean a folder and look at the memory of all processes now and then."""
    seen: dict[str, list[tuple[int, float]]] = {}
    results = guard.run(guard.plan([folder], out), engine=lambda rules: engine, resume=False)
    for number, _ in enumerate(results, 1):
        if number % every == 0:
            for who, memory in processes().items():
                seen.setdefault(who, []).append((number, memory["now"]))
    return {who: Growth.of(samples) for who, samples in seen.items() if len(samples) > 1}


def main_growth(photos: int) -> Growth:
    """The main process over many photos, with fake back ends."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folder = draw_small(place / "in", photos)
        with fake_guard(place) as guard:
            engine = FakeHere(guard.rules)
            return followed(guard, folder, place / "out", engine, max(photos // _SAMPLES, 1))["main"]


def worker_growth(photos: int, workers: int = 2) -> Growth:
    """The worker that grows most, with the models, over photos of one megapixel."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for faces in (2, 5):
            build_photo(place / "kinds" / f"{faces}.jpg", faces, (1152, 864))
        kinds = [path.read_bytes() for path in sorted((place / "kinds").iterdir())]
        for number in range(photos):
            path = place / "in" / f"{number // 100:03}" / f"{number:06}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(kinds[number % len(kinds)])
        with sample_guard(place) as guard:
            engine = Pool(guard.rules, workers)
            found = followed(guard, place / "in", place / "out", engine, max(photos // _SAMPLES, 1))
        grown = [growth for who, growth in found.items() if who != "main" and len(growth.samples) > 3]
        return max(grown, key=lambda growth: growth.slope, default=found["main"])
