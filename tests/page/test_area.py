from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imgguard.page import area as areas
from imgguard.page.area import Area, AreaClosed, AreaFull, fresh_area
from tests.conftest import ROOT

PLAIN = b"a child's face" * 400


def every_byte(folder: Path) -> bytes:
    return b"".join(path.name.encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def area(tmp_path: Path) -> Area:
    return Area(tmp_path / "area")


def test_what_is_kept_can_be_had_back_and_be_read_by_nobody_else(area: Area, tmp_path: Path) -> None:
    area.put("../../Jane Doe.jpg", PLAIN)
    assert area.get("../../Jane Doe.jpg") == PLAIN
    found = every_byte(tmp_path)
    assert len(found) > len(PLAIN)
    assert b"face" not in found and b"Jane" not in found
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / "area"}


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_nobody_else_on_the_computer_can_list_or_open_it(area: Area, tmp_path: Path) -> None:
    area.put("one", PLAIN)
    assert (tmp_path / "area").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "area").iterdir()} == {0o600}


def test_a_file_in_the_place_of_another_is_not_read(area: Area, tmp_path: Path) -> None:
    area.put("covered", b"nobody to see")
    area.put("original", PLAIN)
    files = {path.stat().st_size: path for path in (tmp_path / "area").iterdir()}
    large, small = files[max(files)], sorted(files.items())[1][1]
    small.write_bytes(large.read_bytes())
    assert area.get("covered") is None
    assert area.get("original") == PLAIN


def test_an_older_version_that_was_copied_is_not_read(area: Area, tmp_path: Path) -> None:
    area.put("one", PLAIN)
    (path,) = (path for path in (tmp_path / "area").iterdir() if path.suffix == "" and path.name != ".lock")
    older = path.read_bytes()
    area.put("one", b"newer")
    assert area.get("one") == b"newer"
    path.write_bytes(older)
    assert area.get("one") is None


def test_a_flipped_bit_or_a_missing_end_is_noticed(area: Area, tmp_path: Path) -> None:
    area.put("one", PLAIN)
    (path,) = (path for path in (tmp_path / "area").iterdir() if path.name != ".lock")
    sealed = path.read_bytes()
    for damaged in (sealed[:-1], sealed[:5], b"", bytes([sealed[0] ^ 1]) + sealed[1:], sealed + b"x"):
        path.write_bytes(damaged)
        assert area.get("one") is None


def test_large_content_goes_in_pieces_that_cannot_be_swapped_or_left_out(
    area: Area, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(areas, "_PIECE", 1000)
    content = os.urandom(3500)
    area.put("large", content)
    assert area.get("large") == content
    (path,) = (path for path in (tmp_path / "area").iterdir() if path.name != ".lock")
    sealed, piece = path.read_bytes(), 1000 + 28
    for damaged in (sealed[piece:] + sealed[:piece], sealed[: 3 * piece], sealed[piece : 2 * piece] + sealed[piece:]):
        path.write_bytes(damaged)
        assert area.get("large") is None


def test_a_photo_of_a_hundred_megabytes_is_kept(area: Area) -> None:
    content = os.urandom(2**20) * 100
    area.put("large", content)
    assert area.get("large") == content


def test_what_is_too_much_is_refused_and_the_older_one_is_still_there(tmp_path: Path) -> None:
    area = Area(tmp_path / "area", most_bytes=100)
    area.put("one", bytes(60))
    area.put("one", bytes(80))
    with pytest.raises(AreaFull, match="too many"):
        area.put("two", bytes(30))
    with pytest.raises(AreaFull):
        area.put("one", bytes(101))
    assert area.get("one") == bytes(80)
    area.drop("one")
    area.put("two", bytes(100))
    assert area.get("one") is None


def test_after_the_end_there_is_nothing_and_nothing_is_taken(area: Area, tmp_path: Path) -> None:
    area.put("one", PLAIN)
    area.close()
    area.close()
    assert not list(tmp_path.iterdir())
    for use in (lambda: area.put("one", PLAIN), lambda: area.get("one")):
        with pytest.raises(AreaClosed):
            use()
    assert not list(tmp_path.iterdir())


def test_the_key_is_neither_shown_nor_sent_to_another_process(area: Area) -> None:
    area.put("secret name", PLAIN)
    assert "secret" not in repr(area) + str(vars(area))
    with pytest.raises(TypeError):
        pickle.dumps(area)


def test_the_area_of_a_killed_process_is_deleted_by_the_next_and_one_in_use_is_not(tmp_path: Path) -> None:
    keep = (
        "import sys, time, pathlib; from imgguard.page.area import fresh_area\n"
        "area = fresh_area(pathlib.Path(sys.argv[1])); area.put('one', bytes(1000))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", keep, str(tmp_path)]
    killed, alive = (subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2))
    try:
        for process in (killed, alive):
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert len(list(tmp_path.glob("area-*"))) == 2
        killed.send_signal(signal.SIGKILL) if os.name == "posix" else killed.kill()
        killed.wait(10)
        assert len(list(tmp_path.glob("area-*"))) == 2
        area = fresh_area(tmp_path)
        left = {path.name.split("-")[1] for path in tmp_path.glob("area-*")}
        assert left == {str(alive.pid), str(os.getpid())}
        area.close()
    finally:
        for process in (killed, alive):
            process.kill()
            process.communicate()
