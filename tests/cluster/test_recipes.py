"""The lines of docs/cluster.md for users of other engines, as they stand there."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imgguard import Guard, Status
from imgguard.backends import default_backends
from imgguard.tasks import Task, Work, perform
from imgguard.types import CleanedPhoto
from tests.cluster.conftest import below
from tests.conftest import ROOT, SAMPLES


def recipe(about: str, **names: object) -> dict[str, Any]:
    """Run the block of the page that holds some words."""
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if about in block)
    known: dict[str, Any] = {"perform": perform, "default_backends": default_backends, **names}
    exec(compile(block, "docs/cluster.md", "exec"), known)
    return known


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("event_05_two.jpg", "event_09_one.jpg"):
        (tmp_path / "photos" / name).write_bytes((SAMPLES / "event" / name).read_bytes())
    return tmp_path / "photos"


def test_the_engine_of_the_page_publishes_what_ours_does(
    make_guard: Callable[..., Guard], photos: Path, tmp_path: Path
) -> None:
    guard = make_guard(names="keep")
    made = recipe("class Executor", wait=wait, FIRST_COMPLETED=FIRST_COMPLETED)["Executor"]
    plan = guard.plan([photos], tmp_path / "theirs")
    results = list(guard.run(plan, engine=lambda rules: made(ThreadPoolExecutor(1), rules, 2)))
    assert [result.status for result in results] == [Status.PUBLISHED] * 2
    list(guard.clean_folder(photos, tmp_path / "ours", workers=1))
    guard.close()
    assert below(tmp_path / "theirs") == below(tmp_path / "ours")


def cleaned(outcome: object) -> bytes:
    assert isinstance(outcome, CleanedPhoto)
    return outcome.content


def test_what_a_worker_of_ray_or_spark_does_is_the_same(make_guard: Callable[..., Guard], photos: Path) -> None:
    """Ray and Spark are not installed here: what they call is called, with all that crosses over pickled."""
    rules = make_guard(names="keep").rules
    task = Task(0, Work.PREPARE, photos / "event_05_two.jpg")
    expected = cleaned(perform(task, rules, default_backends()))

    ray = SimpleNamespace(remote=lambda **options: lambda actor: actor)
    actor = recipe("@ray.remote", ray=ray)["Worker"](pickle.loads(pickle.dumps(rules)))
    assert cleaned(actor.work(pickle.loads(pickle.dumps(task)))) == expected

    work_all = recipe("def work_all", rules=SimpleNamespace(value=rules))["work_all"]
    ((number, outcome),) = work_all(iter([task]))
    assert number == 0 and cleaned(pickle.loads(pickle.dumps(outcome))) == expected
