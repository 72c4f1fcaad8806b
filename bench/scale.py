"""Measure what grows with the number of photos and people, and simulate four million photos on 1, 8 and 64 workers.

    python bench/scale.py --price 0.05

Results go to docs/scale/scale.json, with a plot beside it. Prices and what else is assumed are inputs, not facts.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import SCREEN, seconds, show_table, write_json
from scale_simulation import Assumed, Simulated, simulate
from speed_gallery import cost
from speed_memory import FakeHere, draw_small, fake_guard, sample_guard
from speed_photos import build_photo, sized

RESULTS = Path(__file__).parent.parent / "docs" / "scale"
WORKERS = (1, 8, 64)
ENTRIES = (1_000, 10_000, 100_000)
_PUBLISHED = 200
# What the client asks of an object store to publish one photo that a worker has staged there.
_REQUESTS = 8


def say(what: str) -> None:
    """Tell what is measured now."""
    SCREEN.print(f"{time.strftime('%H:%M:%S')} {what}")


def listing(place: Path, entries: Sequence[int]) -> dict[str, Any]:
    """Plan a run over a tree of photos."""
    found = {}
    with fake_guard(place) as guard:
        picture = next(draw_small(place / "one", 1).rglob("*.jpg")).read_bytes()
        for count in entries:
            say(f"listing: a tree of {count:,} photos")
            folder = place / f"tree{count}"
            for number in range(count):
                path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture)
            took = seconds(lambda folder=folder: guard.plan([folder], place / "out"))
            found[str(count)] = {"seconds": took, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
            shutil.rmtree(folder)
    return {"listing": found}


def store(place: Path, entries: Sequence[int]) -> dict[str, Any]:
    """Publish, and look through what is done, beside a record of so many photos."""
    found = {}
    folder = draw_small(place / "in", _PUBLISHED)
    for count in entries:
        say(f"store: {_PUBLISHED} photos beside a record of {count:,}")
        with fake_guard(place / str(count)) as guard:
            out = place / str(count) / "out"
            _run(guard, folder, out)
            guard.close()
            _fill(place / str(count) / "school", count)
            published = _run(guard, folder, place / str(count) / "more")
            again = _run(guard, folder, place / str(count) / "more")
        size = (place / str(count) / "school").stat().st_size
        found[str(count)] = {"record": published, "skip": again, "bytes": size}
    return {"store": found}


def _run(guard: Any, folder: Path, out: Path) -> float:
    """Clean a folder with fake back ends; the seconds a photo."""
    began = time.perf_counter()
    results = list(guard.run(guard.plan([folder], out), engine=FakeHere))
    return (time.perf_counter() - began) / len(results)


def _fill(school: Path, count: int) -> None:
    """Make a record large by copying what is in it."""
    with sqlite3.connect(school) as record:
        for table in ("photos", "faces"):
            columns = [row[1] for row in record.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
            names = ", ".join(columns)
            have = record.execute("SELECT count(*) FROM photos").fetchone()[0] if table == "photos" else _PUBLISHED
            # Digests are made others, so that none is taken for one of the photos to come.
            shown = ", ".join(f"{c} || '-' || copies.n" if c.endswith(("sha256", "_place")) else c for c in columns)
            record.execute(
                f"WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?) "
                f"INSERT INTO {table} ({names}) SELECT {shown} FROM {table}, copies",
                (max(count // have - 1, 1),),
            )
    record.close()


def gallery(place: Path, entries: Sequence[int]) -> dict[str, Any]:
    """Open and search galleries."""
    found = {}
    for count in entries:
        say(f"gallery: {count:,} people")
        found[str(count)] = cost(count, 3)
    return {"gallery": found}


def photo(place: Path, megapixels: float = 12.0, rounds: int = 5) -> dict[str, Any]:
    """What one photo with five faces costs a worker: to examine, and then to clean."""
    from imgguard.backends import default_backends
    from imgguard.pipeline import examine_photo, prepare_photo
    from imgguard.workers import prepare_process

    say(f"photo: examine and clean one of {megapixels:g} megapixels on one core, {rounds} rounds")
    prepare_process()
    path = place / "five.jpg"
    build_photo(path, 5, sized(megapixels))
    with sample_guard(place) as guard:
        backends = default_backends()
        known = examine_photo(path, guard.rules, backends)
        prepare_photo(path, guard.rules, backends, known)
        ways: dict[str, Callable[[], object]] = {
            "examine": lambda: examine_photo(path, guard.rules, backends),
            "clean": lambda: prepare_photo(path, guard.rules, backends, known),
        }
        return {"photo": {n: statistics.median(seconds(way) for _ in range(rounds)) for n, way in ways.items()}}


def simulation(found: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Simulate the large run, and what goes wrong in one."""
    most = str(max(map(int, found["store"])))
    assumed = Assumed(
        photos=options.photos, examine=found["photo"]["examine"], clean=found["photo"]["clean"],
        record=found["store"][most]["record"], listing=found["listing"][most]["seconds"] / int(most),
        skew=options.skew, shard=options.shard, price=options.price,
    )  # fmt: skip
    changed = {
        "as measured": {},
        "no skew of sizes": {"skew": 0.0},
        "shards of 200 photos": {"shard": 200},
        "one worker of half the speed": {"slow": 1},
        "one worker lost halfway": {"lost": 1},
        "recording twice as slow": {"record": 2 * assumed.record},
        "published into a store": {"record": assumed.record + _REQUESTS * options.request},
    }
    runs: dict[str, list[Simulated]] = {}
    for name, change in changed.items():
        say(f"simulation: {name}")
        fit = [n for n in WORKERS if n > change.get("lost", 0)]
        runs[name] = [simulate(n, replace(assumed, **change)) for n in fit]
    return {"assumed": asdict(assumed), "runs": {name: [asdict(run) for run in of] for name, of in runs.items()}}


def show(found: dict[str, Any]) -> None:
    """Print what was simulated."""
    rows = [
        (name, str(run["workers"]), f"{run['hours']:.1f}", f"{run['cost']:.0f}", f"{100 * run['busy']:.0f} %",
         f"{100 * run['client']:.0f} %")
        for name, runs in found["runs"].items() for run in runs
    ]  # fmt: skip
    title = f"{found['assumed']['photos']:,} photos at {found['assumed']['price']} a core-hour"
    show_table(title, ("", "workers", "hours", "cost", "workers busy", "client busy"), rows)


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read what is assumed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, default=4_000_000, help="photos of the simulated run")
    parser.add_argument("--price", type=float, default=0.05, help="price of a core for an hour, in any currency")
    parser.add_argument("--request", type=float, default=0.02, help="seconds that a request to an object store takes")
    parser.add_argument("--skew", type=float, default=0.4, help="standard deviation of the logarithm of photo sizes")
    parser.add_argument("--shard", type=int, default=4, help="photos in a task, as imgguard.cluster hands them out")
    parser.add_argument("--most", type=int, default=max(ENTRIES), help="entries up to which growth is measured")
    parser.add_argument("--megapixels", type=float, default=12.0, help="size of the photo that is measured")
    parser.add_argument("--to", type=Path, default=RESULTS, help="where results and plots go")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, simulate, write, print."""
    options = read_options(arguments)
    entries = [count for count in ENTRIES if count <= options.most] or [options.most]
    found: dict[str, Any] = {"made": date.today().isoformat()}
    for part in (listing, store, gallery):
        with tempfile.TemporaryDirectory() as scratch:
            found |= part(Path(scratch), entries)
    with tempfile.TemporaryDirectory() as scratch:
        found |= photo(Path(scratch), options.megapixels)
    found |= simulation(found, options)
    write_json(options.to / "scale.json", found)
    show(found)
    if find_spec("matplotlib"):
        from speed_plots import plot_scale

        plot_scale(options.to / "scale.json")


if __name__ == "__main__":
    main()
