"""Measure the whole way of a 12-megapixel photo with five faces against the bare decode and encode of the same photo.

    python bench/pipeline.py

One core, medians in one run, so that the ratio holds on a busy machine too. Then a folder with one and two workers.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from common import medians
from PIL import Image

from imgguard import Guard
from imgguard.backends import default_backends
from imgguard.covers import cover_for
from imgguard.detect import detect_faces
from imgguard.embed import make_probe
from imgguard.output import OutputFolder
from imgguard.photo import load_photo
from imgguard.pipeline import prepare_photo
from imgguard.redact import cover_up
from imgguard.sanitize import write
from imgguard.types import Format
from imgguard.verify import CoveredFace, check_output

SAMPLES = Path(__file__).parent.parent / "sample_images"
SIZE = (4000, 3000)
REPEATS = 7


def build_photo(path: Path, seed: int = 0) -> None:
    """Enlarge a sample photo with five faces to 12 megapixels and give it a camera's grain."""
    image = Image.open(SAMPLES / "event" / "event_04_classroom.jpg").resize(SIZE, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(seed).normal(0, 5, (SIZE[1], SIZE[0], 1))
    noisy = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(path, quality=92)


def bare(path: Path) -> None:
    """Decode to pixels and encode them again, nothing else, with the fastest calls at hand."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])


def main() -> None:
    """Print the tables."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        path = folder / "photo.jpg"
        build_photo(path)
        guard = Guard(
            roster=SAMPLES / "roster.csv",
            id_photos=SAMPLES / "id_photos",
            purpose="school_website",
            school=folder / "record",
            on=date(2026, 11, 23),
        )
        single(guard, path, folder)
        many(guard, path, folder)


def single(guard: Guard, path: Path, folder: Path) -> None:
    """One photo on one core: the whole, and each stage by itself."""
    backends, rules = default_backends(), guard.rules
    photo = load_photo(path)
    faces = detect_faces(photo)
    covers = [cover_for(face, rules.style) for face in faces]
    covered = [
        CoveredFace(f, c, make_probe(photo.pixels, f, backends).embedding) for f, c in zip(faces, covers, strict=True)
    ]
    redacted = cover_up(photo.stored, covers, [])
    written = write(photo, redacted, Format.JPEG)
    out = OutputFolder(folder / "out", overwrite=True)
    times = medians(
        {
            "bare decode + encode": lambda: bare(path),
            "whole pipeline": lambda: guard.clean(path, folder / "whole.jpg", overwrite=True),
            "  load": lambda: load_photo(path),
            "  detect": lambda: detect_faces(photo),
            "  embed, identify, decide": lambda: [make_probe(photo.pixels, face, backends) for face in faces],
            "  redact": lambda: cover_up(photo.stored, covers, []),
            "  sanitize": lambda: write(photo, redacted, Format.JPEG),
            "  verify": lambda: check_output(written, Format.JPEG, photo, covered, (), rules.gallery, backends),
            "  write": lambda: out.publish(written.content, folder / "out" / "photo.jpg"),
        },
        REPEATS,
    )
    base = times["bare decode + encode"]
    result = prepare_photo(path, rules, backends)
    megapixels = SIZE[0] * SIZE[1] / 1e6
    print(f"{megapixels:.0f} megapixels, {path.stat().st_size / 1e6:.1f} MB, {len(result.faces)} faces,", end=" ")
    print(f"{result.rounds} round, one core, median of {REPEATS}")
    for name, seconds in times.items():
        print(f"{name:<28} {seconds * 1000:7.0f} ms {seconds / base:6.1f} x")
    scale = 1024 if sys.platform == "darwin" else 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / scale
    print(f"peak memory of the process   {peak:7.0f} MB")


def many(guard: Guard, path: Path, folder: Path) -> None:
    """A folder, with the start of the workers in it."""
    (folder / "in").mkdir()
    for number in range(6):
        (folder / "in" / f"{number:02}.jpg").write_bytes(path.read_bytes())
    for workers in (1, 2):
        began = time.perf_counter()
        results = list(guard.clean_folder(folder / "in", folder / f"out{workers}", workers=workers))
        took = time.perf_counter() - began
        rate = len(results) / took
        print(f"{len(results)} photos, {workers} worker(s)         {took:8.1f} s, {rate:.2f} photos a second")


if __name__ == "__main__":
    main()
