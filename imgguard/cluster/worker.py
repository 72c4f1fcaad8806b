"""What runs in a worker of the cluster: the models, the rules of a run, and nothing of either after it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from distributed import WorkerPlugin

from imgguard.backends import default_backends
from imgguard.cluster.facts import own_facts
from imgguard.cluster.sealing import RunKey
from imgguard.errors import ImgguardError, OutputExists
from imgguard.places import Remote, place
from imgguard.remote_output import put
from imgguard.tasks import Outcome, Task, perform
from imgguard.types import CleanedPhoto, Staged
from imgguard.workers import prepare_process

if TYPE_CHECKING:
    from distributed import Worker

    from imgguard.rules import Rules

# What a worker without the key gives back: nothing. Its tasks go to another one.
NOT_READY = b""
# A client that is killed says nothing more; its key is forgotten so many seconds later.
LEASE_S = 60.0
_WAIT_FOR_KEY_S = 20.0


def handler_name(run: str) -> str:
    """Name what a worker answers to during a run."""
    return f"imgguard_{run}"


class Bench:
    """What a worker holds of one run: the key and the rules, from when the client gives them until the end."""

    def __init__(self, run: str, bundle: str, stage: str | None) -> None:
        """Make a key pair for the run; there is nothing else yet."""
        self._run, self._bundle, self._stage = run, bundle, stage
        self._private = X25519PrivateKey.generate()
        self._held: tuple[RunKey, Rules] | None = None
        self._given = threading.Event()
        self._until = 0.0
        # The models are not made for two threads at once.
        self._one_at_a_time = threading.Lock()

    async def answer(self, what: str = "", **told: Any) -> dict[str, Any]:
        """Answer the client, which asks directly."""
        if what == "hello":
            facts = await asyncio.to_thread(own_facts)
            return {"public": self._private.public_key().public_bytes_raw(), "facts": facts}
        if what == "key":
            return await asyncio.to_thread(self._take, **told)
        self._until = time.monotonic() + LEASE_S
        return {"ready": self._held is not None}

    def work(self, number: int, sealed: bytes) -> bytes:
        """Do the tasks of a shard."""
        if not self._given.wait(_WAIT_FOR_KEY_S):
            return NOT_READY
        held = self._held
        if held is None:
            return NOT_READY
        key, rules = held
        with self._one_at_a_time:
            tasks, done = key.unseal(sealed, f"shard {number}"), list[Outcome]()
            try:
                for task in tasks:
                    outcome = perform(task, rules, default_backends())
                    # A run that has ended meanwhile leaves nothing behind: neither rules here nor photos in the store.
                    if self._held is not held:
                        return NOT_READY
                    done.append(_staged(task, outcome, self._stage))
            except ImgguardError as error:
                # Told in what is sealed, since Dask would log it.
                return key.seal(error, f"outcomes {number}")
            return key.seal(tuple(done), f"outcomes {number}")

    async def watch(self) -> None:
        """Forget everything once the client has not been heard of for a while."""
        while True:
            await asyncio.sleep(LEASE_S / 10)
            if self._held is not None and time.monotonic() > self._until:
                self.forget()

    def forget(self) -> None:
        """Let go of the key and of everything that was read with it."""
        self._given.clear()
        self._held = None

    def _take(self, told: bytes, wrapped: bytes) -> dict[str, Any]:
        try:
            key = RunKey.unwrapped(self._run, self._private, told, wrapped)
            rules = key.unseal(place(self._bundle).read_bytes(), "rules")
        except (ImgguardError, OSError) as error:
            said = error.what if isinstance(error, ImgguardError) else error.strerror
            return {"ready": False, "problem": f"cannot read {self._bundle} ({said})"}
        self._held, self._until = (key, rules), time.monotonic() + LEASE_S
        self._given.set()
        return {"ready": True}


def _staged(task: Task, outcome: Outcome, stage: str | None) -> Outcome:
    """Put the bytes of a cleaned photo where the client can give them their name; a worker that ran before may have."""
    if stage is None or not isinstance(outcome, CleanedPhoto):
        return outcome
    sha256 = outcome.output_sha256
    target = place(stage) / f"{sha256}-{task.number}"
    assert isinstance(target, Remote)
    try:
        put(outcome.content, target, overwrite=False)
    except OutputExists:
        pass
    except OSError:
        # The client is given the bytes themselves, and tells what is wrong with the store.
        return outcome
    return replace(outcome, content=b"", staged=Staged(target, sha256))


_benches: dict[str, Bench] = {}


class Workshop(WorkerPlugin):  # type: ignore[misc]
    """Sets up every worker, those too that join later: models, and a bench for the run."""

    def __init__(self, run: str, bundle: str, stage: str | None) -> None:
        """Say which run it is, where its encrypted rules are and where photos go; all may know."""
        self.run, self.bundle, self.stage = run, bundle, stage
        self.name = handler_name(run)

    async def setup(self, worker: Worker) -> None:
        """Load the models and be ready to be given the key."""
        await asyncio.to_thread(prepare_process)
        bench = _benches[self.run] = Bench(self.run, self.bundle, self.stage)
        worker.handlers[self.name] = bench.answer
        self._watching = asyncio.create_task(bench.watch())

    async def teardown(self, worker: Worker) -> None:
        """Forget the run."""
        worker.handlers.pop(self.name, None)
        with contextlib.suppress(AttributeError):
            self._watching.cancel()
        if bench := _benches.pop(self.run, None):
            bench.forget()


def run_shard(run: str, number: int, sealed: bytes) -> bytes:
    """Do a shard in whatever worker Dask has chosen."""
    bench = _benches.get(run)
    if bench is None:
        # It comes back at once: not in a circle as fast as the cluster can.
        time.sleep(1)
        return NOT_READY
    return bench.work(number, sealed)
