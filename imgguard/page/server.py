"""Start the page on this computer, and leave nothing behind when it ends."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from consent.vault import Passphrase
from imgguard.errors import SetupError
from imgguard.page.app import build_app
from imgguard.page.area import fresh_area
from imgguard.page.desk import Desk
from imgguard.page.pool import Pool
from imgguard.page.sessions import LOCK_AFTER, Sessions
from imgguard.page.wire import MOST_HEADER, Patient

_LEAVE_SECONDS = 2
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Serving:
    """Where and how the page is served.

    Attributes:
        school: The school file.
        host: The address to listen on; anything but this computer's own needs a certificate.
        port: 0 for a free one.
        workers: Processes; None for one a core.
        passphrase: Gives what opens the templates; None where nobody can be asked.
        on: The day; None for today.
        language: Of the page; None for what the browser prefers.
        lock_after: Seconds without anybody until the page is locked or the session ends.
        certificate: The certificate and its key, PEM; None for no TLS.
        areas: Where unreleased pictures lie, encrypted; None for the user's cache folder.
    """

    school: Path
    host: str = "127.0.0.1"
    port: int = 0
    workers: int | None = None
    passphrase: Passphrase | None = None
    on: date | None = None
    language: str | None = None
    lock_after: float = LOCK_AFTER
    certificate: tuple[Path, Path] | None = None
    areas: Path | None = None

    @property
    def scheme(self) -> str:
        """The scheme of its addresses."""
        return "http" if self.certificate is None else "https"


def is_this_computer(host: str) -> bool:
    """Tell whether only this computer can reach an address.

    >>> is_this_computer("127.0.0.1"), is_this_computer("::1"), is_this_computer("0.0.0.0"), is_this_computer("pc7")
    (True, True, False, False)
    """
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def serve(serving: Serving, opened: Callable[[str], None], again: Callable[[str], None] | None = None) -> None:
    """Serve the page until Ctrl-C.

    Args:
        serving: Where and how.
        opened: Called with the opening address once the page can be reached.
        again: Called with a new opening address each time that a session has ended.

    Raises:
        SetupError: if it cannot be served there, to others without a certificate above all.
    """
    _check(serving)
    _check_certificate(serving)
    with contextlib.ExitStack() as left:
        listening = left.enter_context(_listening(serving.host, serving.port))
        area = fresh_area(serving.areas)
        left.callback(area.close)
        pool = Pool(serving.workers)
        left.callback(pool.stop)
        port = listening.getsockname()[1]
        sessions = Sessions(cookie=_cookie(serving, port), lock_after=serving.lock_after, language=serving.language)
        left.callback(sessions.end_all)
        desk = Desk(serving.school, area, pool, passphrase=serving.passphrase, on=serving.on)
        names = {serving.host, "localhost"} if is_this_computer(serving.host) else {serving.host}
        app = build_app(desk, sessions, _hosts(names, port, serving.scheme))
        certificate, key = serving.certificate or (None, None)
        config = uvicorn_config(app, ssl_certfile=certificate, ssl_keyfile=key)
        pool.warm()

        def address() -> str:
            return f"{serving.scheme}://{_bracketed(serving.host)}:{port}/open?token={sessions.token}"

        with _told_of_ends(sessions, lambda: again(address()) if again is not None else None):
            opened(address())
            with contextlib.suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listening])


def _check(serving: Serving) -> None:
    if is_this_computer(serving.host):
        return
    if serving.certificate is None:
        raise SetupError(
            f"{serving.host}: others on the network could read what is shown", "Give a certificate and its key."
        )
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(serving.host).is_unspecified:
            raise SetupError(
                f"{serving.host}: is every address of this computer", "Name the one that browsers will use."
            )


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(f"Port {port} is in use", "Leave --port out, or name another one.") from error
        raise SetupError(
            f"{host}: cannot be listened on, port {port} ({os.strerror(error.errno or 0)})",
            "Leave --host and --port out, or name others.",
        ) from error
    with listening:
        yield listening


def uvicorn_config(app: ASGIApp, **own: Any) -> uvicorn.Config:
    """Give uvicorn's settings: plain HTTP/1.1, nothing of a proxy believed, nobody waited for long."""
    told: dict[str, Any] = {
        "http": Patient, "ws": "none", "log_level": "warning", "access_log": False, "server_header": False,
        "proxy_headers": False, "h11_max_incomplete_event_size": MOST_HEADER, "lifespan": "on",
        "timeout_graceful_shutdown": _LEAVE_SECONDS,
    }  # fmt: skip
    return uvicorn.Config(app, **{**told, **own})


def _check_certificate(serving: Serving) -> None:
    certificate, key = serving.certificate or (None, None)
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"{certificate}: this certificate and its key cannot be used ({type(error).__name__})",
                "Give a certificate and the key that belongs to it, both as PEM.",
            ) from error


def _cookie(serving: Serving, port: int) -> str:
    """Name the cookie by the port; a browser takes the prefix as: from here alone, and encrypted."""
    return f"imgguard-{port}" if serving.certificate is None else f"__Host-imgguard-{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _hosts(names: set[str], port: int, scheme: str) -> frozenset[str]:
    """The values of the Host header that a browser sends for these names."""
    named = {_bracketed(name) for name in names}
    bare = named if _PORTS[scheme] == port else set()
    return frozenset(bare | {f"{name}:{port}" for name in named})


@contextlib.contextmanager
def _told_of_ends(sessions: Sessions, tell: Callable[[], None]) -> Iterator[None]:
    """Tell of every session that ends while the page goes on, and not of those that end with it."""
    told = [tell]
    sessions.on_end.append(lambda _: told[0]())
    yield
    told[0] = lambda: None
