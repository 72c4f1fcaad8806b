from __future__ import annotations

import contextlib
import datetime
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.exits import EXIT_IMPOSSIBLE, EXIT_OK, EXIT_USAGE
from cli.main import run
from tests.conftest import ROOT
from tests.schools import PASSPHRASE, sample_school

MAIN = "from cli.main import main; main()"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


class Running:
    """`imgguard page` as a process of its own, with folders of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.areas = folder / "cache" / "imgguard" / "page"
        env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
        command = [sys.executable, "-c", MAIN, "page", "--no-browser", "--workers", "1", *options]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.opening = self.process.stdout.readline().split()[-1]

    def kept(self) -> set[str]:
        return {path.name.split("-")[1] for path in self.areas.glob("area-*")}

    def children(self) -> list[int]:
        told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in told.stdout.split()]


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    started = Running(folder, *options)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def gone(pids: list[int]) -> bool:
    """Whether processes have ended; waits a little for it."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        states = [subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True) for pid in pids]
        if all(not state.stdout.strip() or state.stdout.strip().startswith(b"Z") for state in states):
            return True
        time.sleep(0.1)
    return False


def test_a_killed_page_leaves_no_worker_and_the_next_start_deletes_what_it_kept(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        assert httpx.get(first.opening).status_code == 303
        workers = first.children()
        assert workers
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
        assert first.kept() == {str(first.process.pid)}
        assert gone(workers)
    with running(tmp_path) as second:
        assert second.kept() == {str(second.process.pid)}


def test_ctrl_c_ends_the_page_and_nothing_is_left_even_while_somebody_is_at_it(tmp_path: Path) -> None:
    with running(tmp_path, "--language", "fr") as page:
        client = httpx.Client(base_url=page.opening.split("/open")[0], follow_redirects=True)
        shown = client.get(page.opening, headers={"accept": "text/html", "accept-language": "en"})
        assert "Qui est au travail" in shown.text and "imgguard init" in shown.text
        workers = page.children()
        page.process.send_signal(signal.SIGINT)
        out, err = page.process.communicate(timeout=20)
        assert page.process.returncode == EXIT_OK
        assert not err and "Nobody is at the page" not in out
        assert not page.kept() and gone(workers)


def test_a_session_that_ends_gives_way_to_a_new_address(tmp_path: Path) -> None:
    with running(tmp_path, "--lock-after", "0.01") as page:
        assert page.process.stdout is not None
        assert httpx.get(page.opening).status_code == 303
        assert httpx.get(page.opening).status_code == 401
        lines = [page.process.stdout.readline() for _ in range(3)]
        again = lines[-1].split()[-1]
        assert "Nobody is at the page any more" in lines[-1] and again != page.opening
        assert httpx.get(again).status_code == 303


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    cert, file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, none))
    return cert, file


def test_with_a_certificate_the_cookie_goes_over_tls_alone(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    with running(tmp_path, "--host", "localhost", "--tls-cert", str(cert), "--tls-key", str(key)) as page:
        trusted = ssl.create_default_context(cafile=str(cert))
        answer = httpx.get(page.opening, verify=trusted)
        assert page.opening.startswith("https://localhost:")
        assert answer.headers["set-cookie"].startswith("__Host-imgguard-")
        assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "pc7.school.example", "::"])
def test_others_are_served_only_by_who_knows_and_with_a_certificate(
    host: str, capsys: pytest.CaptureFixture[str], certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    given = ["page", "--no-browser", "--host", host]
    for less in ([], ["--i-know"], ["--tls-cert", str(cert), "--tls-key", str(key)]):
        assert run([*given, *less]) == EXIT_USAGE
        assert "--i-know" in capsys.readouterr().err


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["page", "--no-browser", "--school", str(tmp_path / "no"), "--port", port]) == EXIT_IMPOSSIBLE
    assert f"Port {port} is in use" in capsys.readouterr().err


def test_a_certificate_that_is_none_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    given = ["--tls-cert", str(tmp_path / "no.pem"), "--tls-key", str(tmp_path / "no.pem")]
    assert run(["page", "--no-browser", "--school", str(tmp_path / "no"), *given]) == EXIT_IMPOSSIBLE
    assert "cannot be used" in capsys.readouterr().err


def test_a_wrong_passphrase_is_told_before_the_page_opens(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store, _ = sample_school(tmp_path / "school.imgguard", "020411", passphrase=PASSPHRASE)
    store.close()
    file = tmp_path / "passphrase"
    file.touch(0o600)
    file.write_text("not this one at all")
    school = ["page", "--no-browser", "--school", str(tmp_path / "school.imgguard")]
    assert run([*school, "--passphrase-file", str(file)]) == EXIT_IMPOSSIBLE
    told = capsys.readouterr()
    assert "passphrase is wrong" in told.err and "The page is at" not in told.out


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "jinja2", "python_multipart"])
def test_without_the_extra_it_is_said_how_to_install_it(package: str) -> None:
    without = f"import sys; sys.modules[{package!r}] = None; {MAIN}"
    told = subprocess.run([sys.executable, "-c", without, "page"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == EXIT_IMPOSSIBLE
    assert 'pip install "imgguard[page]"' in told.stderr and "Traceback" not in told.stderr
