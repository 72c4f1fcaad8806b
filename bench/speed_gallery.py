"""What the search for a face costs in a gallery of made-up people, and what such a gallery costs to open."""

from __future__ import annotations

import pickle
import time
from datetime import date

import numpy as np
from common import medians

from consent.model import Reference
from imgguard import BoundingBox, Detection, Embedding, Gallery, Probe, Quality, Source
from imgguard.calibration import default_calibration

FACES = (1, 5, 12)


def people(count: int) -> list[Reference]:
    """Make up people."""
    vectors = np.random.default_rng(3).normal(size=(count, 128)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    model, ends = default_calibration().model_id, date(2099, 1, 1)
    return [Reference(f"{n:06}", vector.tobytes(), model, None, ends) for n, vector in enumerate(vectors)]


def probe(vector: np.ndarray) -> Probe:
    """A face to search for."""
    face = Detection(BoundingBox(0, 0, 99, 99), 0.9, np.zeros((5, 2), np.float32), Source.BOTH)
    return Probe(face, Embedding(vector, default_calibration().model_id), Quality(100, 10, 0, None))


def cost(count: int, rounds: int) -> dict[str, float]:
    """Seconds to open a gallery, its size in MB as workers get it, and milliseconds a face."""
    references = people(count)
    began = time.perf_counter()
    gallery = Gallery.from_references(references)
    opened = time.perf_counter() - began
    probes = [probe(vector) for vector in gallery.templates[:: max(count // max(FACES), 1)][: max(FACES)]]
    embedding = probes[0].embedding
    assert embedding is not None
    actions = {f"{n} faces": (lambda n=n: gallery.identify_all(probes[:n])) for n in FACES}
    found = medians({**actions, "check": lambda: gallery.similarity(embedding)}, rounds * 3)
    searched = {name: 1000 * took / (int(name.split()[0]) if name[0].isdigit() else 1) for name, took in found.items()}
    return {"open": opened, "megabytes": len(pickle.dumps(gallery)) / 1e6, **searched}
