"""Hand the rules of a run to its workers, so that one that is killed while it starts keeps nobody waiting.

What a process is started with goes through a pipe of which the starting process holds both ends: with more in it than
the pipe takes (a gallery), it would wait for ever for a reader that was killed. Here workers ask for the rules once
they run, and a connection tells when its other end has gone. Nothing is written to a drive: rules hold templates.
"""

from __future__ import annotations

import pickle
import threading
from contextlib import suppress
from multiprocessing import AuthenticationError, current_process
from multiprocessing.connection import Client, Listener
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgguard.rules import Rules

# A worker that goes at the wrong moment; it is noticed elsewhere.
_GONE = (OSError, EOFError, AuthenticationError)

_MOST_AT_ONCE = 64


class Handout:
    """Gives the rules to every worker that asks and knows the key, which workers inherit."""

    def __init__(self, rules: Rules) -> None:
        """Begin to listen, on this computer only."""
        self._content = pickle.dumps(rules, pickle.HIGHEST_PROTOCOL)
        self._listener = Listener(backlog=_MOST_AT_ONCE, authkey=current_process().authkey)
        self._closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str | tuple[str, int]:
        """Where to ask."""
        address: str | tuple[str, int] = self._listener.address
        return address

    def close(self) -> None:
        """Give nothing any more."""
        if self._closed:
            return
        self._closed = True
        # Whoever waits for a worker to ask is woken, which closing alone does not do. Without a key nothing is said or
        # waited for: it may have come to its end by itself, and then nobody would answer.
        with suppress(*_GONE):
            Client(self.address).close()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closed:
            with suppress(*_GONE), self._listener.accept() as worker:
                worker.send_bytes(self._content)


def ask(address: str | tuple[str, int]) -> Rules:
    """Get the rules, in a worker.

    Args:
        address: Where the main process gives them.

    Raises:
        OSError: if it has ended.
        EOFError: likewise.
    """
    with Client(address, authkey=current_process().authkey) as main:
        rules: Rules = pickle.loads(main.recv_bytes())
        return rules
