"""The bars of bench/speed.py: what is asked, what was measured, and whether it is met."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import show_table

FLAT = 1.0


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        what: What is asked.
        asked: The bar, in words.
        measured: What was found, in words.
        met: Whether it is met.
    """

    what: str
    asked: str
    measured: str
    met: bool

    @property
    def verdict(self) -> str:
        """Met or not, as the table says it."""
        return "met" if self.met else "NOT MET"


def bars(results: Path | dict[str, Any]) -> list[Bar]:
    """Hold results against the bars; those that were not measured are left out."""
    found = json.loads(results.read_text()) if isinstance(results, Path) else results
    made = {"throughput": _throughput, "one": _one, "memory": _memory, "gallery": _gallery, "start": _start}
    return [bar for part, make in made.items() if part in found for bar in make(found[part])]


def _throughput(found: dict[str, Any]) -> Iterator[Bar]:
    seconds, cores = found["seconds"], found["cores"]
    ours = seconds[f"imgguard {cores}"]
    for name, what in (("deface", "deface 1.5 as installed"), ("deface onnxrt", "deface 1.5 with ONNX Runtime added")):
        if theirs := seconds.get(f"{name} {cores}"):
            told = f"{theirs / ours:.1f} x ({1 / ours:.2f} against {1 / theirs:.2f} photos a second, {cores} cores)"
            yield Bar(f"photos a second, against {what}", ">= 10 x", told, theirs / ours >= 10)
    if cores > 1:
        gain, limit = (seconds[f"{name} 1"] / seconds[f"{name} {cores}"] for name in ("imgguard", "bare"))
        told = f"{gain:.2f} x (bare decode + encode: {limit:.2f} x)"
        yield Bar(f"{cores} cores against one", ">= 1.9 x", told, gain >= 1.9)


def _one(found: dict[str, float]) -> Iterator[Bar]:
    ours = found["imgguard 1"]
    others = [(name, ours / found[f"{name} 1"]) for name in ("bare", "bare pillow", "bare imageio")]
    beside = ", ".join(f"{ratio:.1f} x {name.removeprefix('bare ').capitalize()}'s" for name, ratio in others[1:])
    told = f"{others[0][1]:.1f} x OpenCV's ({1000 * ours:.0f} ms; {beside})"
    yield Bar("five faces on one core, against the bare decode + encode", "<= 5 x", told, others[0][1] <= 5)


def _memory(found: dict[str, Any]) -> Iterator[Bar]:
    for who in ("main", "worker"):
        growth = found[who]
        told = f"{growth['slope']:+.2f} MB per 1,000 over {growth['photos']:,} photos"
        yield Bar(f"memory of the {who} process", f"flat (<= {FLAT:g} MB per 1,000)", told, growth["slope"] <= FLAT)
    yield Bar("memory of a worker at 24 megapixels", "< 700 MB", f"{found['peak']:.0f} MB", found["peak"] < 700)


def _gallery(found: dict[str, dict[str, float]]) -> Iterator[Bar]:
    people = max(found, key=int)
    times = found[people]
    told = ", ".join(f"{times[f'{n} faces']:.1f} ms in a photo of {n}" for n in (1, 5, 12))
    most = times["1 faces"]
    yield Bar(f"search for a face among {int(people):,} people", "<= 5 ms", told, most <= 5)


def _start(found: dict[str, float]) -> Iterator[Bar]:
    for name, took in found.items():
        if name == "--no-recognition":
            yield Bar(f"imgguard clean one.jpg {name}", "<= 2 s", f"{took:.2f} s", took <= 2)
        else:
            yield Bar(f"imgguard clean one.jpg, {name}", "", f"{took:.2f} s", True)


def show(found: list[Bar]) -> None:
    """Print the table."""
    rows = [(bar.what, bar.asked, bar.measured, bar.verdict if bar.asked else "") for bar in found]
    show_table("Bars", ("", "bar", "measured", ""), rows)
