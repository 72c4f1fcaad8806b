"""Clean files full of metadata with the real tool, and ask ExifTool and the traces what survived.

    IMGGUARD_BENCH_DATA=... python bench/survival.py [--out docs/metadata] [--workers 2]

Two parts. The files of tests/planted, each with something in one place of one format: the table says what of it is in
the published file (nothing), or why there is none. And the files of metadata/ and hostile/ of the data, where
IMGGUARD_BENCH_DATA names a folder that holds them: how many are published, why the others are not, and every tag beyond
the structure that ExifTool tells of what is published.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
from common import DATA, SCREEN, show_table, tracked, write_json

from imgguard import Guard, PhotoResult
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.photo import read_content
from imgguard.sanitize import leftovers
from tests.pictures import scene
from tests.planted import FORMATS, PLACES
from tests.planted.exiftool import MISSING, beyond_structure, read
from tests.planted.traces import find, has_own_profile

METADATA = Path(__file__).parent.parent / "docs" / "metadata"
NO_SUCH_PLACE, NOTHING = "-", ""


def clean(folder: Path, out: Path, workers: int) -> list[PhotoResult]:
    """Clean a folder as `imgguard clean --no-recognition` does."""
    with Guard(recognition=False, school=out.parent / f"{out.name}.imgguard") as guard:
        plan = guard.plan([folder], out)
        total = len(plan.jobs) + len(plan.refused)
        results = list(tracked_results(guard, plan, workers, total))
    return results


def tracked_results(guard: Guard, plan: Any, workers: int, total: int) -> Any:
    """Show how far it is."""
    run = guard.run(plan, workers=workers)
    for _ in tracked(range(total), "cleaning"):
        yield next(run)


def leaks_of(results: list[PhotoResult]) -> dict[Path, list[str]]:
    """Everything that any of the readers tells of the published files beyond their structure, by file."""
    targets = [result.target for result in results if result.target is not None]
    told = {
        path: sorted(beyond_structure(tags, own_profile=has_own_profile(read_content(path))))
        for path, tags in read(targets).items()
    }
    for path in targets:
        content = read_content(path)
        parts = leftovers(content, sniff_format(content[:HEAD_BYTES], path))
        told[path] = [*told.get(path, ["not read by exiftool"]), *sorted(find(content)), *(part.name for part in parts)]
    return told


def planted(folder: Path, workers: int) -> dict[str, dict[str, str]]:
    """What survives of each planted file: place by format."""
    numbered = {f"{number:03d}": key for number, key in enumerate(PLACES)}
    (folder / "in").mkdir()
    for number, (kind, place) in numbered.items():
        (folder / "in" / f"{number}{FORMATS[kind]}").write_bytes(PLACES[kind, place](scene(320, 240)))
    results = clean(folder / "in", folder / "out", workers)
    leaks = leaks_of(results)
    table = {place: dict.fromkeys(FORMATS, NO_SUCH_PLACE) for _, place in PLACES}
    for result in results:
        kind, place = numbered[result.source.stem]
        table[place][kind] = cell(result, leaks)
    return table


def cell(result: PhotoResult, leaks: dict[Path, list[str]]) -> str:
    """What the table says of one file."""
    if result.refusal is not None:
        return f"refused: {result.refusal.kind.removeprefix('photo_').replace('_', ' ')}"
    assert result.target is not None
    return ", ".join(leaks[result.target]) or NOTHING


def data(part: Path, folder: Path, workers: int) -> dict[str, Any]:
    """What becomes of a folder of files, and what is told of those that are published."""
    began = time.perf_counter()
    results = clean(part, folder / part.name, workers)
    files = sum(path.is_file() for path in part.rglob("*"))
    leaks = leaks_of(results)
    refused = Counter(result.refusal.kind for result in results if result.refusal)
    before = read([result.source for result in results if result.target])
    return {
        "files": files,
        "published": len(leaks),
        "refused": dict(refused.most_common()),
        "no photos": files - len(results),
        "tags before": sum(len(beyond_structure(tags)) for tags in before.values()),
        "tags after": sum(map(len, leaks.values())),
        "left": {str(path.relative_to(folder / part.name)): told for path, told in leaks.items() if told},
        "seconds": round(time.perf_counter() - began),
    }


def show(table: dict[str, dict[str, str]]) -> None:
    """Print the table of places."""
    show_table("What survives", ("place", *FORMATS), [(place, *row.values()) for place, row in table.items()])


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=METADATA, show_default="docs/metadata")
@click.option("--workers", default=2, show_default=True)
def main(out: Path, workers: int) -> None:
    """Clean, ask, print, write."""
    if MISSING is not None:
        raise SystemExit(MISSING)
    version = subprocess.run(["exiftool", "-ver"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as made:
        table = planted(Path(made), workers)
        show(table)
        write_json(out / "survival.json", {"exiftool": version, "places": table})
        root = os.environ.get(DATA)
        folders = {}
        for part in ("metadata", "hostile") if root else ():
            folders[part] = data(Path(str(root)) / part, Path(made), workers)
            SCREEN.print(part, folders[part])
        if folders:
            write_json(out / "survival.json", {"folders": folders})


if __name__ == "__main__":
    main()
