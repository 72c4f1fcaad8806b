"""A Dask cluster and an S3 store of separate processes, as a school would start them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from imgguard.cluster.security import Tls
from tests.conftest import ROOT

PRELOAD = ROOT / "tests" / "cluster" / "recording.py"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def make_certificates(folder: Path, *names: str) -> Tls:
    """Make an authority for one cluster, and one certificate that all of its processes use."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    issued = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


@dataclass
class Machines:
    """Processes of one cluster, and what they write to their logs."""

    folder: Path
    tls: Tls | None
    host: str = "127.0.0.1"
    env: dict[str, str] = field(default_factory=dict)
    scheduler_prefix: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.protocol}://{self.host}:{self.port}"

    @property
    def protocol(self) -> str:
        return "tls" if self.tls else "tcp"

    def start_scheduler(self) -> None:
        told = ["--port", str(self.port), "--no-show"]
        self._start("scheduler", ["scheduler", *told], self.host, self.scheduler_prefix)
        self._wait_for_log("scheduler", "Scheduler at:")

    def start_worker(self, name: str, *more: str, host: str | None = None, prefix: Sequence[str] = (),
                     **env: str) -> subprocess.Popen[bytes]:  # fmt: skip
        told = ["worker", self.address, "--name", name, "--nthreads", "1", *more]
        started = self._start(name, told, host or self.host, prefix, **env)
        self._wait_for_log(name, "Registered to:")
        return started

    def logs(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, told: Sequence[str], host: str, prefix: Sequence[str], **env: str) \
            -> subprocess.Popen[bytes]:  # fmt: skip
        files = []
        if self.tls:
            files = [
                "--tls-ca-file",
                str(self.tls.ca),
                "--tls-cert",
                str(self.tls.cert),
                "--tls-key",
                str(self.tls.key),
            ]
        command = [*prefix, sys.executable, "-m", "distributed.cli.dask_" + told[0], *told[1:]]
        command += ["--protocol", self.protocol, "--host", host, "--no-dashboard", "--preload", str(PRELOAD), *files]
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.env, **env},
                start_new_session=True,
            )
        self.processes.append(started)
        return started

    def _wait_for_log(self, name: str, text: str) -> None:
        wait_until(lambda: text in (self.folder / f"{name}.log").read_text(), f"{name} starts")


def wait_until(condition, what: str, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s in vain until {what}"
        time.sleep(0.1)


@contextlib.contextmanager
def cluster(folder: Path, tls: Tls | None, **options: object) -> Iterator[Machines]:
    folder.mkdir(parents=True, exist_ok=True)
    machines = Machines(folder, tls, **options)  # type: ignore[arg-type]
    try:
        machines.start_scheduler()
        yield machines
    finally:
        machines.stop()


@contextlib.contextmanager
def s3_store(folder: Path, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[str]:
    """An S3 endpoint of a process of its own; gives its address."""
    port = free_port()
    with (folder / "moto.log").open("wb") as log:
        told = [*prefix, sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
        process = subprocess.Popen(told, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    address = f"http://{host}:{port}"
    try:
        if not prefix:
            wait_until(lambda: answers(address), "the store answers")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False
