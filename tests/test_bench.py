"""The attackers of bench/attacks.py are no straw men: they succeed where there is something to find, and only there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import cv2
import numpy as np
import pytest

from imgguard.types import BoundingBox, Detection, Source, Style
from tests.conftest import ROOT

Bench = Callable[[str], ModuleType]

PEOPLE, PICTURES = 12, 8
WHOSE = np.repeat(np.arange(PEOPLE), PICTURES)
FOLD = np.tile(np.arange(PICTURES) // 2, PEOPLE)
LANDMARKS = np.array([(40, 45), (70, 45), (55, 60), (44, 78), (66, 78)], np.float32)
FACE = Detection(BoundingBox(30, 25, 80, 90), 0.9, LANDMARKS, Source.BOTH)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.syspath_prepend(ROOT / "bench")
    return lambda name: importlib.import_module(name)


def drawn(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (15, 14, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (112, 120), interpolation=cv2.INTER_CUBIC), np.uint8)


def views(signal: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    person = rng.normal(size=(PEOPLE, 40))
    return {"view": signal * person[WHOSE] + rng.normal(size=(len(WHOSE), 40))}


def test_the_parrot_names_people_who_differ_and_guesses_where_they_do_not(bench: Bench) -> None:
    heads, count = bench("attack_heads"), bench("attack_count")
    assert heads.parrot(views(2.0), WHOSE, FOLD).share(1) > 0.95
    blind = heads.parrot(views(0.0), WHOSE, FOLD)
    assert blind.share(1) <= count.luck(1 / PEOPLE, len(WHOSE))[1]
    assert np.array_equal(blind.group, WHOSE)


def test_wiener_undoes_the_blur_it_assumes(bench: Bench) -> None:
    restore = bench("attack_restore")
    clear = cv2.resize(drawn(2), (112, 112))
    blurred = cv2.GaussianBlur(clear, (0, 0), 7.8)
    undone = restore.wiener(blurred, "Gaussian of 0.1")

    def alike(one: np.ndarray) -> float:
        inner = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)[16:-16, 16:-16].astype(float).ravel() for p in (one, clear)]
        return float(np.corrcoef(*inner)[0, 1])

    assert alike(undone) > alike(blurred) + 0.1


def test_the_learned_restorer_finds_what_a_linear_cover_lets_through(bench: Bench) -> None:
    rng = np.random.default_rng(3)
    clear, mixing = rng.normal(size=(300, 8)), rng.normal(size=(8, 30))
    covered = clear @ mixing
    learned = bench("attack_restore").Linear.learn(covered[:250], clear[:250], 0.01)
    assert np.abs(learned(covered[250:]) - clear[250:]).mean() < 0.1


def test_equal_scores_are_ranked_by_lot(bench: Bench) -> None:
    count = bench("attack_count")
    whose = np.repeat(np.arange(50), 40)
    none = count.ranks(np.zeros((2000, 50)), whose)
    low, high = count.luck(1 / 50, 2000)
    assert low <= none.share(1) <= high
    assert count.ranks(np.eye(50)[whose], whose).share(1) == 1.0


def test_the_intervals_are_those_of_the_textbook(bench: Bench) -> None:
    count = bench("attack_count")
    assert count.wilson(5, 100) == pytest.approx((0.0215, 0.1118), abs=1e-4)
    # P(X <= 2) = 0.028, P(X <= 14) = 0.984 for 480 trials at 1/60.
    assert count.luck(1 / 60, 480) == (3 / 480, 14 / 480)


def test_a_gain_is_judged_by_people_and_none_is_none(bench: Bench) -> None:
    count = bench("attack_count")
    right, wrong = np.zeros(96, int), np.ones(96, int)
    assert count.more(count.Ranks(right, WHOSE), count.Ranks(wrong, WHOSE), 1) == (1.0, 1.0)
    assert count.more(count.Ranks(right, WHOSE), count.Ranks(right, WHOSE), 1) == (0.0, 0.0)


@pytest.mark.parametrize("style", ["blur", "solid", "emoji"])
def test_the_control_without_a_face_is_covered_to_the_same_bytes(bench: Bench, style: str) -> None:
    covers = bench("attack_covers")
    if style not in set(Style):
        pytest.skip(f"no style {style} yet")
    picture, way = drawn(4), covers.own(Style(style))
    blank = covers.without_face(picture, FACE)
    assert not np.array_equal(blank, picture)
    assert np.array_equal(way(blank, FACE), way(picture, FACE))
    assert not np.array_equal(covers.mosaic(blank, FACE), covers.mosaic(picture, FACE))


def test_only_what_is_under_the_cover_is_somebody_elses(bench: Bench) -> None:
    covers = bench("attack_covers")
    picture, donor = drawn(5), drawn(6)
    mixed, mask = covers.with_face_of(picture, FACE, donor, FACE), covers.under_cover(picture, FACE)
    assert np.array_equal(mixed[~mask], picture[~mask])
    assert np.array_equal(mixed[mask], donor[mask])


def test_every_style_that_needs_no_file_is_attacked(bench: Bench) -> None:
    covers = bench("attack_covers")
    assert {style.value for style in Style} - {"image"} <= set(covers.ways())
