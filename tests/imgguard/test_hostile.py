"""Files and names that are made to do harm: no crash, no hang, bounded memory, nothing unclean, nothing unlisted."""

from __future__ import annotations

import os
import socket
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgguard import Guard, PhotoResult
from imgguard.errors import PhotoError, PhotoUnreadable
from imgguard.photo import load_photo
from imgguard.sanitize import leftovers, scan
from imgguard.types import Format
from tests.pictures import scene
from tests.planted import PLACES
from tests.planted.hostile import hostile_files
from tests.planted.traces import find
from tests.planted.trial import MOST_MEMORY, MOST_SECONDS, OUT_OF_MEMORY, Trial, try_files

POSIX = pytest.mark.skipif(os.name == "nt", reason="such files are not made on this system")


# What is still beyond the limits, with the reason: whoever mends one takes it out here.
@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trial]:
    """What became of each hostile file, under a limit of memory and time."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = []
    for name, content in hostile_files():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    return {trial.name: trial for trial in try_files(paths, whole=True)}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_no_hostile_file_crashes_hangs_or_eats_the_memory(trials: dict[str, Trial]) -> None:
    assert len(trials) > 150
    bad = [t for t in trials.values() if t.crashed or t.outcome == OUT_OF_MEMORY or t.seconds > MOST_SECONDS]
    assert {t.name: t.outcome for t in bad} == {}
    assert max(t.memory for t in trials.values()) < MOST_MEMORY


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_no_hostile_file_comes_out_unclean(trials: dict[str, Trial]) -> None:
    assert {t.name: t.leaks for t in trials.values() if t.leaks} == {}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_no_hostile_file_is_an_unexpected_fault(trials: dict[str, Trial]) -> None:
    assert [t.name for t in trials.values() if t.outcome == "internal_fault"] == []


SMALL = {
    key: build(scene(64, 48)) for key, build in PLACES.items() if key[1] in ("EXIF thumbnail (IFD1)", "XMP", "gap")
}


@pytest.mark.parametrize("key", SMALL, ids="-".join)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_loaded_or_refused_by_name(key: tuple[str, str], tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(SMALL[key])
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    path = tmp_path / "damaged"
    path.write_bytes(content)
    for container in Format:
        assert all(0 <= part.offset <= len(content) and part.length >= 0 for part in scan(bytes(content), container))
    try:
        load_photo(path)
    except PhotoError as error:
        assert str(path) in error.what


NAMES = {
    "control characters": "photo\a\x1b[31m\x7f.jpg",
    "a newline": "photo\nof 1.jpg",
    "a carriage return": "photo\rof 1.jpg",
    "a tab": "photo\tof 1.jpg",
    "a mark for writing from right to left": "photo\u202egpj.exe.jpg",
    "zero width": "pho\u200bto\ufeff.jpg",
    "255 bytes": "a" * 251 + ".jpg",
    "255 bytes of three each": "\u6821" * 83 + "ab.jpg",
    "letters and their accents apart": unicodedata.normalize("NFD", "\u00e9cole.jpg"),
    "letters with their accents": unicodedata.normalize("NFC", "\u00e9cole.jpg"),
    "capitals": "SPORTS.JPG",
    "no capitals": "sports.jpg",
    "bytes that are no text": os.fsdecode(b"photo\xff\xfe.jpg"),
    "a dash in front": "-rf.jpg",
    "dots in front": "...jpg",
    "blanks": "  .jpg",
    "a shell's characters": "$(touch x);`id`&|<>'\".jpg",
    "a pattern": "*?[a].jpg",
    "a format string": "%s%n{0}.jpg",
    "no letters": "\U0001f600.jpg",
}


@pytest.fixture
def named(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    content = PLACES["jpeg", "comment"](scene(64, 48))
    for name in NAMES.values():
        try:
            (folder / name).write_bytes(content)
        except (OSError, ValueError):
            pytest.skip(f"this file system does not take the name {name!r}")
    return folder


@POSIX
def test_every_name_is_published_once_inside_the_output_folder(
    named: Path, make_guard: Callable[..., Guard], tmp_path: Path
) -> None:
    guard = make_guard(recognition=False, search="fast")
    results: list[PhotoResult] = list(guard.clean_folder(named, tmp_path / "out", workers=1))
    assert {result.source.name for result in results} == {path.name for path in named.iterdir()}
    targets = [result.target for result in results if result.refusal is None]
    assert len(targets) == len(results)
    assert all(target is not None and target.is_relative_to((tmp_path / "out").resolve()) for target in targets)
    keys = {unicodedata.normalize("NFC", str(target)).casefold() for target in targets}
    assert len(keys) == len(targets), "no two that another file system would take for one"
    assert not any(find(target.read_bytes()) for target in targets if target is not None)


@POSIX
def test_names_that_steer_a_terminal_do_not_reach_it(named: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cli.main import cli

    (named / "broken\x1b[2J\u202e\n.jpg").write_bytes(b"\xff\xd8\xff")
    options = ["clean", str(named), "-o", str(tmp_path / "out"), "--no-recognition", "--fast", "--workers", "1"]
    shown = CliRunner().invoke(cli, options, standalone_mode=False).output
    assert "broken" in shown
    assert not {"\x1b", "\a", "\u202e", "\x7f"} & set(shown)


@POSIX
def test_links_pipes_sockets_and_devices_are_refused_and_not_waited_for(
    make_guard: Callable[..., Guard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(PLACES["jpeg", "comment"](scene(64, 48)))
    os.mkfifo(folder / "pipe.jpg")
    (folder / "link.jpg").symlink_to(folder / "photo.jpg")
    (folder / "outside.jpg").symlink_to("/etc/hostname")
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "tree").symlink_to(folder, target_is_directory=True)
    with socket.socket(socket.AF_UNIX) as listening:
        # The address of a socket has room for about a hundred bytes only.
        monkeypatch.chdir(folder)
        listening.bind("socket.jpg")
        guard = make_guard(recognition=False, search="fast")
        results = list(guard.clean_folder(folder, tmp_path / "out", workers=1))
    kinds = {result.source.name: result.refusal and result.refusal.kind for result in results}
    assert kinds.pop("photo.jpg") is None
    assert kinds.pop("pipe.jpg") == kinds.pop("socket.jpg") == "photo_unreadable"
    assert kinds == dict.fromkeys(("link.jpg", "outside.jpg", "device.jpg", "loop.jpg", "tree"), "link_refused")
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".jpg"]


@POSIX
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/random", "/dev/stdin", "/proc/self/mem", "/"])
def test_a_device_given_by_name_is_refused(device: str) -> None:
    with pytest.raises(PhotoUnreadable):
        load_photo(Path(device))


def test_what_is_published_of_a_file_with_a_false_ending_has_nothing_left(
    make_guard: Callable[..., Guard], tmp_path: Path
) -> None:
    for number, (key, suffix) in enumerate((("jpeg", ".png"), ("png", ".jpg"), ("webp-lossy", ".heic"))):
        source = tmp_path / f"{number}{suffix}"
        source.write_bytes(PLACES[key, "XMP"](scene(64, 48)))
        result = make_guard(recognition=False, search="fast").clean(source, tmp_path / "out")
        assert result.target is not None
        content = result.target.read_bytes()
        assert find(content) == set()
        assert leftovers(content, Format(key.split("-")[0])) == ()
