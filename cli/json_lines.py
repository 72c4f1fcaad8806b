"""A run as JSON lines for scripts and logs: numbers, digests and reasons; no name of a file or a person."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from cli.counting import faces_of
from cli.progress import Shown
from consent.errors import kind_of

if TYPE_CHECKING:
    from imgguard.guard import Guard
    from imgguard.types import PhotoResult

FORMAT = 1
_EVERY_S = 1.0


class Lines:
    """Writes objects, one a line, each at once and whole.

    Whoever reads them may go away: then nothing more is written, and what is being done goes on.
    """

    def __init__(self) -> None:
        """Write to the standard output."""
        # Always with a buffer, in which a line stays whole while a write waits and is interrupted.
        self._stream = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115 (closed with the process)
        self._gone = False

    def write(self, event: str, told: dict[str, Any]) -> None:
        """Write one object; an interruption leaves it in the buffer, for the next one to push out."""
        line = json.dumps({"event": event, "at": utc_now(), **told}, separators=(",", ":"))
        if not self._gone:
            self._push(line.encode() + b"\n")

    def _push(self, line: bytes) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError:
            self._gone = True
            # What is left in the buffer would fail once more when the process ends.
            handle = os.open(os.devnull, os.O_WRONLY)
            os.dup2(handle, self._stream.fileno())
            os.close(handle)
            click.echo("Nobody reads the JSON lines any more; the photos are cleaned all the same.", err=True)


def utc_now() -> str:
    """Give the time in UTC, to the second.

    >>> utc_now().endswith("Z")
    True
    """
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def photo_facts(result: PhotoResult) -> dict[str, Any]:
    """Give what may be told of a photo anywhere."""
    return {
        "source_sha256": result.sha256,
        "output_sha256": result.output_sha256,
        "status": result.status.value,
        "refusal": result.refusal.kind if result.refusal else None,
        "faces": faces_of(result),
    }


class JsonLines(Shown):
    """Tells a run as JSON lines."""

    def __init__(self) -> None:
        """Silence what is meant for people; errors still go to the standard error."""
        super().__init__(Console(quiet=True), Console(stderr=True, quiet=True))
        self._lines = Lines()
        self._begun_at = time.monotonic()
        self._last = 0.0
        self._told_of = 0

    def _begun(self, guard: Guard, dry_run: bool) -> None:
        from imgguard import __version__

        rules = guard.rules
        told = {
            "format": FORMAT,
            "imgguard": __version__,
            "photos": self.planned,
            "dry_run": dry_run,
            "recognition": rules.gallery is not None,
            "purpose": rules.purpose.value if rules.purpose else None,
            "policy": rules.policy.name,
            "findings": len(guard.findings),
        }
        self._lines.write("begin", told)

    def _told(self, result: PhotoResult) -> None:
        self._catch_up()

    def _changed(self) -> None:
        if time.monotonic() - self._last < _EVERY_S:
            return
        self._last = time.monotonic()
        looks = {"looked_at": self.looked, "to_look_at": self.to_look}
        self._lines.write("progress", {"phase": self.phase, **looks, **self._so_far(), **self._pace()})

    def _ended(self, error: BaseException | None) -> None:
        self._catch_up()
        stopped = isinstance(error, KeyboardInterrupt | click.Abort)
        reason = "interrupted" if stopped else "failed" if error is not None else "finished"
        told = {"reason": reason, "error": kind_of(error) if reason == "failed" and error is not None else None}
        self._lines.write("end", {**told, **self._so_far()})

    def _catch_up(self) -> None:
        """Tell of every photo once, also of those that an interruption kept from being told."""
        while self._told_of < len(self.results):
            number = self._told_of + 1
            told = photo_facts(self.results[self._told_of])
            self._told_of = number
            self._lines.write("photo", {"number": number, **told})

    def _so_far(self) -> dict[str, Any]:
        seconds = round(time.monotonic() - self._begun_at, 1)
        return {"photos": self.planned, "done": self.counts.photos, **self.counts.as_numbers(), "seconds": seconds}

    def _pace(self) -> dict[str, float | None]:
        rate, left = self.rate, self.seconds_left
        return {
            "photos_per_second": None if rate is None else round(rate, 2),
            "seconds_left": None if left is None else round(left),
        }
