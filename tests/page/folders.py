"""Folders that are looked through, for tests: small ones of the sample event, posted as the page's scripts do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from consent import read_roster
from consent.model import Purpose
from consent.policy import Verdict, decide
from tests.conftest import SAMPLES, TODAY, TrueFace

WEBSITE = "for:school_website"
# One face, two faces, and five of which one is doubtful.
ONE, TWO, YARD = "event_09_one.jpg", "event_05_two.jpg", "event_03_yard.jpg"


def some_photos(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(SAMPLES / "event" / name, folder / name)
    return folder


def until(found: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait for something to be so, and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError("it did not come")


@dataclass
class Posted:
    """A folder that is looked through by hand: what the page's scripts do, without the page."""

    client: httpx.Client
    number: int

    @classmethod
    def begin(cls, client: httpx.Client, folder: Path, where: str = WEBSITE, **fields: str) -> Posted:
        answer = client.post("/folder/begin", data={"folder": str(folder), "where": where, **fields})
        assert answer.status_code == 200, answer.text
        return cls(client, int(answer.json()["go"].rsplit("/", 1)[1]))

    def get(self, what: str) -> Any:
        answer = self.client.get(f"/folder/{self.number}/{what}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, what: str, **body: object) -> httpx.Response:
        return self.client.post(f"/folder/{self.number}/{what}", json=body)

    def wall(self) -> dict[str, Any]:
        told: dict[str, Any] = self.get("photos?since=0")
        return told

    def photos(self) -> dict[str, dict[str, Any]]:
        return {one["place"]: one for one in self.wall()["photos"]}

    def through(self) -> dict[str, dict[str, Any]]:
        """Wait until everything is looked at, and what was marked is made anew."""

        def done() -> bool:
            told = self.wall()["progress"]
            assert not told["problem"], told
            return told["stage"] == "done" and not told["again"] and bool(self.get("release").get("ready"))

        until(done)
        return self.photos()

    def photo(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.get(f"photo/{self.photos()[name]['key']}")
        return told

    def say(self, name: str, kind: str, **more: object) -> httpx.Response:
        return self.post("say", things=[{"key": self.photos()[name]["key"], "kind": kind, **more}])

    def release(self, **choices: object) -> httpx.Response:
        return self.post("release", **choices)

    def released(self) -> dict[str, Any]:
        """Wait until a release is at its end."""

        def ended() -> Any:
            told = self.get("release").get("release")
            return told if told and (told["finished"] or told["problem"]) else None

        told: dict[str, Any] = until(ended)
        return told


def may_be_seen() -> frozenset[str]:
    """The people of the sample roster whose consent covers the school's website, recognised or named by somebody."""
    people = read_roster(SAMPLES / "roster.csv").subjects
    decisions = {
        number: decide(replace(one, biometric_ok=True), Purpose.SCHOOL_WEBSITE, TODAY) for number, one in people.items()
    }
    return frozenset(number for number, one in decisions.items() if one.verdict is Verdict.KEEP)


def differs(cleaned: Path, name: str, face: TrueFace) -> float:
    """How much a face of a published photo differs from the original's, in grey levels; below 3 it is visible."""
    box = tuple(round(value) for value in (face.box.x1, face.box.y1, face.box.x2, face.box.y2))
    one, other = (
        np.asarray(Image.open(path).convert("RGB").crop(box), np.float32)
        for path in (cleaned, SAMPLES / "event" / name)
    )
    return float(np.abs(one - other).mean())
