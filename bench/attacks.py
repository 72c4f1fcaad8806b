"""Attack covered faces: can anybody be told by what a cover lets through?

    IMGGUARD_BENCH_DATA=... python bench/attacks.py [--people 60] [--shrink 1] [--out docs/covers]

Needs a folder identity/ with one folder of pictures a person. Four attacks on every way to cover: a search among ID
photos by an ordinary embedder (after the detectors have been asked whether there is a face at all), a head that learns
covered pictures of the same people, and two restorations before the search. docs/covers.md says what is measured.
"""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from attack_count import Ranks, luck, more, ranks
from attack_covers import BARE, DEFACE, STYLES, deface_blur, ways
from attack_data import Cast, choose, donors
from attack_heads import FOLDS, parrot
from attack_look import ALONE, CONTROL, WHOLE, Look, Report, Target, deblurred, embed, rehearse, watch
from attack_restore import KERNELS, PENALTIES, Linear, Restorer, small
from common import percent, show_table, tracked, write_json

from imgguard.backends import default_backends
from imgguard.embed import align_face

COVERS = Path(__file__).parent.parent / "docs" / "covers"
ATTACKS = ("search", "parrot", "wiener", "learned")
JUDGES, OTHERS = 60, 300


@click.command(help=__doc__)
@click.option("--people", default=60, show_default=True, help="How many people are attacked.")
@click.option("--pictures", default=8, show_default=True, help="How many pictures each of them has; a multiple of 4.")
@click.option("--shrink", default=1, show_default=True, help="Divide the pictures' sides by this.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=COVERS, help="Where results go.")
def main(people: int, pictures: int, shrink: int, out: Path) -> None:
    """Run every attack on every way to cover, print the tables, write attacks.json."""
    if deface_blur() is None:
        click.echo(f"{DEFACE} is left out: pip install --no-deps deface==1.5.0 tqdm imageio-ffmpeg")
    with ProcessPoolExecutor(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        cast = choose(people, pictures, JUDGES, OTHERS, shrink, pool)
        restorers = prepare(cast, pool)
        faces, taken = cast.faces, donors(len(cast.people), pictures)
        # Two pictures of each person will do to see what detectors find.
        targets = [Target(f, faces[d], i % pictures < 2) for i, (f, d) in enumerate(zip(faces, taken, strict=True))]
        work = pool.map(partial(watch, restorers=restorers), targets, chunksize=4)
        reports = [report for _, report in zip(tracked(targets, "Attacking"), work, strict=True)]
        results = judge(cast, reports, taken, restorers, pool)
    show(results)
    write_json(out / "attacks.json", {str(shrink): results})


def prepare(cast: Cast, pool: Executor) -> dict[str, Restorer]:
    """Learn to restore each way to cover, and choose how, on people who are not attacked."""
    students = [*cast.others, *(album[1] for album in cast.judges)]
    asked = [False] * len(cast.others) + [True] * len(cast.judges)
    work = pool.map(rehearse, students, asked, chunksize=4)
    seen = [look for _, look in zip(tracked(students, "Rehearsing"), work, strict=True)]
    backends = default_backends()
    clear = np.array([small(align_face(face.pixels(), face.precise, backends)) for face in students])
    vectors = np.array([face.vector for face in students])
    portraits = np.array([album[0].vector for album in cast.judges])
    return {
        name: _prepared([one[name] for one in seen], clear, vectors, portraits, pool) for name in ways() if name != BARE
    }


def _prepared(
    seen: list[Look], clear: np.ndarray, vectors: np.ndarray, portraits: np.ndarray, pool: Executor
) -> Restorer:
    judges = len(portraits)
    truth = np.arange(judges)
    undone = np.array([look.restored for look in seen[-judges:]])
    kernel = max(range(len(KERNELS)), key=lambda k: _hits(undone[:, k], portraits, truth))
    blurred, known = np.array([look.small for look in seen]), np.array([_known(look) for look in seen])
    deblurs = [Linear.learn(blurred[:-judges], clear[:-judges], penalty) for penalty in PENALTIES]
    deblur = min(deblurs, key=lambda one: float(((one(blurred[-judges:]) - clear[-judges:]) ** 2).mean()))
    guesses = [Linear.learn(known[:-judges], vectors[:-judges], penalty) for penalty in PENALTIES]
    guess = max(guesses, key=lambda one: _hits(one(known[-judges:]), portraits, truth))
    sharp = np.array(list(pool.map(embed, [deblurred(deblur(row)) for row in blurred[-judges:]], chunksize=8)))
    direct = _hits(guess(known[-judges:]), portraits, truth) >= _hits(sharp, portraits, truth)
    return Restorer(tuple(KERNELS)[kernel], deblur, guess, direct)


def _known(look: Look) -> np.ndarray:
    return np.concatenate([look.small, look.vector * 4])


def _hits(probes: np.ndarray, portraits: np.ndarray, truth: np.ndarray) -> float:
    found = ranks(centred(probes, portraits), truth)
    return found.share(1) + found.share(5) / 10


def centred(probes: np.ndarray, portraits: np.ndarray) -> np.ndarray:
    """Cosine after the mean of either side is taken out: what all covered faces share says nothing."""
    theirs, ours = portraits - portraits.mean(axis=0), probes - probes.mean(axis=0)
    lengths = np.linalg.norm(ours, axis=1, keepdims=True) * np.linalg.norm(theirs, axis=1)
    return np.asarray(ours @ theirs.T / np.maximum(lengths, 1e-9))


def judge(
    cast: Cast, reports: list[Report], taken: np.ndarray, restorers: dict[str, Restorer], pool: Executor
) -> dict[str, Any]:
    """Count every attack on every way to cover, beside chance and beside what colour and shape alone give."""
    people, pictures = len(cast.people), len(cast.people[0])
    whose = {WHOLE: cast.person, ALONE: cast.person[taken], CONTROL: cast.person}
    numbers = np.arange(len(reports)) % pictures
    fold = numbers * FOLDS // pictures
    # Whose ID photo is under the cover itself is no search.
    probes = np.flatnonzero(numbers != 0)
    portraits = np.array([album[0].vector for album in cast.people])
    colour = {kind: colour_alone(cast, reports, kind, whose[kind], fold, probes) for kind in (WHOLE, ALONE)}
    asked = [report for report in reports if report.found is not None]
    rows: dict[str, Any] = {}
    work = {
        (kind, name): pool.submit(
            attack, [one.looks[kind, name] for one in reports], whose[kind], fold, probes, portraits,
            restorers.get(name),
        )
        for kind, name in reports[0].looks
    }  # fmt: skip
    for name in tracked(list(ways()), "Judging"):
        found = {kind: work[kind, name].result() for kind in (WHOLE, ALONE, CONTROL) if (kind, name) in work}
        rows[name] = {
            "found": round(sum(name in (report.found or ()) for report in asked) / len(asked), 4),
            "kernel": restorers[name].kernel if name in restorers else None,
            "differ": sum(name not in report.alike for report in reports),
            **{kind: {key: told(one, people) for key, one in ranked.items()} for kind, ranked in found.items()},
        }
        if CONTROL in found:
            rows[name]["over_control"] = {key: more(one, found[CONTROL][key], 1) for key, one in found[WHOLE].items()}
            rows[name]["over_colour"] = {
                key: [more(one, colour[ALONE][key], within) for within in (1, 5)] for key, one in found[ALONE].items()
            }
    return {
        "people": people, "pictures": len(reports), "asked": len(asked),
        "side": float(np.median([face.found.box.width for face in cast.faces])),
        "ways": rows,
        "colour": {kind: {key: told(one, people) for key, one in found.items()} for kind, found in colour.items()},
        "shape": {what: told(found, people) for what, found in shape_alone(cast, reports, fold).items()},
    }  # fmt: skip


def attack(
    looks: list[Look], whose: np.ndarray, fold: np.ndarray, probes: np.ndarray, portraits: np.ndarray,
    restorer: Restorer | None,
) -> dict[str, Ranks]:  # fmt: skip
    """Every attack on one way to cover."""
    vectors = np.array([look.vector for look in looks])
    pixels = np.array([look.pixels for look in looks])
    views = {"vectors": vectors, "pixels": pixels, "both": np.hstack([vectors * 11, pixels * 4])}
    found = {
        "search": ranks(vectors[probes] @ portraits.T, whose[probes]),
        "parrot": parrot(views, whose, fold),
    }
    if restorer is not None:
        sharp = np.array([look.restored for look in looks])
        learned = restorer.guess(np.array([_known(look) for look in looks])) if restorer.direct else sharp[:, 1]
        for key, guessed in (("wiener", sharp[:, 0]), ("learned", learned)):
            found[key] = ranks(centred(guessed, portraits)[probes], whose[probes])
    return found


def colour_alone(
    cast: Cast, reports: list[Report], kind: str, whose: np.ndarray, fold: np.ndarray, probes: np.ndarray
) -> dict[str, Ranks]:
    """The same attacks by somebody who knows nothing of a face but its colour in 9 bits."""
    colours = np.array([report.colour[kind] for report in reports])
    portraits = np.array([album[0].colour for album in cast.people])
    # An ID photo shows the mean colour exactly.
    searched = ranks(-np.linalg.norm(colours[probes, None] - portraits[None], axis=2), whose[probes])
    _, level = np.unique(colours.round(), axis=0, return_inverse=True)
    level = level.reshape(-1)
    features = np.hstack([colours / 64, np.eye(level.max() + 1)[level]])
    learned = parrot({"colour": features}, whose, fold)
    return {"search": searched, "parrot": learned, "wiener": searched, "learned": searched}


def shape_alone(cast: Cast, reports: list[Report], fold: np.ndarray) -> dict[str, Ranks]:
    """A parrot of what every cover shows, whatever its style: where it lies, its size, proportion and tilt."""
    x, y, half_width, half_height, tilt = np.array([report.shape for report in reports]).T
    parts = {
        "proportion": [np.log(half_height / half_width)], "size": [np.log(half_height * half_width)],
        "place": [x, y], "tilt": [tilt],
    }  # fmt: skip
    parts["all of them"] = [row for rows in parts.values() for row in rows]
    return {what: parrot({"plain": spread_out(rows), "bumps": bumps(rows)}, cast.person, fold)
            for what, rows in parts.items()}  # fmt: skip


def spread_out(rows: list[np.ndarray]) -> np.ndarray:
    """Measures as columns of like spread."""
    columns = np.stack(rows, axis=1)
    return np.asarray((columns - columns.mean(axis=0)) / (columns.std(axis=0) + 1e-9))


def bumps(rows: list[np.ndarray]) -> np.ndarray:
    """Measures as near or far from a few values, so that linear heads can tell a middle from both ends."""
    plain = spread_out(rows)
    return np.hstack([plain, *(np.exp(-4 * (plain - value) ** 2) for value in np.linspace(-2, 2, 9))])


def told(found: Ranks, people: int) -> dict[str, Any]:
    """A row of the results, with the interval in which guesses at random lie."""
    n = len(found.places)
    return {**found.row(), "luck": luck(1 / people, n), "luck_top5": luck(5 / people, n)}


def show(results: dict[str, Any]) -> None:
    """Print the tables."""
    chance = f"chance {percent(1 / results['people'])} / {percent(5 / results['people'])}"
    for kind, what in ((ALONE, "the face alone"), (WHOLE, "whole pictures"), (CONTROL, "no face under the cover")):
        heads = (f"{what}; {chance}", "found", *ATTACKS)
        rows = [
            [name, percent(one["found"]), *(_cell(one[kind].get(key)) for key in ATTACKS)]
            for name, one in results["ways"].items()
            if kind in one
        ]
        if kind in results["colour"]:
            rows.append(["colour alone", "", *(_cell(results["colour"][kind][key]) for key in ATTACKS)])
        show_table(f"First try / among five, {results['side']:.0f} px", heads, rows)
    rows = [[what, _cell(row)] for what, row in results["shape"].items()]
    show_table("The cover's shape alone", ("what is known", "parrot"), rows)
    for style in STYLES:
        one = results["ways"][style.value]
        click.echo(f"{style.value}: {one['differ']} differ without the face; {one['over_control']}")


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    marks = ["*" if row[key] > row[limits][1] else "" for key, limits in (("first", "luck"), ("top5", "luck_top5"))]
    return f"{percent(row['first'])}{marks[0]} / {percent(row['top5'])}{marks[1]}"


if __name__ == "__main__":
    main()
