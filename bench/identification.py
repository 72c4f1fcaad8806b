"""Measure how surely people are known again, and make the calibration that imgguard ships.

    IMGGUARD_BENCH_DATA=... python bench/identification.py [--cache people.npz] [--calibrate] [--out docs/accuracy]

Needs a folder identity/ with one folder of pictures a person. People are measured by a calibration that has not seen
them: it is made on one half of them and used on the other, and the other way round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import matplotlib as mpl
import numpy as np
from common import ACCURACY, data_folder, number, percent, show_table, tracked, write_json
from faces import People, probe_of, read_people
from strangers import calibrate

from consent.model import Reference
from imgguard.identify import Gallery
from imgguard.linking import link_photos
from imgguard.threshold import DEFAULT_FPIR, size_threshold
from imgguard.types import BoundingBox, Detection, Embedding, Identification, Outcome, Probe, Quality, Source

if TYPE_CHECKING:
    from numpy.random import Generator

    from imgguard.calibration import Calibration

PACKAGE = Path(__file__).parent.parent / "imgguard"
PARTS = ("galleries", "alike", "quality", "events")
ROUNDS = 6
FINE = Quality(100.0, 10.0, 0.0, None)
NOWHERE = Detection(BoundingBox(0, 0, 100, 100), 1.0, np.zeros((5, 2), np.float32), Source.YUNET)
# Measured before with the same model and data, one search for landmarks, no mirror image, plain cosine.
BEFORE = {(100, 1): 0.070, (100, 2): 0.025, (100, 3): 0.018, (400, 1): 0.111, (400, 2): 0.046, (400, 3): 0.026}


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=ACCURACY, help="Where results go.")
@click.option("--cache", type=click.Path(path_type=Path), help="Keep the embeddings in this file for the next run.")
@click.option("--calibrate", "ship", is_flag=True, help="Also write imgguard/calibration.json, from everybody.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Measure only this; may be given again.")
def main(out: Path, cache: Path | None, ship: bool, only: tuple[str, ...]) -> None:
    """Run what was asked for, print the tables, write identification.json and the plot."""
    people = read_people(cache)
    everybody = np.arange(len(people.names))
    click.echo(f"{len(people.vectors)} pictures of {len(everybody)} people; in {people.missed} no comparable face.")
    if ship:
        (PACKAGE / "calibration.json").write_text(calibrate(people, everybody).as_json())
    halves = [everybody[::2], everybody[1::2]]
    worlds = [(people, half, calibrate(people, other)) for half, other in zip(halves, halves[::-1], strict=True)]
    target = out / "identification.json"
    for part in only or PARTS:
        write_json(target, {part: MEASURES[part](worlds, out)})


World = tuple[People, np.ndarray, "Calibration"]


def probe(vector: np.ndarray, model: str) -> Probe:
    """A probe of a face that was embedded before."""
    return Probe(NOWHERE, Embedding(vector, model), FINE)


def gallery_of(people: People, enrolled: dict[int, np.ndarray], calibration: Calibration) -> Gallery:
    """Enrol people by the numbers of their pictures."""
    references = [
        Reference(f"{person:05}", people.vectors[i].astype("<f4").tobytes(), calibration.model_id, None, date.max)
        for person, pictures in enrolled.items()
        for i in pictures
    ]
    return Gallery.from_references(references, calibration=calibration)


def draw(people: People, half: np.ndarray, size: int, references: int, rng: Generator) -> dict[int, np.ndarray]:
    """Choose people to enrol, two thirds of them with further pictures if there are as many, and their references."""
    shuffled = rng.permutation(half)
    many = [p for p in shuffled if len(people.of(p)) > references][: size * 2 // 3]
    enough = [p for p in shuffled if len(people.of(p)) >= references and p not in set(many)]
    chosen = (many + enough + [p for p in shuffled if p not in {*many, *enough}])[:size]
    return {int(p): rng.permutation(people.of(p))[:references] for p in chosen}


def searches(world: World, size: int, references: int) -> dict[str, Any]:
    """Fill galleries with one half's people and search for their other pictures, and for everybody else."""
    people, half, calibration = world
    rng = np.random.default_rng(0)
    known: list[bool] = []
    taken: list[bool] = []
    scores: list[tuple[float, bool]] = []
    thresholds = []
    for _ in range(ROUNDS):
        enrolled = draw(people, half, size, references, rng)
        gallery = gallery_of(people, enrolled, calibration)
        thresholds.append(gallery.threshold)
        for person in half:
            rest = np.setdiff1d(people.of(person), enrolled.get(int(person), ()))
            for picture in rng.permutation(rest)[: 3 if int(person) in enrolled else 1]:
                found = gallery.identify(probe(people.vectors[picture], calibration.model_id))
                if int(person) in enrolled:
                    known.append(found.subject_id == f"{person:05}")
                    right = found.candidates[0].subject_id == f"{person:05}"
                    scores.append((found.candidates[0].score if right else -1.0, True))
                else:
                    taken.append(found.subject_id is not None)
                    scores.append((found.candidates[0].score, False))
    return {"known": known, "taken": taken, "thresholds": thresholds, "scores": scores}


def measure_galleries(worlds: Sequence[World], out: Path) -> dict[str, Any]:
    """FPIR and FNIR by the gallery's size and the number of references; larger galleries are simulated."""
    rows, results, curves = [], {}, {}
    cases = [(size, references) for size in (100, 400) for references in (1, 2, 3)]
    for size, references in tracked(cases, "Galleries"):
        found = [searches(world, size, references) for world in worlds]
        taken, known = (np.concatenate([one[key] for one in found]) for key in ("taken", "known"))
        threshold = float(np.mean([one["thresholds"] for one in found]))
        row = {
            "threshold": threshold, "fpir": taken.mean(), "strangers": taken.size,
            "fnir": 1 - known.mean(), "searches": known.size, "fnir_before": BEFORE[size, references],
        }  # fmt: skip
        results[f"{size} people, {references} references"] = {k: round(float(v), 5) for k, v in row.items()}
        curves[size, references] = np.concatenate([np.array(one["scores"]) for one in found])
        told = [percent(row["fpir"], 2), str(taken.size), percent(row["fnir"]), str(known.size)]
        rows.append([str(size), str(references), number(threshold), *told, percent(BEFORE[size, references])])
    for size in (1000, 5000):
        threshold, fpir, fnir = simulate(worlds, size)
        results[f"{size} people, simulated"] = {"threshold": threshold, "fpir": fpir, "fnir": fnir}
        rows.append([str(size), "1", number(threshold), percent(fpir, 2), "simulated", percent(fnir), "", ""])
    heads = ("people", "references", "threshold", "FPIR", "strangers", "FNIR", "searches", "FNIR before, at 0.1 %")
    show_table("Known again, at an accepted FPIR of 0.1 %", heads, rows)
    plot(curves, out / "fpir_fnir.png")
    return results


def simulate(worlds: Sequence[World], size: int) -> tuple[float, float, float]:
    """Threshold, FPIR and FNIR of a gallery larger than the data, as if each stranger met so many of the half."""
    rates, misses, thresholds = [], [], []
    for people, half, calibration in worlds:
        threshold = size_threshold(size, calibration)
        firsts = calibration.prepare(people.firsts(half))
        for place, person in enumerate(half):
            own = calibration.prepare(people.vectors[people.of(person)])
            others = np.delete(own @ firsts.T, place, axis=1)
            rates.append((1 - (1 - (others >= threshold).mean(axis=1)) ** size).mean())
            misses += list((own[1:4] @ firsts[place]) < threshold)
        thresholds.append(threshold)
    return float(np.mean(thresholds)), float(np.mean(rates)), float(np.mean(misses))


def plot(curves: dict[tuple[int, int], np.ndarray], path: Path) -> None:
    """Draw FNIR against FPIR, with what was measured before."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5))
    for (size, references), scores in curves.items():
        genuine, strangers = (np.sort(scores[scores[:, 1] == kind, 0]) for kind in (1, 0))
        rates = np.logspace(-3.3, -1.3, 60)
        at = np.quantile(strangers, 1 - rates)
        line = axes.plot(rates, np.searchsorted(genuine, at) / len(genuine), label=f"{size} people, {references} ref.")
        axes.plot([DEFAULT_FPIR], [BEFORE[size, references]], "x", color=line[0].get_color())
    axes.axvline(DEFAULT_FPIR, color="grey", linewidth=0.8)
    axes.set(
        xscale="log", xlabel="FPIR: strangers who get a match", ylabel="FNIR: enrolled who get none", ylim=(0, 0.14)
    )
    axes.legend(fontsize=8, title="lines: imgguard; crosses: plain SFace")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def measure_alike(worlds: Sequence[World], out: Path) -> dict[str, Any]:
    """Galleries of people who look alike, and strangers who look like them, by either threshold."""
    rows, results = [], {}
    for size in tracked((8, 14, 25, 50, 100), "Look-alikes"):
        taken: list[tuple[bool, bool]] = []
        missed: list[tuple[bool, bool]] = []
        thresholds = []
        for people, half, calibration in worlds:
            rng = np.random.default_rng(1)
            firsts = calibration.prepare(people.firsts(half))
            alike = firsts @ firsts.T
            for _ in range(100):
                near = np.argsort(-alike[rng.integers(len(half))])[: 2 * size]
                inside = rng.permutation(near)[:size]
                gallery = gallery_of(people, {int(half[i]): people.of(half[i])[:1] for i in inside}, calibration)
                limits = gallery.difficulty.calibrated, gallery.threshold
                thresholds.append(limits)
                for i in near:
                    mine, pictures = i in set(inside.tolist()), people.of(half[i])
                    for picture in pictures[1:3] if mine else pictures[:1]:
                        best = gallery.identify(probe(people.vectors[picture], calibration.model_id)).candidates[0]
                        right = best.subject_id == f"{half[i]:05}"
                        passed = tuple(best.score >= limit for limit in limits)
                        if mine:
                            missed.append(tuple(not (right and ok) for ok in passed))  # type: ignore[arg-type]
                        else:
                            taken.append(passed)  # type: ignore[arg-type]
        limits_, fpir, fnir = (np.array(values, float).mean(axis=0) for values in (thresholds, taken, missed))
        results[f"{size} people"] = {"threshold": limits_.tolist(), "fpir": fpir.tolist(), "fnir": fnir.tolist()}
        pairs = [f"{number(limits_[0])} / {number(limits_[1])}", f"{percent(fpir[0], 2)} / {percent(fpir[1], 2)}"]
        rows.append([str(size), *pairs, str(len(taken)), f"{percent(fnir[0])} / {percent(fnir[1])}", str(len(missed))])
    heads = ("people", "threshold", "FPIR", "strangers", "FNIR", "searches")
    show_table("People who look alike: threshold by size alone / with the gallery's own", heads, rows)
    return results


@dataclass
class Spoilt:
    """What became of one kind of probe."""

    own: list[float] = field(default_factory=list)
    others: list[np.ndarray] = field(default_factory=list)
    passed: int = 0

    def add(self, seen: Probe, scores: np.ndarray, place: int) -> None:
        """Count a probe with its scores against everybody's template, its own at `place`."""
        self.own.append(float(scores[place]))
        self.others.append(np.delete(scores, place))
        self.passed += seen.quality.fault is None

    def row(self, threshold: float) -> dict[str, float]:
        """FPIR and FNIR with 400 people, and the score that one of 10,000 strangers reaches."""
        strangers = np.array(self.others)
        return {
            "compared": len(self.own),
            "pass_gate": self.passed,
            "fpir": float(1 - (1 - (strangers >= threshold).mean()) ** 400),
            "fnir": float((np.array(self.own) < threshold).mean()),
            "stranger_9999": float(np.quantile(strangers, 0.9999)),
        }


def measure_quality(worlds: Sequence[World], out: Path) -> dict[str, Any]:
    """What size, blur and pose do: strangers' comparisons and missed people, with the quality gate open."""
    people, half, calibration = worlds[0]
    several = [p for p in half if len(people.of(p)) > 1][:150]
    theirs = calibration.prepare(people.firsts(half))
    place = {int(p): i for i, p in enumerate(half)}
    root = data_folder("identity")
    kinds: dict[str, Spoilt] = defaultdict(Spoilt)
    for person in tracked(several, "Quality"):
        paths = sorted((root / people.names[person]).iterdir())[1:3]
        for path in paths:
            pixels = np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)
            for name, spoil in SPOILS.items() if path == paths[-1] else list(SPOILS.items())[:1]:
                seen = probe_of(spoil(pixels), gate=False)
                if seen is None or seen.embedding is None:
                    continue
                scores = calibration.prepare(seen.embedding.vector) @ theirs.T
                kinds[name].add(seen, scores, place[int(person)])
                if name == UNSPOILT:
                    kinds[turn_bin(seen.quality.turn)].add(seen, scores, place[int(person)])
    threshold = size_threshold(400, calibration)
    results = {name: kinds[name].row(threshold) for name in [*SPOILS, *sorted(set(kinds) - set(SPOILS))]}
    heads = ("probe", "compared", "pass the gate", "FPIR", "FNIR", "stranger's 99.99 %")
    rows = [
        [
            name,
            f"{r['compared']}",
            f"{r['pass_gate']}",
            percent(r["fpir"], 2),
            percent(r["fnir"]),
            number(r["stranger_9999"]),
        ]
        for name, r in results.items()
    ]
    show_table("400 people, one reference, quality gate open", heads, rows)
    return results


def turn_bin(turn: float) -> str:
    """Name how far a head is turned."""
    low = next(limit for limit in (0.3, 0.2, 0.1, 0.0) if turn >= limit)
    return f"turned {low:.1f} and more" if low == 0.3 else f"turned {low:.1f} to {low + 0.1:.1f}"


def shrunk(side: float) -> Any:
    """Shrink a picture until its face has this many pixels (the data's faces have about 80)."""

    def spoil(pixels: np.ndarray) -> np.ndarray:
        small = cv2.resize(pixels, None, fx=side / 80, fy=side / 80, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small)

    return spoil


def blurred(sigma: float) -> Any:
    """Blur a picture."""
    return lambda pixels: cv2.GaussianBlur(pixels, (0, 0), sigma)


UNSPOILT = "80 px"
SPOILS = {
    **{f"{side} px": shrunk(side) for side in (80, 48, 32, 24, 16)},
    **{f"blur {sigma} of 80 px": blurred(sigma) for sigma in (1, 2, 3, 4, 6)},
}


def measure_events(worlds: Sequence[World], out: Path) -> dict[str, Any]:
    """Events with strangers in them: each face alone, and linked across the photos."""
    counts = {kind: {"enrolled": 0, "known": 0, "strangers": 0, "taken": 0, "wrong": 0} for kind in ("alone", "linked")}
    for people, half, calibration in worlds:
        rng = np.random.default_rng(2)
        for _ in tracked(range(20), "Events"):
            often = [p for p in rng.permutation(half) if len(people.of(p)) >= 4]
            known, strangers = often[:40], often[40:80]
            seldom = [p for p in rng.permutation(half) if len(people.of(p)) < 4][:60]
            gallery = gallery_of(people, {int(p): people.of(p)[:1] for p in [*known, *seldom]}, calibration)
            faces = [(int(p), i) for p in known for i in people.of(p)[1:]]
            faces += [(int(p), i) for p in strangers for i in people.of(p)]
            photos = deal(faces, rng)
            found = [
                [gallery.identify(probe(people.vectors[i], calibration.model_id)) for _, i in photo] for photo in photos
            ]
            enrolled = {int(p) for p in known}
            for kind, outcome in (("alone", found), ("linked", link_photos(found, gallery))):
                count(counts[kind], photos, outcome, enrolled)
    rows = []
    for kind, c in counts.items():
        fpir, fnir = c["taken"] / c["strangers"], 1 - c["known"] / c["enrolled"]
        told = [percent(fpir, 2), str(c["strangers"]), percent(fnir), str(c["enrolled"]), str(c["wrong"])]
        rows.append([kind, *told])
    heads = ("faces are judged", "FPIR", "strangers' faces", "FNIR", "enrolled faces", "taken for another")
    show_table("Events of 100 enrolled people with one reference each, half of the faces strangers'", heads, rows)
    return counts


def deal(faces: list[tuple[int, int]], rng: Generator) -> list[list[tuple[int, int]]]:
    """Deal faces out to photos of about six, nobody twice in one."""
    photos: list[list[tuple[int, int]]] = [[] for _ in range(max(len(faces) // 6, 10))]
    for index in rng.permutation(len(faces)):
        person = faces[index][0]
        free = [photo for photo in photos if all(p != person for p, _ in photo)]
        free[int(rng.integers(len(free)))].append(faces[index])
    return photos


def count(
    into: dict[str, int],
    photos: Sequence[Sequence[tuple[int, int]]],
    found: Sequence[Sequence[Identification]],
    enrolled: set[int],
) -> None:
    """Count who was known again and who was taken for somebody."""
    for photo, outcomes in zip(photos, found, strict=True):
        for (person, _), face in zip(photo, outcomes, strict=True):
            named = face.subject_id if face.outcome is Outcome.MATCH else None
            if person in enrolled:
                into["enrolled"] += 1
                into["known"] += named == f"{person:05}"
                into["wrong"] += named not in (None, f"{person:05}")
            else:
                into["strangers"] += 1
                into["taken"] += named is not None


MEASURES = {
    "galleries": measure_galleries,
    "alike": measure_alike,
    "quality": measure_quality,
    "events": measure_events,
}

if __name__ == "__main__":
    main()
