"""The command in a process of its own, with what it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

COMMAND = [sys.executable, "-c", "from cli.main import main; main()"]
_PATIENCE_S = 120


def until(what: Callable[[], object], told: Callable[[], str] = str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + _PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


class Watching:
    """`imgguard watch` over a folder, with a log of JSON lines."""

    def __init__(self, home: Path, *options: object, heartbeat: float = 0.5) -> None:
        self.folder, self.out, self.school = home / "in", home / "out", home / "data" / "school.imgguard"
        self.folder.mkdir(exist_ok=True)
        self.log, self.errors, self.troubles = home / "log", home / "errors", home / "troubles"
        short = ["--every", "0.2", "--settle", "0.8", "--heartbeat", str(heartbeat), "--workers", "1"]
        places = [self.folder, "-o", self.out, "--school", self.school, "--troubles", self.troubles]
        self.arguments = [*COMMAND, "watch", *map(str, places), "--json-lines", *short, *map(str, options)]

    def __enter__(self) -> Self:
        with self.log.open("ab") as log, self.errors.open("ab") as errors:
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=errors, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [one for one in told if not kinds or one["event"] in kinds]

    def until(self, what: Callable[[], object]) -> None:
        until(lambda: what() or self.process.poll() is not None, lambda: self.log.read_text())
        assert what(), self.log.read_text() + self.errors.read_text()

    def published(self) -> list[str]:
        found = [path for path in self.out.rglob("*") if path.is_file() and not path.name.startswith(".imgguard-")]
        return sorted(path.relative_to(self.out).as_posix() for path in found)

    def looks(self, count: int = 3) -> None:
        """Wait until so many more signs of life were given."""
        before = len(self.events("alive"))
        self.until(lambda: len(self.events("alive")) >= before + count)
