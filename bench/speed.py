"""Measure every bar of speed and memory, beside deface and the bare decode and encode, and print one table.

    python bench/speed.py
    python bench/speed.py --only memory --photos 10000

Contenders run in turn in processes of their own that are pinned to the same cores, on the same photos, medians of five,
so that a ratio holds on a busy machine too. deface is installed by itself, see bench/finders.py; where onnx and
onnxruntime are there, it is measured with them too. Results go to docs/performance/speed.json, and plots beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import SCREEN, write_json
from speed_bars import bars, show
from speed_child import SAMPLES
from speed_photos import build_folder, build_photo, copied, sized

HERE = Path(__file__).parent
RESULTS = HERE.parent / "docs" / "performance"
SIZES = (1, 3, 6, 12, 24, 48)
# Beyond, the tensors of deface take more memory than common computers have.
MOST_FOR_DEFACE = 24
_COPIES = 3


def say(what: str) -> None:
    """Tell what is measured now."""
    SCREEN.print(f"{time.strftime('%H:%M:%S')} {what}")


class Contender:
    """A process of bench/speed_child.py."""

    def __init__(self, name: str, cores: int) -> None:
        """Start it, and wait until it has loaded its models."""
        self.name, self.cores = name, cores
        command = [sys.executable, str(HERE / "speed_child.py"), name, str(cores)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
        )
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} on {self.cores} core(s) ended")
        return line.strip()

    def ask(self, what: object) -> float:
        """Give the seconds that a folder takes, or its highest memory in MB for `memory`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def in_turn(asked: Sequence[tuple[str, int, Path]], rounds: int) -> dict[str, float]:
    """Median seconds a photo of each (contender, cores, folder), after one that is not counted."""
    contenders = [Contender(name, cores) for name, cores, _ in asked]
    times: list[list[float]] = [[] for _ in asked]
    try:
        for number in range(rounds + 1):
            for contender, (_, _, folder), found in zip(contenders, asked, times, strict=True):
                # A model needs its first photo to settle, deface's as many seconds as any: once is enough there.
                if number or not contender.name.startswith("deface"):
                    found.append(contender.ask(folder) / len(list(folder.rglob("*.jpg"))))
    finally:
        for contender in contenders:
            contender.close()
    return {f"{name} {cores}": statistics.median(t[-rounds:]) for (name, cores, _), t in zip(asked, times, strict=True)}


def deface_backends() -> list[str]:
    """How deface can run here: as it is installed, and with ONNX Runtime where that was added."""
    if find_spec("deface") is None:
        raise SystemExit(
            "deface is not there. Install it without what it asks for: pip install --no-deps deface==1.5.0"
        )
    return ["deface", *(["deface onnxrt"] if find_spec("onnx") and find_spec("onnxruntime") else [])]


def throughput(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Photos a second on one core and on all, beside deface and the bare decode and encode."""
    folder = build_folder(place / "photos", sized(options.megapixels))
    many = copied(folder, _COPIES, place / "many")
    cores = min(2, len(os.sched_getaffinity(0)))
    others = [(name, cores, folder) for name in deface_backends()]
    names = ("imgguard", "imgguard nobody", "imgguard nobody fast", "bare")
    ours = [(name, n, many) for name in names for n in sorted({1, cores})]
    say(f"throughput: {len(others)} x deface and {len(ours)} others in turn, {options.rounds} rounds")
    found = in_turn([*others, *ours], options.rounds)
    say("throughput: deface on one core, once")
    alone = in_turn([(name, 1, folder) for name in deface_backends()], 1) if cores > 1 else {}
    return {"throughput": {"seconds": {**found, **alone}, "cores": cores, "photos": len(list(folder.iterdir()))}}


def commands(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Whole commands on a folder, start included."""
    folder = build_folder(place / "commands", sized(options.megapixels))
    known = ["--roster", SAMPLES / "roster.csv", "--id-photos", SAMPLES / "id_photos", "--purpose", "school_website"]
    ways = {
        "imgguard": lambda out: [*_imgguard(), "clean", folder, "-o", out, *known, "--school", place / "school-c"],
        "deface": lambda out: [sys.executable, "-m", "deface.deface", "--backend", "opencv", *sorted(folder.iterdir())],
    }
    found = {}
    for name, way in ways.items():
        say(f"commands: {name}, a folder with its start, once")
        found[name] = _run(way(place / f"out-{name}"), check=name != "imgguard") / len(list(folder.glob("with??.jpg")))
        for made in folder.glob("*_anonymized*"):
            made.unlink()
    return {"commands": found}


def _imgguard() -> list[str]:
    return [sys.executable, "-c", "from cli.main import main; main()"]


def _run(command: Sequence[object], *, check: bool = True) -> float:
    paths = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    began = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], check=False, capture_output=True, env={**os.environ, "PYTHONPATH": paths}
    )
    took = time.perf_counter() - began
    if done.returncode not in ((0,) if check else (0, 3)):
        raise SystemExit(done.stderr.decode()[-2000:])
    return took


def one(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The whole way of a photo with five faces on one core, and the bare ones."""
    build_photo(place / "one" / "five.jpg", 5, sized(options.megapixels))
    names = ("imgguard", "bare", "bare pillow", "bare imageio")
    say("one photo with five faces on one core")
    return {"one": in_turn([(name, 1, place / "one") for name in names], options.rounds)}


def sizes(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time of a photo with five faces by its size, on one core."""
    found: dict[str, list[tuple[float, float]]] = {}
    fitting = [size for size in SIZES if size <= options.largest]
    for size in fitting:
        build_photo(place / f"mp{size}" / "five.jpg", 5, sized(size))
    for name in ("imgguard", "bare", "deface"):
        say(f"sizes: {name}")
        contender = Contender(name, 1)
        for size in fitting:
            if name != "deface" or size <= MOST_FOR_DEFACE:
                rounds = 1 if name == "deface" else 3
                seconds = [contender.ask(place / f"mp{size}") for _ in range(rounds)]
                found.setdefault(name, []).append((size, statistics.median(seconds)))
        contender.close()
    return {"sizes": found}


def memory(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Memory over many photos, and at its highest."""
    from speed_memory import main_growth, worker_growth

    cores = min(2, len(os.sched_getaffinity(0)))
    say(f"memory: {cores} worker(s) on photos of 24 megapixels")
    for faces in (5, 12):
        build_photo(place / "large" / f"{faces}.jpg", faces, sized(min(24, options.largest)))
    contender = Contender("imgguard", cores)
    for _ in range(2):
        contender.ask(place / "large")
    peak = contender.ask("memory")
    contender.close()
    say(f"memory: the main process over {options.photos} photos with fake back ends")
    main = main_growth(options.photos)
    say(f"memory: workers over {options.worker_photos} photos of one megapixel")
    workers = worker_growth(options.worker_photos, cores)
    return {"memory": {"peak": peak, "main": asdict(main), "worker": asdict(workers)}}


def gallery(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What a face costs in galleries of several sizes."""
    from speed_gallery import cost

    found = {}
    for people in (100, 10_000, 100_000):
        if people <= options.people:
            say(f"gallery: {people:,} people")
            found[str(people)] = cost(people, options.rounds)
    return {"gallery": found}


def start(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Whole commands for one photo: the first, which fills the disk's cache, is not counted."""
    known = ["--roster", SAMPLES / "roster.csv", "--id-photos", SAMPLES / "id_photos", "--purpose", "school_website"]
    photo = SAMPLES / "event" / "event_04_classroom.jpg"
    found = {}
    for name, more in {"--no-recognition": ["--no-recognition"], "roster and 20 ID photos": known}.items():
        say(f"start: imgguard clean one.jpg, {name}")
        times = [
            _run(
                [*_imgguard(), "clean", photo, "-o", place / f"{len(name)}-{n}.jpg", *more, "--school", place / "s"],
                check=False,
            )
            for n in range(options.rounds + 1)
        ]
        found[name] = statistics.median(times[1:])
    return {"start": found}


PARTS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    part.__name__: part for part in (throughput, commands, one, sizes, memory, gallery, start)
}


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read what is to be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone")
    parser.add_argument("--rounds", type=int, default=5, help="medians of so many")
    parser.add_argument("--megapixels", type=float, default=12.0, help="size of the photos")
    parser.add_argument("--largest", type=float, default=48.0, help="largest photo of all, in megapixels")
    parser.add_argument("--photos", type=int, default=10_000, help="photos for the memory of the main process")
    parser.add_argument("--worker-photos", type=int, default=400, help="photos for the memory of workers")
    parser.add_argument("--people", type=int, default=100_000, help="people in the largest gallery")
    parser.add_argument("--to", type=Path, default=RESULTS, help="where results and plots go")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write, print."""
    options = read_options(arguments)
    results = options.to / "speed.json"
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            with tempfile.TemporaryDirectory() as scratch:
                write_json(results, {**part(Path(scratch), options), "made": date.today().isoformat()})
    found = bars(results)
    write_json(results, {"bars": [asdict(bar) for bar in found]})
    show(found)
    if find_spec("matplotlib"):
        from speed_plots import plot

        plot(results)


if __name__ == "__main__":
    main()
