"""Look after the workers during a run: greet them, give them the key, let them know that the client is still there."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distributed import Client

from imgguard.cluster.facts import differences, own_facts
from imgguard.cluster.sealing import RunKey
from imgguard.cluster.security import check_address
from imgguard.cluster.worker import Workshop, handler_name
from imgguard.errors import ImgguardError, SetupError
from imgguard.parts import part_name
from imgguard.places import Remote
from imgguard.remote_output import put, remove_folder
from imgguard.rules import Rules
from imgguard.running import tidy

_ROUND_S = 2.0
_ANSWER_S = 30.0
_FIRST_WORKER_S = 30.0
_REMEDY = "Install the same imgguard and packages on every computer of the cluster (docs/cluster.md)."


class Keeper:
    """Keeps the workers of one run supplied.

    Attributes:
        key: What everything of this run is encrypted with.
        there: The addresses of all workers.
        ready: Those of the workers that have the key.
        refused: Why others were not given it, by address.
    """

    def __init__(self, client: Client, rules: Rules, staging: Path, *, stages: bool) -> None:
        """Lay the encrypted rules where the workers read them, set the workers up, and give them the key.

        Raises:
            SetupError: if there is no worker, or one has other versions or models, or cannot read the rules.
        """
        self._client = client
        self.key = RunKey(secrets.token_hex(8))
        self.there: frozenset[str] = frozenset()
        self.ready: set[str] = set()
        self.refused: dict[str, str] = {}
        self._facts = own_facts()
        self._common: Mapping[str, str] = {}
        self._last_seen = time.monotonic()
        self._ended = threading.Event()
        tidy({staging})
        self._place = staging / part_name()
        self._bundle = self._place / "rules" if isinstance(staging, Remote) else self._place
        self._lay(self.key.seal(rules, "rules"))
        try:
            self._set_up(Workshop(self.key.run, str(self._bundle), str(self._place) if stages else None))
            self._first_round()
        except BaseException:
            self.close()
            raise
        self._thread = threading.Thread(target=self._rounds, daemon=True)
        self._thread.start()

    def alone_for(self) -> float:
        """Tell for how many seconds there has been no worker."""
        return 0.0 if self.ready else time.monotonic() - self._last_seen

    def close(self) -> None:
        """Let every worker forget the run, and take the encrypted rules away."""
        self._ended.set()
        # Workers that cannot be reached any more forget by themselves.
        with contextlib.suppress(Exception):
            self._client.unregister_worker_plugin(handler_name(self.key.run))
        with contextlib.suppress(OSError):
            _remove(self._place)

    def _lay(self, sealed: bytes) -> None:
        try:
            _write(sealed, self._bundle)
        except OSError as error:
            raise SetupError(
                f"{self._place.parent}: the encrypted rules of the run cannot be written there ({error.strerror})",
                "Give another --staging that you can write to and all workers can read.",
            ) from error

    def _set_up(self, workshop: Workshop) -> None:
        try:
            self._client.register_plugin(workshop)
        except ImgguardError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise SetupError(f"A worker of the cluster cannot be set up ({said})", _REMEDY) from error

    def _first_round(self) -> None:
        until = time.monotonic() + _FIRST_WORKER_S
        while not (self.ready or self.refused) and time.monotonic() < until:
            self._client.sync(self._round)
            if not (self.ready or self.refused):
                self._ended.wait(1)
        if self.refused:
            address, why = next(iter(sorted(self.refused.items())))
            more = f", and {len(self.refused) - 1} more workers are refused" if len(self.refused) > 1 else ""
            raise SetupError(
                f"The worker {address} is refused: {why}{more}",
                _REMEDY,
            )
        if not self.ready:
            raise SetupError("The cluster has no worker", "Start some (docs/cluster.md).")

    def _rounds(self) -> None:
        while not self._ended.wait(_ROUND_S):
            # What fails now is tried again in the next round; that no worker is left is told by `alone_for`.
            with contextlib.suppress(Exception):
                self._client.sync(self._round)

    async def _round(self) -> None:
        told: Any = await self._client.scheduler.identity(n_workers=-1)
        self.there = there = frozenset(told["workers"])
        self.ready &= there
        self.refused = {address: why for address, why in self.refused.items() if address in there}
        known = sorted(there - set(self.refused))
        await asyncio.gather(*map(self._look_after, known))
        if self.ready:
            self._last_seen = time.monotonic()

    async def _look_after(self, address: str) -> None:
        try:
            if address in self.ready:
                answer = await self._ask(address, what="alive")
                if answer["ready"]:
                    return
                self.ready.discard(address)
            await self._greet(address)
        except SetupError as error:
            self.refused[address] = error.what
        except Exception:
            # It has just come, or is about to go: whoever is still there is asked again in the next round.
            self.ready.discard(address)

    async def _greet(self, address: str) -> None:
        """Compare a worker with this computer, and give it the key."""
        check_address(address)
        hello = await self._ask(address, what="hello")
        self._compare(hello["facts"])
        told, wrapped = self.key.wrapped_for(hello["public"])
        answer = await self._ask(address, what="key", told=told, wrapped=wrapped)
        if not answer["ready"]:
            raise SetupError(f"it {answer['problem']}", "")
        self.ready.add(address)

    def _compare(self, facts: Mapping[str, str]) -> None:
        wrong = differences(self._facts, facts, among_workers=False)
        self._common = self._common or facts
        wrong += differences(self._common, facts, among_workers=True)
        if wrong:
            raise SetupError("; ".join(wrong), "")

    async def _ask(self, address: str, **told: Any) -> dict[str, Any]:
        # Straight to the worker: the scheduler sees nothing of it.
        answer = getattr(self._client.rpc(address), handler_name(self.key.run))(**told)
        return dict(await asyncio.wait_for(answer, _ANSWER_S))


def _write(content: bytes, target: Path) -> None:
    if isinstance(target, Remote):
        put(content, target, overwrite=False)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _remove(target: Path) -> None:
    if isinstance(target, Remote):
        remove_folder(target)
    else:
        target.unlink(missing_ok=True)
