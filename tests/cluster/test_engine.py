"""A scheduler and workers as separate processes, with TLS; an S3 store as source and target."""

from __future__ import annotations

import logging
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from imgguard import Guard, SetupError, Status
from imgguard.backends import default_backends
from imgguard.cluster import worker
from imgguard.cluster.engine import Cluster
from imgguard.cluster.facts import own_facts
from imgguard.cluster.sealing import RunKey
from imgguard.cluster.security import Tls, check_address
from imgguard.parts import part_name
from imgguard.places import place
from imgguard.rules import Rules
from imgguard.tasks import Outcome, Task, Work
from imgguard.types import PhotoResult, Refusal
from tests.cluster import recording
from tests.cluster.conftest import below
from tests.cluster.machines import Machines, cluster, wait_until
from tests.conftest import SAMPLES, TODAY


def run(
    guard: Guard,
    machines: Machines,
    source: str | Path,
    out: str | Path,
    tls: Tls = Tls(),  # noqa: B008
    examined: Callable[[int, int], None] = lambda done, total: None,
    stages: bool = False,
) -> Iterator[PhotoResult]:
    plan = guard.plan([place(source)], place(out))
    engine = lambda rules: Cluster(rules, machines.address, plan.out, tls, stages=stages)  # noqa: E731
    yield from guard.run(plan, examined=examined, engine=engine)


def in_store(address: str) -> dict[str, bytes]:
    import s3fs

    system = s3fs.S3FileSystem(skip_instance_cache=True)
    return {key.removeprefix(f"{address}/"): system.cat_file(key) for key in system.find(address)}


@dataclass
class Told:
    """All that a run said to anybody but S3 and the worker that was meant, and what it must not say."""

    results: list[PhotoResult]
    published: dict[str, bytes]
    said: bytes
    key: bytes
    rules: Rules
    frames: bytes


@pytest.fixture(scope="module")
def told(
    make_guard: Callable[..., Guard], tls: Tls, s3: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """A run over S3 with two workers, of which one is killed in the middle, with everything written down."""
    folder, guard = tmp_path_factory.mktemp("cluster"), make_guard(names="keep")
    keys: list[RunKey] = []
    made = RunKey.__init__

    def noting(self: RunKey, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        keys.append(self)

    env = {recording.FOLDER: str(folder), "DASK_LOGGING__DISTRIBUTED": "debug"}
    with pytest.MonkeyPatch.context() as patch, cluster(folder, tls, env=env) as machines:
        patch.setattr(RunKey, "__init__", noting)
        log = logging.FileHandler(folder / "client.log")
        logging.getLogger("distributed").addHandler(log)
        patch.setattr(logging.getLogger("distributed"), "level", logging.DEBUG)
        recording.record(folder)
        machines.start_worker("first", "--no-nanny")
        victim = machines.start_worker("second", "--no-nanny")

        def examined(done: int, total: int) -> None:
            if done == 3:
                os.killpg(victim.pid, signal.SIGKILL)

        results = list(run(guard, machines, "s3://photos/2024", "s3://clean/run", tls, examined, stages=True))
        assert victim.wait(10) == -signal.SIGKILL
        guard.close()
        logging.getLogger("distributed").removeHandler(log)
        frames = b"".join(path.read_bytes() for path in folder.glob("frames-*"))
        said = frames + machines.logs()
        yield Told(results, in_store("clean/run"), said, keys[0]._key, guard.rules, frames)


def test_a_cluster_publishes_what_one_machine_does_though_a_worker_is_killed(
    told: Told, one_machine: dict[str, bytes]
) -> None:
    assert {result.status for result in told.results} == {Status.PUBLISHED}
    assert told.published == one_machine


def secrets_of(told: Told) -> dict[str, bytes]:
    gallery = told.rules.gallery
    assert gallery is not None
    names = {part for one in told.rules.subjects.values() for part in (one.subject_id, one.given_name, one.family_name)}
    found = {f"name {name}": name.encode() for name in names if len(name) >= 6}
    found |= {f"template {n}": row.tobytes()[:16] for n, row in enumerate(gallery.templates)}
    found |= {f"photo {result.source.name}": result.source.stem.encode() for result in told.results}
    return found | {"the key": told.key, "the key in hex": told.key.hex().encode()}


def is_in(secret: bytes, said: bytes) -> bool:
    """A student's number may be the fraction of a time by chance."""
    edges = (rb"(?<![\d.])", rb"(?!\d)") if secret.isdigit() else (b"", b"")
    return re.search(edges[0] + re.escape(secret) + edges[1], said) is not None


def test_no_template_no_name_and_no_key_is_in_any_message_or_log(told: Told) -> None:
    looked_for = secrets_of(told)
    assert len(looked_for) > 40
    assert [name for name, secret in looked_for.items() if is_in(secret, told.said)] == []


def test_the_control_sees_what_would_be_said_without_encryption(told: Told) -> None:
    plain = pickle.dumps((told.rules, [result.source for result in told.results], told.key))
    unseen = [
        name for name, secret in secrets_of(told).items() if not is_in(secret, plain) and name != "the key in hex"
    ]
    assert unseen == []
    # Everything else of the run was written down: tasks, results, and how the key was handed over.
    assert b"run_shard" in told.said
    assert told.frames.count(b"wrapped") >= 2


def test_cleaned_photos_do_not_pass_the_client(told: Told) -> None:
    assert len(told.frames) < sum(map(len, told.published.values()))


def test_nothing_but_photos_is_left_in_the_store(told: Told) -> None:
    assert sorted(told.published) == sorted(path.name for path in (SAMPLES / "event").iterdir())


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(noise, (480, 320), interpolation=cv2.INTER_CUBIC))


def covering(tmp_path: Path) -> Guard:
    return Guard(recognition=False, school=tmp_path / "school.imgguard", names="keep", on=TODAY)


def test_a_photo_that_kills_every_worker_is_refused_alone(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "poison"):
        draw(tmp_path / "in" / f"{name}.png", ord(name[0]))
    # Dask tries elsewhere, and gives a task up when so many workers have died of it.
    env = {"IMGGUARD_TEST_POISON": "1", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with cluster(tmp_path / "cluster", None, env=env) as machines, covering(tmp_path) as guard:
        machines.start_worker("one", "--nworkers", "2")
        results = list(run(guard, machines, tmp_path / "in", tmp_path / "out"))
    told = {result.source.name: result.refusal.kind if result.refusal else None for result in results}
    assert told == {"a.png": None, "b.png": None, "c.png": None, "poison.png": "worker_died"}
    assert sorted(below(tmp_path / "out")) == ["a.png", "b.png", "c.png"]


def test_a_worker_with_another_version_is_refused_with_the_reason(tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png", 1)
    with cluster(tmp_path / "cluster", None) as machines, covering(tmp_path) as guard:
        machines.start_worker("old", "--no-nanny", IMGGUARD_TEST_VERSION="0.0.9")
        with pytest.raises(SetupError, match=r"refused: imgguard is 0\.0\.9, not "):
            list(run(guard, machines, tmp_path / "in", tmp_path / "out"))
    assert below(tmp_path / "out") == {}


def test_a_worker_that_joins_later_is_given_the_key_and_works(tmp_path: Path) -> None:
    for n in range(8):
        draw(tmp_path / "in" / f"{n}.png", n)
    with cluster(tmp_path / "cluster", None) as machines, covering(tmp_path) as guard:
        first = machines.start_worker("first", "--no-nanny")
        results = run(guard, machines, tmp_path / "in", tmp_path / "out")
        found = [next(results)]
        machines.start_worker("later", "--no-nanny")
        os.killpg(first.pid, signal.SIGKILL)
        found += results
    assert [result.status for result in found] == [Status.PUBLISHED] * 8


def test_a_photo_that_kills_the_only_fit_worker_is_refused_though_an_unfit_one_is_there(tmp_path: Path) -> None:
    for name in ("a", "poison"):
        draw(tmp_path / "in" / f"{name}.png", 1)
    told: list[tuple[Task, Outcome]] = []
    with cluster(tmp_path / "cluster", None, env={"IMGGUARD_TEST_POISON": "1"}) as machines:
        machines.start_worker("one")
        engine = Cluster(covering(tmp_path).rules, machines.address, tmp_path / "out")
        machines.start_worker("old", "--no-nanny", IMGGUARD_TEST_VERSION="0.0.9")
        wait_until(lambda: bool(engine._keeper.refused), "the old one is refused")
        for number, name in enumerate(("poison", "a")):
            engine.submit(Task(number, Work.PREPARE, tmp_path / "in" / f"{name}.png"))
        # It begins anew under another address, while the task would wait for the one that it was given.
        thread = threading.Thread(target=lambda: [told.extend(engine.collect()) for _ in range(2)], daemon=True)
        thread.start()
        thread.join(90)
        engine.close()
    found = {task.source.name: outcome.kind if isinstance(outcome, Refusal) else None for task, outcome in told}
    assert found == {"poison.png": "worker_died", "a.png": None}


def test_a_worker_whose_run_has_ended_leaves_nothing_in_the_store(s3: None, tmp_path: Path) -> None:
    draw(tmp_path / "a.png", 1)
    key, rules, stage = RunKey("1"), covering(tmp_path).rules, "s3://clean/stage"
    with pytest.MonkeyPatch.context() as patch:
        bench = worker.Bench("1", "", stage)
        bench._held = key, rules
        bench._given.set()
        plain = worker.perform

        def perform(*told: Any) -> Outcome:
            bench.forget()
            return plain(*told)

        patch.setattr(worker, "perform", perform)
        sealed = key.seal((Task(0, Work.PREPARE, tmp_path / "a.png"),), "shard 1")
        assert bench.work(1, sealed) == worker.NOT_READY
    assert in_store("clean/stage") == {}


def test_computers_whose_detector_is_another_do_not_work_together(monkeypatch: pytest.MonkeyPatch) -> None:
    before = own_facts()
    assert "onnxruntime" in before
    monkeypatch.setattr(default_backends().primary, "detect", lambda pixels, min_score: [])
    assert own_facts()["how it computes"] != before["how it computes"]


def test_a_run_removes_what_a_killed_one_left_where_it_stages(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / "staging" / part_name().replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    left.parent.mkdir()
    left.write_bytes(b"rules")
    with cluster(tmp_path / "cluster", None) as machines:
        machines.start_worker("one", "--no-nanny")
        Cluster(covering(tmp_path).rules, machines.address, tmp_path / "staging").close()
    assert list(left.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with cluster(tmp_path / "cluster", None) as machines, pytest.raises(SetupError, match="cannot be written there"):
        Cluster(covering(tmp_path).rules, machines.address, tmp_path / "file" / "staging")


def test_workers_forget_the_run_when_the_client_is_killed(tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png", 1)
    with cluster(tmp_path / "cluster", None) as machines, covering(tmp_path) as guard:
        machines.start_worker("one", "--no-nanny", IMGGUARD_TEST_LEASE="3")
        engine = Cluster(guard.rules, machines.address, tmp_path / "out")
        held = lambda: engine._client.run(_holds)  # noqa: E731
        assert list(held().values()) == [True]
        # What a killed client does: nothing more.
        engine._keeper._ended.set()
        wait_until(lambda: list(held().values()) == [False], "the worker forgets", 30)
        engine.close()


def _holds() -> bool:
    return any(bench._held is not None for bench in worker._benches.values())


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "10.0.0.5:8786", "ws://localhost:1", "tcp://example.org:1"])
def test_plain_tcp_is_refused_off_this_computer_before_anything_is_sent(address: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="neither TLS nor on this computer"):
        Cluster(covering(tmp_path).rules, address, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["tls://10.0.0.5:8786", "tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:1"]
)
def test_tls_anywhere_and_plain_tcp_here_are_taken(address: str) -> None:
    check_address(address)


def test_a_client_whose_certificate_is_another_authority_s_is_not_spoken_to(tls: Tls, tmp_path: Path) -> None:
    from tests.cluster.machines import make_certificates

    stranger = make_certificates(tmp_path / "stranger")
    with cluster(tmp_path / "cluster", tls) as machines, pytest.raises(SetupError, match="no scheduler answers"):
        Cluster(covering(tmp_path).rules, machines.address, tmp_path / "out", stranger)
