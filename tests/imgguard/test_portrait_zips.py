from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.roster import Finding
from imgguard import PhotoError, SetupError
from imgguard.portrait_sources import find_portraits
from imgguard.portrait_zips import MAX_MEMBER_BYTES, MAX_MEMBERS, is_zip, list_zip
from tests.portrait_layouts import zipped

_Change = Callable[[zipfile.ZipInfo], None]


def packed(name: str = "501.jpg", content: bytes = b"picture", change: _Change = lambda info: None) -> bytes:
    """A zip of one member, and of another that is as it should be."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        change(info)
        archive.writestr(info, content)
        archive.writestr("502.jpg", b"good")
    return out.getvalue()


def found(path: Path, content: bytes) -> tuple[list[str], list[str]]:
    """The numbers that a zip's files are joined to, and what is told."""
    path.write_bytes(content)
    source = find_portraits(path, ["501", "502", "503"])
    return sorted(one.number for one in source.portraits), [str(one) for one in source.findings]


def in_directory(content: bytes, at: int, form: str, value: int) -> bytes:
    """Change a field of the first entry of the directory, at its place in APPNOTE 4.3.12."""
    start = content.index(b"PK\1\2")
    changed = bytearray(content)
    struct.pack_into(form, changed, start + at, value)
    return bytes(changed)


def link(info: zipfile.ZipInfo) -> None:
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def device(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFCHR | 0o666) << 16


def with_bzip2(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_BZIP2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (packed("/etc/501.jpg"), "leads out"),
        (packed("C:/501.jpg"), "leads out"),
        (packed("C:\\501.jpg"), "leads out"),
        (packed("a/../../501.jpg"), "leads out"),
        (packed("..\\501.jpg"), "leads out"),
        (packed("\\\\server\\501.jpg"), "leads out"),
        (packed().replace(b"501.jpg", b"501\0.jp"), "leads out"),
        (packed().replace(b"501.jpg", b"\x0001.jpg"), "or nowhere"),
        (packed("a/.."), "leads out"),
        (packed(change=link), "a link or device"),
        (packed(change=device), "a link or device"),
        (in_directory(packed(), 8, "<H", 1), "encrypted"),
        (in_directory(packed(), 8, "<H", 1 << 6 | 1), "encrypted"),
        (packed(change=with_bzip2), "compressed in a way"),
        (packed("501.zip"), "an archive inside of the zip"),
        (in_directory(packed(), 24, "<I", MAX_MEMBER_BYTES + 1), "larger than 64 MB"),
        (packed(content=bytes(4 * 2**20)), "grows to more than 100 times its size"),
    ],
)
def test_what_is_not_safe_to_read_in_a_zip_is_told_and_the_rest_is_used(
    content: bytes, why: str, tmp_path: Path
) -> None:
    numbers, told = found(tmp_path / "ids.zip", content)
    assert numbers == ["502"]
    assert len(told) == 1 and why in told[0] and told[0].startswith("ids.zip: ")


@pytest.mark.parametrize(
    "content", [packed(), packed("a\\b/501.JPG"), packed("./501.jpg"), packed(content=bytes(2**20))]
)
def test_the_control_uses_both_files(content: bytes, tmp_path: Path) -> None:
    assert found(tmp_path / "ids.zip", content) == (["501", "502"], [])


def test_hidden_and_system_files_are_left_out_with_their_count(tmp_path: Path) -> None:
    names = ["__MACOSX/._501.jpg", "a/.hidden/501.jpg", "Thumbs.db", "a/desktop.ini", "501.jpg", "empty/"]
    listing = list_zip(zipped(tmp_path / "ids.zip", {name: b"" for name in names}))
    assert [stored.parts for stored in listing.files] == [("501.jpg",)]
    assert listing.remarks == (Finding("ids.zip", None, "4 hidden or system files in it not looked at"),)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.replace(b"picture", b"pictora"),
        lambda content: in_directory(content, 24, "<I", 3),
        lambda content: in_directory(content, 42, "<I", 5),
    ],
)
def test_a_member_that_is_not_what_the_directory_says_is_an_error_of_that_photo(
    spoil: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    def stored(info: zipfile.ZipInfo) -> None:
        info.compress_type = zipfile.ZIP_STORED

    path = tmp_path / "ids.zip"
    path.write_bytes(spoil(packed(change=stored)))
    one, other = sorted(find_portraits(path, ["501", "502"]).portraits, key=lambda portrait: portrait.number)
    with pytest.raises(PhotoError) as caught:
        one.read()
    assert str(path / "501.jpg") in caught.value.what
    assert other.read() == b"good"


def test_a_member_is_read_no_further_than_any_photo_goes_whatever_it_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "ids.zip", {"501.jpg": os.urandom(3000)})
    (portrait,) = find_portraits(path, ["501"]).portraits
    assert len(portrait.read()) == 3000
    monkeypatch.setattr("imgguard.portrait_zips.MAX_MEMBER_BYTES", 2000)
    with pytest.raises(PhotoError, match="more than"):
        portrait.read()


def test_a_zip_of_more_files_or_bytes_than_a_school_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = zipped(tmp_path / "many.zip", {f"{at}": b"" for at in range(MAX_MEMBERS + 1)})
    with pytest.raises(SetupError, match="holds more than 20,000 files"):
        list_zip(many)
    large = zipped(tmp_path / "large.zip", {"501.jpg": os.urandom(600), "502.jpg": os.urandom(600)})
    assert len(list_zip(large).files) == 2
    monkeypatch.setattr("imgguard.portrait_zips.MAX_TOTAL_BYTES", 1000)
    with pytest.raises(SetupError, match="more than ID photos have"):
        list_zip(large)


def test_a_zip_whose_files_lie_over_each_other_is_refused(tmp_path: Path) -> None:
    content = packed(content=os.urandom(300), change=lambda info: setattr(info, "compress_type", zipfile.ZIP_STORED))
    start, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    entry = content[start : start + 46 + 7]
    entries = b"".join(entry.replace(b"501.jpg", f"50{at}.jpg".encode()) for at in range(1, 4))
    total = struct.pack("<HHII", 3, 3, len(entries), start)
    (tmp_path / "ids.zip").write_bytes(content[:start] + entries + content[end : end + 8] + total + b"\0\0")
    with zipfile.ZipFile(tmp_path / "ids.zip") as archive:
        assert len(archive.namelist()) == 3, "the control: other programs take it for three files"
    with pytest.raises(SetupError, match="more bytes than it has itself"):
        list_zip(tmp_path / "ids.zip")


def test_a_directory_of_many_megabytes_is_not_even_read(tmp_path: Path) -> None:
    names = (f"{at:05}{'x' * 600}" for at in range(MAX_MEMBERS - 1))
    with pytest.raises(SetupError, match="its directory is too large"):
        list_zip(zipped(tmp_path / "ids.zip", {name: b"" for name in names}))


def test_a_zip_is_known_by_its_bytes_or_its_name_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    renamed = zipped(tmp_path / "export.dat", {"501.jpg": b"x"})
    assert is_zip(renamed) and len(find_portraits(renamed, ["501"]).portraits) == 1
    (tmp_path / "ids.zip").write_bytes(b"no zip")
    (tmp_path / "gone.ZIP").mkdir()
    for name in ("ids.zip", "nowhere.zip"):
        with pytest.raises(SetupError):
            find_portraits(tmp_path / name, ["501"])


def test_a_zip_that_is_replaced_while_it_is_read_goes_on_as_it_was(tmp_path: Path) -> None:
    path = zipped(tmp_path / "ids.zip", {"501.jpg": b"first"})
    (portrait,) = find_portraits(path, ["501"]).portraits
    zipped(tmp_path / "new.zip", {"501.jpg": b"second"}).replace(path)
    assert portrait.read() == b"first"


def _school() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("INDEX.TXT", "F\t1.jpg\t501\nF\t2.jpg\t502\n")
        archive.writestr("F/1.jpg", b"one" * 40)
        archive.writestr("F/2.jpg", b"two" * 40)
        archive.writestr("503.jpg", b"three")
    return out.getvalue()


SCHOOL = _school()


@settings(max_examples=500, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SCHOOL) - 1), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, len(SCHOOL)),
    behind=st.booleans(),
)
def test_a_damaged_zip_is_an_error_that_is_told_or_findings_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int, behind: bool
) -> None:
    content = bytearray(SCHOOL)
    for at, value in changes:
        content[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(bytes(content[cut:] if behind else content[: cut or len(content)]))
    try:
        source = find_portraits(path, ["501", "502", "503"])
    except SetupError as error:
        assert error.remedy
        return
    stored = [id(one.stored) for one in source.portraits]
    assert len(stored) == len(set(stored))
    for portrait in source.portraits:
        try:
            content = bytearray(portrait.read())
        except PhotoError:
            continue
        assert len(content) <= MAX_MEMBER_BYTES
