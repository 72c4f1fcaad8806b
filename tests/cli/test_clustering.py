from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.conftest import SAMPLES

CLEAN = ["clean", str(SAMPLES / "event"), "--no-recognition"]


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["imgguard", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def _nothing_is_written(tmp_path: Path) -> Iterator[None]:
    yield
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--tls-ca", "ca.pem"], "go with --scheduler only"),
        (["--staging", "s3://staging"], "go with --scheduler only"),
        (["--scheduler", "tls://host:8786", "--workers", "2"], "--workers does not go with --scheduler"),
        (["--scheduler", "tcp://10.0.0.5:8786"], "neither TLS nor on this computer"),
        (["--scheduler", "tls://host:8786"], "the files of TLS are missing"),
        (["--scheduler", "tls://host:8786", "--tls-ca", "missing.pem"], "there is no such file"),
        (["--scheduler", "tcp://127.0.0.1:1"], "no scheduler answers there"),
    ],
)
def test_what_cannot_be_a_cluster_is_refused_in_words(
    options: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2")
    monkeypatch.setattr("imgguard.cluster.engine._CONNECT_S", 2)
    assert run(*CLEAN, "-o", str(tmp_path / "out"), *options, monkeypatch=monkeypatch) != 0
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("out", ["ftp://host/out", "sftp://me:secret@host/out"])
def test_an_output_that_is_no_place_is_refused_in_words(
    out: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*CLEAN, "-o", out, monkeypatch=monkeypatch) != 0
    said = capsys.readouterr().err
    assert "Invalid value for '-o'" in said
    assert ":secret" not in said
