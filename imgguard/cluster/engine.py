"""The engine that does tasks on the workers of a Dask cluster; see `imgguard.engines.Engine`.

Tasks go out in shards of a few photos, encrypted; what comes back is encrypted as well. Whoever may write does not: the
client alone publishes and records. So a shard that was done twice, since its worker died late, changes nothing.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from pathlib import Path

from distributed import Client, Future, KilledWorker

from imgguard.cluster.keeping import Keeper
from imgguard.cluster.security import Tls, security
from imgguard.cluster.worker import NOT_READY, run_shard
from imgguard.errors import ImgguardError, SetupError
from imgguard.refusing import is_short_of_memory, worker_died
from imgguard.rules import Rules
from imgguard.tasks import Outcome, Task

# A shard is worth what Dask spends on a task, and is lost whole when its worker dies.
_SHARD = 4
# So many shards a worker are under way: one in work, one that waits for it.
_AHEAD = 2
_CONNECT_S = 20
_LOOK_S = 1.0
# Without a single worker for so long, the run ends; it can be gone on with.
_NO_WORKER_S = 60.0
_REMEDY = "See to the cluster and run again: what is done stays done."


@dataclass(frozen=True, slots=True, eq=False)
class _Shard:
    """Some tasks under way.

    Attributes:
        number: Unique within the run.
        tasks: What is to be done.
        suspect: Whether its worker died before, so that it is done with nothing else under way.
        only: Where alone it may be done; empty for everywhere.
    """

    number: int
    tasks: tuple[Task, ...]
    suspect: bool = False
    only: frozenset[str] = frozenset()


class Cluster:
    """Does tasks on the workers of a Dask cluster."""

    def __init__(
        self,
        rules: Rules,
        address: str,
        staging: Path,
        tls: Tls = Tls(),  # noqa: B008 (frozen)
        *,
        stages: bool = False,
    ) -> None:
        """Connect, make sure that all workers are like this computer, and give them the rules of the run.

        Args:
            rules: What holds for the run.
            address: The scheduler's, such as tls://HOST:8786.
            staging: A folder that the workers can read, for the encrypted rules.
            tls: The files of TLS.
            stages: Whether workers put cleaned photos there, too, from where they are published inside of the store;
                otherwise they come back to this computer.

        Raises:
            SetupError: if the address is not safe, nobody answers there, or a worker has other versions or models.
        """
        told = security(address, tls)
        try:
            self._client = Client(
                address, security=told, timeout=_CONNECT_S, set_as_default=False, direct_to_workers=True
            )
        except (OSError, ValueError) as error:
            raise SetupError(
                f"{address}: no scheduler answers there ({' '.join(str(error).split())[:200]})",
                "Start it (docs/cluster.md), and check the address and the certificates.",
            ) from error
        self._address = address
        self._waiting: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._running: dict[Future, _Shard] = {}
        self._finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._number = 0
        try:
            self._keeper = Keeper(self._client, rules, staging, stages=stages)
        except BaseException:
            self._client.close()
            raise

    @property
    def width(self) -> int:
        """See `Engine`."""
        return _AHEAD * _SHARD * max(1, len(self._keeper.ready))

    def submit(self, task: Task) -> None:
        """See `Engine`."""
        self._waiting.append(task)

    def collect(self) -> Iterator[tuple[Task, Outcome]]:
        """See `Engine`."""
        done: list[tuple[Task, Outcome]] = []
        while not done and (self._waiting or self._suspects or self._running):
            self._send()
            future = self._next()
            done += self._lost() if future is None else self._outcomes(future)
        return iter(done)

    def close(self) -> None:
        """See `Engine`."""
        futures = list(self._running)
        self._waiting.clear()
        self._suspects.clear()
        self._running.clear()
        try:
            if futures and self._client.status == "running":
                self._client.cancel(futures, force=True)
            self._keeper.close()
        finally:
            self._client.close()

    def _send(self) -> None:
        if self._suspects:
            # Nobody else's photo may be taken along, nor be taken for the guilty one.
            if not self._running:
                self._start((self._suspects.popleft(),), suspect=True)
            return
        size = max(1, min(_SHARD, len(self._waiting) // (_AHEAD * max(1, len(self._keeper.ready)))))
        while self._waiting:
            self._start(tuple(self._waiting.popleft() for _ in range(min(size, len(self._waiting)))))

    def _start(self, tasks: tuple[Task, ...], *, suspect: bool = False) -> None:
        self._number += 1
        self._submit(_Shard(self._number, tasks, suspect))

    def _submit(self, shard: _Shard) -> None:
        key = self._keeper.key
        shard = replace(shard, only=frozenset(self._keeper.ready if self._keeper.refused else ()))
        future = self._client.submit(
            run_shard,
            key.run,
            shard.number,
            key.seal(shard.tasks, f"shard {shard.number}"),
            key=f"imgguard-{key.run}-{shard.number}-{time.monotonic_ns()}",
            pure=False,
            workers=sorted(shard.only) or None,
        )
        self._running[future] = shard
        future.add_done_callback(self._finished.put)

    def _next(self) -> Future | None:
        """Wait for a shard; None where there is none yet."""
        try:
            return self._finished.get(timeout=_LOOK_S)
        except queue.Empty:
            pass
        if self._client.status != "running":
            raise SetupError(f"{self._address}: the scheduler was lost", _REMEDY)
        if self._keeper.alone_for() > _NO_WORKER_S:
            raise SetupError(f"{self._address}: there is no worker left", _REMEDY)
        return None

    def _lost(self) -> list[tuple[Task, Outcome]]:
        """Take back what may be done by workers alone that have all gone: Dask would wait for them for ever."""
        there = self._keeper.there
        gone = [future for future, shard in self._running.items() if shard.only and shard.only.isdisjoint(there)]
        done: list[tuple[Task, Outcome]] = []
        for future in gone if self._keeper.ready else ():
            shard = self._running.pop(future)
            future.cancel(force=True)
            done += self._killed(shard)
        return done

    def _killed(self, shard: _Shard) -> list[tuple[Task, Outcome]]:
        """Refuse what kills its workers alone as it is; anything else is tried alone."""
        if shard.suspect:
            return [(task, worker_died(task.source)) for task in shard.tasks]
        self._suspects += shard.tasks
        return []

    def _outcomes(self, future: Future) -> list[tuple[Task, Outcome]]:
        shard = self._running.pop(future, None)
        if shard is None:
            return []
        try:
            sealed = self._result(future, shard)
        except KilledWorker:
            return self._killed(shard)
        if sealed is None:
            return []
        outcomes = self._keeper.key.unseal(sealed, f"outcomes {shard.number}")
        if isinstance(outcomes, ImgguardError):
            raise outcomes
        done = list(zip(shard.tasks, outcomes, strict=True))
        if shard.suspect:
            return done
        # What other photos took of the memory is free when it is alone.
        self._suspects += [task for task, outcome in done if is_short_of_memory(outcome)]
        return [one for one in done if not is_short_of_memory(one[1])]

    def _result(self, future: Future, shard: _Shard) -> bytes | None:
        """Fetch what a shard came to; None where it is on its way again.

        Raises:
            KilledWorker: if worker after worker died of it.
        """
        try:
            sealed: bytes = future.result()
        except KilledWorker:
            raise
        except (CancelledError, OSError, TimeoutError):
            sealed = NOT_READY
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise SetupError(f"{self._address}: a worker cannot do what it is asked to ({said})", _REMEDY) from error
        if sealed == NOT_READY:
            self._submit(shard)
            return None
        return sealed
