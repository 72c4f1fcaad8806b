"""The real page, served for a test in a thread of its own, with the sample school and real workers."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from imgguard.page.app import build_app
from imgguard.page.area import Area
from imgguard.page.desk import Desk
from imgguard.page.pool import Pool
from imgguard.page.sessions import CSRF_HEADER, Sessions
from tests.conftest import TODAY
from tests.schools import PASSPHRASE

# What Chromium needs where it runs as root, and so that it asks nobody for anything by itself.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Give the browser of this machine, if it has one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Served:
    """A page that is being served: the address to open it, its base, and what lies behind."""

    sessions: Sessions
    base: str
    desk: Desk
    folder: Path

    @property
    def opening(self) -> str:
        return f"{self.base}/open?token={self.sessions.token}"

    def client(self) -> httpx.Client:
        """A client that was let in and brings the CSRF token, to post by hand what the page would not."""
        client = httpx.Client(base_url=self.base, follow_redirects=True, timeout=60)
        client.get(self.opening).raise_for_status()
        (session,) = [one for one in [self.sessions.find(client.cookies.get("imgguard"))] if one]
        session.operator = session.operator or "D. Clerk"
        client.headers[CSRF_HEADER] = session.csrf
        return client


@contextlib.contextmanager
def serving(school: Path, folder: Path, *, workers: int = 1, pool: Pool | None = None) -> Iterator[Served]:
    """Serve the page on a free port until the block ends; pictures that are not released lie in `folder`."""
    area, sessions, own = Area(folder / "area"), Sessions(), pool or Pool(workers)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        desk = Desk(school, area, own, passphrase=lambda: PASSPHRASE, on=TODAY)
        app = build_app(desk, sessions, frozenset({host}))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Served(sessions, f"http://{host}", desk, folder)
        finally:
            server.should_exit = True
            # Streams of events would wait for ever.
            server.force_exit = True
            thread.join(10)
            if pool is None:
                own.stop()


@contextlib.contextmanager
def looking(browser: Browser, served: Served, **options: object) -> Iterator[Page]:
    """A new browser window that was let in; a request to anywhere else, or an error of a script, fails the test."""
    context: BrowserContext = browser.new_context(**options)  # type: ignore[arg-type]
    elsewhere, errors = list[str](), list[str]()
    page = context.new_page()
    context.on("request", lambda request: elsewhere.append(request.url) if _is_elsewhere(request.url, served) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if "Content Security Policy" in told.text else None)
    try:
        page.goto(served.opening)
        yield page
    finally:
        context.close()
    assert not elsewhere
    assert not errors


def _is_elsewhere(url: str, served: Served) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in {"blob", "data"} and f"{parts.scheme}://{parts.netloc}" != served.base
