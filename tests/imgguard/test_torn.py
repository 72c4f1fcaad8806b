from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imgguard.torn import is_torn, may_be_torn
from tests.pictures import as_bytes, scene

RIGHT = st.binary(min_size=1, max_size=200)
SECTOR = 512


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 5 * SECTOR), st.data())
def test_what_is_left_of_the_right_bytes_is_torn(seed: int, size: int, data: st.DataObject) -> None:
    right = random.Random(seed).randbytes(size)
    length = data.draw(st.integers(0, size))
    sectors = st.integers(0, length // SECTOR)
    start, end = sorted((data.draw(sectors) * SECTOR, data.draw(sectors) * SECTOR))
    end = length if data.draw(st.booleans()) else end
    left = right[:start] + bytes(end - start) + right[end:length]
    assert is_torn(left, right) == (left != right)


def test_black_that_somebody_painted_is_not_what_the_power_left() -> None:
    """A child whom a teacher has blacked out in a BMP would be shown again."""
    pixels = np.random.default_rng(1).integers(1, 255, (600, 800, 3)).astype(np.uint8)
    right = as_bytes(Image.fromarray(pixels), "BMP")
    pixels[100:400, 200:500] = 0
    assert not is_torn(as_bytes(Image.fromarray(pixels), "BMP"), right)


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert not may_be_torn(tmp_path / "a.jpg")
