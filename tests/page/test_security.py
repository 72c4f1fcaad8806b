from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from imgguard.page import limits, wire
from imgguard.page.limits import MOST_BODY, Limits
from imgguard.page.security import HEADERS
from imgguard.page.sessions import CSRF_HEADER, Sessions, usable_name
from tests.page.served import Served

EVIL = "http://evil.example"
HTML = {"accept": "text/html"}
OPEN_TO_ALL = {"/open", "/static"}
# What may be asked for before there is a name, and what while the page is locked.
NAMELESS = {"/who", "/end", "/settings", "/alive", "/active"}
LOCKED = {"/unlock", "/end", "/settings"}


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    client = served.client()
    yield client
    client.close()


def routes(served: Served) -> list[tuple[str, str]]:
    """Every route of the page: (method, path), with something in the place of its parameters."""
    found = [
        (method, re.sub(r"\{[^}]*\}", "1", route.path))
        for route in served.app.routes
        if isinstance(route, Route)
        for method in sorted(route.methods or ())
        if route.path not in OPEN_TO_ALL
    ]
    assert {("GET", "/"), ("POST", "/lock"), ("GET", "/folder")} <= set(found)
    return found


def asked(served: Served, request: bytes, *, seconds: float = 20) -> bytes:
    """Send bytes as they are, and give everything that comes back."""
    parts = urlsplit(served.base)
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except TimeoutError:
            answer += b"(still open)"
        except ConnectionError:
            answer += b"(cut off)"
        return answer


def plain(served: Served, target: str, *headers: str, host: str | None = None, method: str = "GET") -> bytes:
    host = host or urlsplit(served.base).netloc
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    return asked(served, "\r\n".join(lines).encode("latin-1"))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def cookie(client: httpx.Client) -> str:
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def test_no_route_answers_without_the_cookie_or_with_a_made_up_one(served: Served) -> None:
    with httpx.Client(base_url=served.base) as stranger:
        for method, path in routes(served):
            for told in ("", f"{served.sessions.cookie}={'a' * 43}", f"{served.sessions.cookie}=", "imgguard"):
                assert stranger.request(method, path, headers={"cookie": told}).status_code == 401, (method, path)


def test_no_route_changes_anything_without_the_csrf_token(served: Served, client: httpx.Client) -> None:
    for method, path in routes(served):
        if method == "POST":
            for token in ("", "a" * 43, served.session(client.cookies[served.sessions.cookie]).csrf[:-1], "é"):
                answer = client.post(path, headers={CSRF_HEADER: token.encode()})
                assert answer.status_code == 403, path
    assert client.get("/alive").status_code == 204


@pytest.mark.parametrize(
    "headers",
    [{"origin": EVIL}, {"origin": "null"}, {"origin": ""}, {"origin": "http://127.0.0.1:1"}, {"origin": "HTTPS"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"}],
    ids=str,
)  # fmt: skip
def test_no_route_obeys_another_site_even_with_cookie_and_token(
    served: Served, client: httpx.Client, headers: dict[str, str]
) -> None:
    for method, path in routes(served):
        if method == "POST":
            assert client.post(path, headers=headers).status_code == 403, path
    assert client.post("/active", headers={"origin": served.base, "sec-fetch-site": "same-origin"}).status_code == 204


def test_another_site_can_neither_embed_nor_load_anything(served: Served, client: httpx.Client) -> None:
    for path in ("/", "/static/base.js", "/alive"):
        for site in ("cross-site", "same-site"):
            loaded = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
            framed = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
            assert client.get(path, headers=loaded).status_code == 403
            assert client.get(path, headers=framed).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "0:{port}",
     "127.0.0.1:{port}.evil.example", "127.0.0.1:{port}@evil.example"],
)  # fmt: skip
def test_a_name_that_was_made_to_point_here_is_refused_everywhere(
    served: Served, client: httpx.Client, host: str
) -> None:
    host = host.format(port=urlsplit(served.base).port)
    for method, path in [*routes(served), ("GET", "/static/base.css"), ("GET", "/nothing")]:
        assert client.request(method, path, headers={"host": host}).status_code == 421, (method, path)
    token = served.sessions.token
    assert client.get(f"/open?token={token}", headers={"host": host}).status_code == 421
    assert served.sessions.token == token


def test_other_ways_to_name_a_host_are_refused(served: Served, client: httpx.Client) -> None:
    host = urlsplit(served.base).netloc
    told = ["Connection: close", cookie(client), "", ""]
    assert status(plain(served, f"{EVIL}/alive", cookie(client))) in {400, 404}
    assert status(plain(served, f"{EVIL}/static/base.css")) in {400, 404}
    for lines in (
        ["GET /alive HTTP/1.1", f"Host: {host}", "Host: evil.example", *told],
        ["GET /alive HTTP/1.1", "Host: evil.example", f"X-Forwarded-Host: {host}", *told],
        ["GET /alive HTTP/1.1", *told],
        ["GET /alive HTTP/1.0", *told],
    ):
        assert status(asked(served, "\r\n".join(lines).encode())) in {400, 421}


def test_the_opening_address_is_good_once(served: Served) -> None:
    opening = served.opening
    assert httpx.head(opening).status_code == 401
    assert httpx.get(opening, headers={"sec-purpose": "prefetch"}).status_code == 401
    assert httpx.get(f"{served.base}/open?token=").status_code == 401
    first = httpx.get(opening)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    again = httpx.get(opening, headers=HTML)
    assert again.status_code == 401 and "cannot be used any more" in again.text
    assert "set-cookie" not in again.headers


def test_the_cookie_is_of_no_use_to_scripts_and_other_sites(served: Served) -> None:
    told = httpx.get(served.opening).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in told.split(";")}
    assert "domain" not in told and "max-age" not in told and "expires" not in told


def test_every_answer_forbids_what_the_page_does_not_need(served: Served, client: httpx.Client) -> None:
    served.app.router.routes.append(Route("/crash", _crash))
    stranger = httpx.Client(base_url=served.base)
    answers = [
        client.get("/"), client.get("/alive"), client.get("/nothing"), client.get("/crash"), client.put("/"),
        client.post("/lock", headers={CSRF_HEADER: ""}), stranger.get("/"), stranger.get("/", headers={"host": "e"}),
        client.get("/static/base.js"), client.get("/static/nothing.js"), stranger.get(served.opening),
    ]  # fmt: skip
    for answer in answers:
        static = answer.request.url.path.startswith("/static/")
        wanted = {**HEADERS, "Cache-Control": "no-cache"} if static and answer.status_code != 421 else HEADERS
        assert {name: answer.headers.get(name) for name in wanted} == wanted, answer.request.url
        assert "server" not in answer.headers
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy and "default-src 'none'" in policy


TRICKS = [
    "..",
    "%2e%2e",
    "%2E%2E",
    ".%2e",
    "..%2f..",
    "..%5c..",
    "..\\..",
    "%252e%252e",
    "%c0%ae%c0%ae",
    "....//",
    "%00",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_path_leads_out_of_what_is_served(served: Served, client: httpx.Client, trick: str) -> None:
    for start in ("/static/", "/static", "/", "/folder/", "/roster/"):
        for rest in ("/app.py", "/../security.py", "/etc/passwd", "/%2fetc/passwd", ""):
            answer = plain(served, f"{start}{trick}{rest}", cookie(client))
            assert status(answer) in {400, 404}, (start, trick, rest)
            assert b"import" not in answer and b"root:" not in answer
    assert status(plain(served, "/static/base.css")) == 200


def test_unknown_paths_and_methods_get_plain_answers_that_repeat_nothing(served: Served, client: httpx.Client) -> None:
    marked = "/zebra<script>alert(1)</script>"
    for method in ("GET", "POST", "TRACE", "OPTIONS", "PUT", "DELETE", "CONNECT", "PROPFIND", "ZEBRA"):
        sent = [cookie(client), "X-Zebra: zebra", f"X-CSRF-Token: {client.headers[CSRF_HEADER]}", "Accept: text/html"]
        for target in (marked.replace("<", "%3C").replace(">", "%3E"), "/"):
            answer = plain(served, target, *sent, method=method)
            assert b"zebra" not in answer.lower(), (method, target)
            # A connection may be refused before the page is reached at all.
            assert status(answer) in ({200, 404} if method == "GET" else {400, 404, 405}), (method, target)
            assert b"access-control" not in answer.lower() and b"Traceback" not in answer
    assert client.head("/").status_code == 200 and not client.head("/").content


def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_itself(served: Served, client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(MOST_BODY // 65536 + 2):
            yield bytes(65536)

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/settings", content=bytes(MOST_BODY + 1), headers=form).status_code == 413
    assert client.post("/settings", content=pieces(), headers=form).status_code == 413
    small = client.post("/settings", content=b"language=en", headers=form)
    assert small.status_code == 200
    told = [cookie(client), f"{CSRF_HEADER}: {client.headers[CSRF_HEADER]}", "Content-Length: 99999999999999999999999"]
    assert status(plain(served, "/settings", *told, method="POST")) in {400, 413}
    assert client.get("/alive").status_code == 204


def test_a_stranger_can_send_nothing_large(served: Served) -> None:
    assert httpx.post(f"{served.base}/settings", content=bytes(3 * MOST_BODY)).status_code == 401


def test_only_the_routes_that_say_so_take_more_and_nothing_of_it_reaches_the_disk(served: Served) -> None:
    async def take(request: Request) -> Response:
        form = await request.form()
        file = form["file"]
        assert not isinstance(file, str)
        return JSONResponse({"size": file.size, "on_disk": bool(getattr(file.file, "_rolled", True))})

    async def post(path: str, size: int) -> httpx.Response:
        uploads = {"/photo/{number}": 3 * MOST_BODY}
        paths = [Route(start + "/{number}", take, methods=["POST"]) for start in ("/photo", "/other")]
        app = Starlette(routes=paths, middleware=[Middleware(Limits, uploads=uploads)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.post(path, files={"file": ("a.jpg", bytes(size))})

    def posted(path: str, size: int) -> httpx.Response:
        # In a thread of its own: the browser of other tests has an event loop in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, post(path, size)).result()

    assert posted("/photo/1", 2 * MOST_BODY).json() == {"size": 2 * MOST_BODY, "on_disk": False}
    assert posted("/photo/1", 3 * MOST_BODY).status_code == 413
    assert posted("/other/1", 2 * MOST_BODY).status_code == 413


def test_somebody_who_sends_slowly_is_not_waited_for(
    served: Served, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHUNK_SECONDS", 0.3)
    monkeypatch.setattr(wire.Patient, "seconds", 0.3)
    told = [cookie(client), f"{CSRF_HEADER}: {client.headers[CSRF_HEADER]}", "Content-Length: 100"]
    form = "Content-Type: application/x-www-form-urlencoded"
    began = time.monotonic()
    assert status(plain(served, "/settings", *told, form, method="POST")) == 408
    host = f"Host: {urlsplit(served.base).netloc}".encode()
    assert asked(served, b"GET / HTTP/1.1\r\nX-Slow: a") == b""
    assert asked(served, b"") == b""
    kept_alive = b"GET /alive HTTP/1.1\r\n" + host + b"\r\n\r\nGET /alive HTTP/1.1\r\nX-"
    assert b"(still open)" not in asked(served, kept_alive)
    assert time.monotonic() - began < 10


def test_answers_do_not_wait_to_be_put_together_by_the_system(served: Served, client: httpx.Client) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        assert all(client.get("/static/mark.svg").status_code == 200 for _ in range(2))
        return time.perf_counter() - began

    # Both wait 40 ms each time where the system holds content back until the headers are acknowledged.
    assert min(seconds() for _ in range(20)) < 0.06


def test_headers_without_end_are_refused(served: Served) -> None:
    answer = plain(served, "/alive", "X-Long: " + "a" * 2_000_000)
    assert answer == b"(cut off)" or status(answer) in {400, 431}


def _crash(request: Request) -> Response:
    raise RuntimeError("Jane Doe in /home/clerk/photos/Jane Doe.jpg")


def test_a_bug_is_told_without_names_files_or_code(
    served: Served, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    served.app.router.routes.append(Route("/crash", _crash, methods=["GET", "POST"]))
    page, script = client.get("/crash", headers=HTML), client.post("/crash")
    assert (page.status_code, script.status_code) == (500, 500)
    assert "a bug in imgguard" in page.text and page.headers["content-type"].startswith("text/html")
    assert "a bug in imgguard" in script.json()["error"]["remedy"]
    logged = [told for told in caplog.messages if "a bug in imgguard" in told]
    assert len(logged) == 2 and "RuntimeError: test_security.py:" in logged[0]
    for told in (page.text, script.text, *caplog.messages):
        assert not any(word in told for word in ("Jane", "clerk/", "Traceback"))


def test_before_there_is_a_name_nothing_is_shown_or_done(served: Served, client: httpx.Client) -> None:
    served.session(client.cookies[served.sessions.cookie]).operator = ""
    for method, path in routes(served):
        if path not in NAMELESS:
            assert client.request(method, path).status_code == 403, (method, path)
    for path in ("/", "/roster", "/nothing"):
        assert "Who is working?" in client.get(path, headers=HTML).text


def test_a_name_is_taken_as_one_line_of_text_and_kept(served: Served, client: httpx.Client) -> None:
    session = served.session(client.cookies[served.sessions.cookie])
    session.operator = ""
    for refused in ({"name": " \u200b\x00 "}, {"name": "D", "pin": "123"}, {"name": "D", "pin": "1" * 33}):
        assert client.post("/who", data=refused).status_code == 409
    assert client.post("/who", data={"name": "Dana\r\nClerk\u202e", "pin": "1234"}).json() == {"go": "/"}
    assert session.operator == "Dana Clerk"
    client.post("/who", data={"name": "Somebody Else", "pin": "9999"})
    assert session.operator == "Dana Clerk" and session.unlock("1234")
    assert len(usable_name("x" * 500)) == 80


def test_a_locked_page_serves_nothing_until_the_pin_is_given(served: Served, client: httpx.Client) -> None:
    session = served.session(client.cookies[served.sessions.cookie])
    session.set_pin("1234")
    client.post("/lock")
    for method, path in routes(served):
        if path not in LOCKED:
            answer = client.request(method, path)
            assert (answer.status_code, "Clerk" in answer.text) == (423, False), (method, path)
    assert "Clerk" not in client.get("/", headers=HTML).text
    assert client.post("/unlock", data={"pin": "4321"}).status_code == 409
    assert client.get("/alive").status_code == 423
    assert client.post("/unlock", data={"pin": "1234"}).status_code == 200
    assert client.get("/alive").status_code == 204


def test_five_wrong_pins_end_the_session_even_all_at_once(served: Served, client: httpx.Client) -> None:
    dropped = list[object]()
    served.app.state.on_close.append(dropped.append)
    session = served.session(client.cookies[served.sessions.cookie])
    session.set_pin("1234")
    client.post("/lock")
    tries = [threading.Thread(target=client.post, args=["/unlock"], kwargs={"data": {"pin": "0"}}) for _ in range(8)]
    for one in tries:
        one.start()
    for one in tries:
        one.join()
    assert client.post("/unlock", data={"pin": "1234"}).status_code == 401
    assert session.ended and dropped == [session]


def test_without_a_pin_a_session_that_is_left_alone_ends_and_its_pictures_are_dropped(
    served: Served, client: httpx.Client
) -> None:
    dropped = list[object]()
    served.app.state.on_close += [_fail, dropped.append]
    session, token = served.session(client.cookies[served.sessions.cookie]), served.sessions.token
    served.sessions.lock_after = 0.2
    # Nobody asks for anything, and it ends all the same.
    until = time.monotonic() + 10
    while not dropped and time.monotonic() < until:
        time.sleep(0.05)
    assert dropped == [session]
    assert client.get("/alive").status_code == 401
    assert served.sessions.token == token


def _fail(session: object) -> None:
    raise RuntimeError("a hook with a bug")


def test_scripts_that_ask_by_themselves_do_not_keep_a_session_open() -> None:
    sessions = Sessions(lock_after=100)
    session = sessions.find(sessions.open(sessions.token))
    assert session is not None
    session._seen = session._seen[0] - 50, session._seen[1] - 50
    assert 50 <= session.idle < 60
    # A clock that stands still while the computer sleeps is not enough, nor one that can be set back.
    session._seen = session._seen[0] + 50, session._seen[1] - 1000
    assert session.idle > 1000
    sessions.sweep()
    assert session.ended


def test_asking_whether_the_page_is_alive_is_not_somebody(served: Served, client: httpx.Client) -> None:
    session = served.session(client.cookies[served.sessions.cookie])
    script = {"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
    for method, path, headers, counts in (
        ("GET", "/alive", script, False), ("POST", "/active", script, True), ("POST", "/settings", script, False),
        ("GET", "/nothing", script, False), ("GET", "/", {"sec-fetch-mode": "navigate"}, True),
    ):  # fmt: skip
        session._seen = session._seen[0] - 50, session._seen[1] - 50
        client.request(method, path, headers=headers)
        assert (session.idle < 40) is counts, path
        session.touch()


def test_a_stream_that_is_being_sent_stops_when_the_page_is_locked(served: Served, client: httpx.Client) -> None:
    async def names(request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            while True:
                yield 'data: "Ada Park"\n\n'
                await asyncio.sleep(0.05)

        return StreamingResponse(events(), media_type="text/event-stream")

    served.app.router.routes.append(Route("/names", names))
    session = served.session(client.cookies[served.sessions.cookie])
    session.set_pin("1234")
    with client.stream("GET", "/names") as stream:
        lines = stream.iter_lines()
        assert "Ada" in next(lines)
        session.locked = True
        left = sum("Ada" in line for line in lines)
    assert left < 10


def test_a_slow_answer_is_not_given_any_more_when_the_page_was_locked_meanwhile(
    served: Served, client: httpx.Client
) -> None:
    async def slow(request: Request) -> Response:
        request.state.session.locked = True
        return PlainTextResponse("Ada Park")

    served.app.router.routes.append(Route("/slow", slow))
    answer = client.get("/slow")
    assert answer.status_code == 423 and "Ada" not in answer.text


def test_a_form_cannot_choose_a_language_or_light_that_there_is_not(served: Served, client: httpx.Client) -> None:
    client.post("/settings", data={"language": "../../etc", "theme": '"><script>'})
    answer = client.get("/", headers=HTML)
    assert answer.status_code == 200 and "<script>" not in answer.text and 'data-theme="dark"' in answer.text


def test_what_is_uploaded_gets_no_say_in_where_anything_is_kept(served: Served, tmp_path: Path) -> None:
    served.desk.area.put("../../../outside.jpg", b"x")
    assert not list(tmp_path.parent.glob("outside*"))
