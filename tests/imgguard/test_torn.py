from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imgguard.torn import is_torn, may_be_torn
from tests.pictures import as_bytes, scene

RIGHT = st.binary(min_size=1, max_size=200)


@settings(deadline=None)
@given(RIGHT, st.data())
def test_what_is_left_of_the_right_bytes_is_torn(right: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(right)))
    start, end = sorted((data.draw(st.integers(0, length)), data.draw(st.integers(0, length))))
    left = right[:start] + bytes(end - start) + right[end:length]
    assert is_torn(left, right) == (left != right)


@settings(deadline=None)
@given(RIGHT, st.data())
def test_whatever_holds_one_other_byte_is_not(right: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(right) - 1))
    other = data.draw(st.integers(1, 255).filter(lambda value: value != right[place]))
    assert not is_torn(right[:place] + bytes([other]) + right[place + 1 :], right)
    assert not is_torn(right + b"\0", right), "longer than it should be"
    assert not is_torn(right, right), "whole"


@pytest.mark.parametrize("container", ["JPEG", "PNG", "GIF"])
def test_a_picture_that_is_cut_off_may_be_torn_and_a_whole_one_may_not(container: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = as_bytes(Image.fromarray(scene()), container)
    path.write_bytes(whole)
    assert not may_be_torn(path)
    for left in (whole[:-1], whole[:40], whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2), b""):
        path.write_bytes(left)
        assert may_be_torn(path)


def test_other_files_are_whole_and_what_is_not_there_is_not_torn(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"notes of somebody")
    assert not may_be_torn(tmp_path / "a")
    assert not may_be_torn(tmp_path / "nowhere")
