"""The plots of bench/speed.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib import pyplot, rcParams

rcParams["svg.hashsalt"] = "imgguard"

NAMES = {"imgguard": "imgguard, all checks", "deface": "deface 1.5", "bare": "bare decode + encode",
         "deface onnxrt": "deface 1.5 + ONNX Runtime"}  # fmt: skip
COLOURS = {"imgguard": "#0072b2", "deface": "#d55e00", "deface onnxrt": "#e69f00", "bare": "#555555"}


def plot(results: Path) -> None:
    """Draw what was measured, beside the results."""
    found = json.loads(results.read_text())
    if "sizes" in found:
        save(_sizes(found["sizes"]), results.parent / "megapixels.svg")
    if "throughput" in found and found["throughput"]["cores"] > 1:
        save(_cores(found["throughput"]), results.parent / "cores.svg")
    if "memory" in found:
        save(_memory(found["memory"]), results.parent / "memory.svg")


def save(figure: Any, path: Path) -> None:
    """Write a figure, the same for the same numbers."""
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _sizes(found: dict[str, list[list[float]]]) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for name, points in found.items():
        axes.loglog(*zip(*points, strict=True), "o-", color=COLOURS[name], label=NAMES[name])
    ticks = [size for size, _ in found["imgguard"]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="megapixels", ylabel="seconds a photo, one core", title="A photo with five faces")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _cores(found: dict[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    cores = [1, found["cores"]]
    for name in NAMES:
        rates = [1 / found["seconds"][f"{name} {n}"] for n in cores if f"{name} {n}" in found["seconds"]]
        if len(rates) == len(cores):
            axes.semilogy(cores, rates, "o-", color=COLOURS[name], label=NAMES[name])
            axes.semilogy(cores, [rates[0] * n for n in cores], ":", color=COLOURS[name])
    axes.set_xticks(cores)
    axes.set(xlabel="cores (dotted: twice as many are twice as fast)", ylabel="photos a second",
             title="Photos with 0 to 12 faces")  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _memory(found: dict[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    for who, colour in (("main", "#0072b2"), ("worker", "#009e73")):
        axes.plot(*zip(*found[who]["samples"], strict=True), color=colour, label=f"{who} process")
    axes.set(xlabel="photos", ylabel="MB", ylim=(0, None), title="Memory over a run")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def plot_scale(results: Path) -> None:
    """Draw the simulated run: hours and cost by workers."""
    found = json.loads(results.read_text())
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4))
    for name, runs in found["runs"].items():
        workers = [run["workers"] for run in runs]
        left.loglog(workers, [run["hours"] for run in runs], "o-", label=name)
        right.semilogx(workers, [run["cost"] for run in runs], "o-", label=name)
    for axes, what in ((left, "hours"), (right, f"cost at {found['assumed']['price']} a core-hour")):
        axes.set_xticks(workers, [str(n) for n in workers])
        axes.minorticks_off()
        axes.set(xlabel="workers", ylabel=what)
        axes.grid(alpha=0.3)
    right.set_ylim(0, None)
    left.legend(fontsize="small")
    figure.suptitle(f"{found['assumed']['photos']:,} photos, simulated")
    save(figure, results.parent / "scale.svg")
