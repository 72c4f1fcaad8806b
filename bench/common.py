"""What the benches share: the labelled pictures, how boxes are held against them, tables and files of results."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from imgguard import load_photo
from imgguard.types import BoundingBox, Encoding, Format, Photo

if TYPE_CHECKING:
    from imgguard.types import Pixels

_Item = TypeVar("_Item")

DATA = "IMGGUARD_BENCH_DATA"
ACCURACY = Path(__file__).parent.parent / "docs" / "accuracy"
MATCH_IOU = 0.3
SCREEN = Console(width=None if sys.stdout.isatty() else 160)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A picture and the faces that people have marked on it.

    Attributes:
        name: Its path in the data.
        pixels: (H, W, 3) uint8 RGB.
        faces: What should be found.
        ignore: What may be found or not.
    """

    name: str
    pixels: Pixels
    faces: tuple[BoundingBox, ...]
    ignore: tuple[BoundingBox, ...] = ()


def data_folder(part: str) -> Path:
    """The folder of one part of the data that benches measure with; says what to do where there is none."""
    root = os.environ.get(DATA)
    if not root:
        sys.exit(f"Set {DATA} to the folder that holds {part}/; the pictures are not part of this repository.")
    if not (Path(root) / part).is_dir():
        sys.exit(f"There is no folder {part}/ in {root} ({DATA}).")
    return Path(root) / part


def labelled_pictures() -> list[Labelled]:
    """Load the event pictures with their faces: detection/truth.json and the folders beside it."""
    folder = data_folder("detection")
    truth: dict[str, dict[str, list[list[float]]]] = json.loads((folder / "truth.json").read_text())
    return [
        Labelled(name, load_photo(folder / name).pixels, _boxes(marks["faces"]), _boxes(marks["ignore"]))
        for name, marks in sorted(truth.items())
    ]


def _boxes(rows: Iterable[Sequence[float]]) -> tuple[BoundingBox, ...]:
    return tuple(BoundingBox(x, y, x + width, y + height) for x, y, width, height in rows)


def as_photo(pixels: Pixels) -> Photo:
    """Make the photo that `load_photo` would make of a picture that was drawn here."""
    return Photo(Path("drawn.png"), "", b"", pixels, Format.PNG, None, Encoding(None, None, True), pixels)


def meets(box: BoundingBox, others: Iterable[BoundingBox]) -> bool:
    """Say whether a box means the same as one of the others, by their intersection over union."""
    return any(box.iou(other) > MATCH_IOU for other in others)


def is_ignored(box: BoundingBox, ignore: Iterable[BoundingBox]) -> bool:
    """Say whether a box is one that may be found or not, or lies half in one."""
    return any(box.iou(other) > MATCH_IOU or box.overlap(other) > box.area / 2 for other in ignore)


@dataclass(slots=True)
class Score:
    """What one detector made of all pictures.

    Attributes:
        faces: Smaller side of each labelled face, and whether it was found.
        right: Area of each detection on a labelled face, in square pixels.
        wrong: Area of each detection on none.
        stray: Per picture, the share that is covered by detections on no labelled face.
        largest: The largest share of a picture that one such detection covers.
        times: Per picture, the time as a multiple of the yardstick's.
    """

    faces: list[tuple[float, bool]] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    stray: list[float] = field(default_factory=list)
    largest: float = 0.0
    times: list[float] = field(default_factory=list)

    def add(self, picture: Labelled, found: Sequence[BoundingBox]) -> None:
        """Count one picture."""
        height, width = picture.pixels.shape[:2]
        self.faces += [(face.side, meets(face, found)) for face in picture.faces]
        judged = [box for box in found if meets(box, picture.faces) or not is_ignored(box, picture.ignore)]
        wrong = [box.clipped((width, height)) for box in judged if not meets(box, picture.faces)]
        self.right += [box.area for box in judged if meets(box, picture.faces)]
        self.wrong += [box.area for box in wrong]
        self.stray.append(share_covered(wrong, (width, height)))
        self.largest = max([self.largest, *(box.area / (width * height) for box in wrong)])

    def recall(self, smallest: float, below: float = float("inf")) -> float | None:
        """The share found of the faces of these sizes; None where there are none."""
        found = [was_found for side, was_found in self.faces if smallest <= side < below]
        return sum(found) / len(found) if found else None

    def count(self, smallest: float, below: float = float("inf")) -> int:
        """How many faces there are of these sizes."""
        return sum(smallest <= side < below for side, _ in self.faces)

    @property
    def precision(self) -> float | None:
        """The share of the detections that lies on a labelled face."""
        total = len(self.right) + len(self.wrong)
        return len(self.right) / total if total else None

    @property
    def precision_by_area(self) -> float | None:
        """The same, a detection counting by its area."""
        total = sum(self.right) + sum(self.wrong)
        return sum(self.right) / total if total else None

    @property
    def time(self) -> float:
        """The middle one of the times."""
        return statistics.median(self.times)


def share_covered(boxes: Iterable[BoundingBox], size: tuple[int, int]) -> float:
    """The share of a picture of `size` (width, height) that lies under boxes, each pixel counted once."""
    covered = np.zeros((size[1], size[0]), np.bool_)
    for box in boxes:
        covered[round(box.y1) : round(box.y2), round(box.x1) : round(box.x2)] = True
    return float(covered.mean())


def seconds(action: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def medians(actions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Time actions in turn, so that a slow moment of the machine meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            times[name].append(seconds(action))
    return {name: statistics.median(values) for name, values in times.items()}


def tracked(items: Sequence[_Item], what: str) -> Iterator[_Item]:
    """Go through items with a bar that shows how many are left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield from progress.track(items, description=what)


def show_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, the first column to the left and the numbers to the right."""
    table = Table(title=title, title_justify="left")
    for column, head in enumerate(heads):
        table.add_column(head, justify="right" if column else "left")
    for row in rows:
        table.add_row(*row)
    SCREEN.print(table)


def number(value: float | None, digits: int = 3) -> str:
    """A number for a table; a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float, digits: int = 1) -> str:
    """A share for a table."""
    return f"{100 * value:.{digits}f} %"


def write_json(path: Path, results: dict[str, Any]) -> None:
    """Write results, made new or put beside what other parts of the bench have written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    older = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**older, **results}, indent=1) + "\n")
