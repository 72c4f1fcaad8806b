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
from starlette.applications import Starlette

from imgguard.page.app import build_app
from imgguard.page.area import Area
from imgguard.page.desk import Desk
from imgguard.page.pool import Pool
from imgguard.page.server import uvicorn_config
from imgguard.page.sessions import CSRF_HEADER, Session, Sessions
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


OPERATOR = "D. Clerk"


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
    app: Starlette

    @property
    def opening(self) -> str:
        return f"{self.base}/open?token={self.sessions.token}"

    def client(self) -> httpx.Client:
        """A client that was let in and brings the CSRF token, to post by hand what the page would not."""
        client = httpx.Client(base_url=self.base, timeout=60)
        assert client.get(self.opening).status_code == 303
        client.follow_redirects = True
        session = self.session(client.cookies.get(self.sessions.cookie))
        session.operator = OPERATOR
        client.headers[CSRF_HEADER] = session.csrf
        return client

    def session(self, cookie: str | None) -> Session:
        """The session of a cookie."""
        found = self.sessions.find(cookie)
        assert found is not None
        return found

    def session_of(self, page: Page) -> Session:
        """The session of a browser window."""
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
        return self.session(cookies.get(self.sessions.cookie))


@contextlib.contextmanager
def serving(
    school: Path, folder: Path, *, workers: int = 1, pool: Pool | None = None, sessions: Sessions | None = None
) -> Iterator[Served]:
    """Serve the page on a free port until the block ends; pictures that are not released lie in `folder`."""
    area, sessions, own = Area(folder / "area"), sessions or Sessions(), pool or Pool(workers)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        desk = Desk(school, area, own, passphrase=lambda: PASSPHRASE, on=TODAY)
        app = build_app(desk, sessions, frozenset({host}))
        # Streams of events would be waited for otherwise.
        server = uvicorn.Server(uvicorn_config(app, log_level="critical", timeout_graceful_shutdown=0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Served(sessions, f"http://{host}", desk, folder, app)
        finally:
            server.should_exit = True
            thread.join(10)
            if pool is None:
                own.stop()


@contextlib.contextmanager
def looking(
    browser: Browser, served: Served, *, operator: str = OPERATOR, start: str = "/", **options: object
) -> Iterator[Page]:
    """A new browser window that was let in; a request to anywhere else, or an error of a script, fails the test.

    Its operator has given a name; with an empty one the page asks for it.
    """
    context: BrowserContext = browser.new_context(**options)  # type: ignore[arg-type]
    elsewhere, errors = list[str](), list[str]()
    page = context.new_page()
    context.on("request", lambda request: elsewhere.append(request.url) if _is_elsewhere(request.url, served) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if "Content Security Policy" in told.text else None)
    try:
        page.goto(served.opening)
        if operator:
            served.session_of(page).operator = operator
            page.goto(served.base + start)
        yield page
    finally:
        context.close()
    assert not elsewhere
    assert not errors


def _is_elsewhere(url: str, served: Served) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in {"blob", "data"} and f"{parts.scheme}://{parts.netloc}" != served.base
