"""What is saved of one photo is what was last said of it, whatever happens at the same time."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from imgguard import BoundingBox
from tests.page.folders import until
from tests.page.one import EVENTS, difference
from tests.page.served import Served

ONE = EVENTS / "event_09_one.jpg"


def _brought(client: httpx.Client, where: str = "everybody") -> dict[str, Any]:
    choice = client.post("/one/choice", json={"where": where}).json()["choice"]
    told: dict[str, Any] = client.post(f"/one/photos?choice={choice}&name=photo.jpg", content=ONE.read_bytes()).json()
    return told


def test_a_check_that_ends_while_something_is_said_is_not_one_of_what_was_said(served: Served) -> None:
    client, area = served.client(), served.desk.area
    reached, goes, put = threading.Event(), threading.Event(), area.put

    def late(name: str, content: bytes) -> None:
        if name.endswith("/cleaned") and not reached.is_set():
            reached.set()
            goes.wait(20)
        put(name, content)

    area.put = late  # type: ignore[method-assign]
    photo = f"/one/photos/{_brought(client)['id']}"
    assert reached.wait(30)
    mark = {"kind": "cover", "box": [10, 10, 110, 110]}
    saying = threading.Thread(target=lambda: client.post(f"{photo}/say", json=mark))
    saying.start()
    saying.join(3)
    goes.set()
    saying.join()
    told = until(lambda: (one := client.get(photo).json())["state"] == "ready" and one)
    assert told["version"] == 2
    assert client.post(f"{photo}/save").status_code == 200
    assert difference(client.get(f"{photo}/file").content, ONE.read_bytes(), BoundingBox(10, 10, 110, 110)) > 3


def test_a_window_saves_only_what_it_shows(served: Served) -> None:
    client = served.client()
    photo = f"/one/photos/{_brought(client)['id']}"
    shown = client.post(f"{photo}/say", json={"kind": "cover", "box": [10, 10, 110, 110]}).json()["version"]
    now = client.post(f"{photo}/undo").json()["version"]
    until(lambda: client.get(photo).json()["state"] == "ready")
    assert client.post(f"{photo}/save", json={"version": shown}).status_code == 409
    assert client.post(f"{photo}/save", json={"version": now}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"kind": "cover", "box": [1, 1, 1' + "0" * 400 + ", 9]}", 400),
        ('{"kind": ["cover"], "box": [1, 1, 5, 5]}', 400),
        ('{"kind": "cover", "box": [9, 9, 1, 1]}', 409),
        ('{"kind": "cover", "box": [NaN, 1, 9, 9]}', 400),
        ("[" * 100_000, 400),
    ],
)
def test_what_is_no_mark_is_refused(served: Served, body: str, status: int) -> None:
    client = served.client()
    assert client.post(f"/one/photos/{_brought(client)['id']}/say", content=body).status_code == status
