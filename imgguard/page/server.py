"""Start the page on this computer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import uvicorn

from consent.vault import Passphrase
from imgguard.page.app import build_app
from imgguard.page.area import Area
from imgguard.page.desk import Desk
from imgguard.page.pool import Pool
from imgguard.page.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Serving:
    """Where and how the page is served.

    Attributes:
        school: The school file.
        host: The address to listen on.
        port: 0 for a free one.
        workers: Processes; None for one a core.
        passphrase: Gives what opens the templates; None where nobody can be asked.
        on: The day; None for today.
    """

    school: Path
    host: str = "127.0.0.1"
    port: int = 0
    workers: int | None = None
    passphrase: Passphrase | None = None
    on: date | None = None


def serve(serving: Serving, opened: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Args:
        serving: Where and how.
        opened: Called with the opening address once the page can be reached.
    """
    area, pool, sessions = Area(Path(mkdtemp(prefix="imgguard-"))), Pool(serving.workers), Sessions()
    try:
        with socket.create_server((serving.host, serving.port)) as listening:
            host, port = listening.getsockname()[:2]
            hosts = frozenset({f"{host}:{port}", f"localhost:{port}"})
            desk = Desk(serving.school, area, pool, passphrase=serving.passphrase, on=serving.on)
            app = build_app(desk, sessions, hosts)
            pool.warm()
            opened(f"http://{host}:{port}/open?token={sessions.token}")
            config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        pool.stop()
        area.close()
