"""Tables of docs/covers.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markdown_tables import Tables, percent, table

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


COVERS: Tables = {
    "alone": ("attacks", attacks("1", "alone")),
    "over-colour": ("attacks", over_colour("1")),
    "shape": ("attacks", shape("1")),
    "whole": ("attacks", attacks("1", "whole")),
    "control": ("attacks", attacks("1", "control")),
    "remains": ("attacks", remains("1")),
}
