from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from imgguard import Format, Guard
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.metadata import MetadataItem, read_metadata
from imgguard.report import build_report
from tests.conftest import SAMPLES
from tests.pictures import MARKER, PLANTED, scene


def told_by(path: Path) -> tuple[MetadataItem, ...]:
    content = path.read_bytes()
    return read_metadata(content, sniff_format(content[:HEAD_BYTES], path))


@pytest.mark.parametrize("container", [Format.JPEG, Format.PNG, Format.WEBP, Format.HEIF, Format.AVIF])
def test_place_names_and_thumbnail_are_told_in_words(tmp_path: Path, container: Format) -> None:
    path = tmp_path / "photo"
    path.write_bytes(PLANTED[container](scene()))
    items = told_by(path)
    told = {item.name: item.value for item in items}
    assert told["place of taking"] == "53.50000° N, 110.25000° W"
    assert items[0].place == "GPS"
    assert told["Artist"] == MARKER.decode()
    assert any("thumbnail" in item.place.lower() for item in items)
    if container in (Format.JPEG, Format.HEIF):
        assert told["name of a person"] == MARKER.decode()


def test_the_samples_tell_where_and_who() -> None:
    items = told_by(SAMPLES / "event" / "event_01_class_photo.jpg")
    told = [(item.place, item.value) for item in items]
    assert any(place == "GPS" and "°" in value for place, value in told)
    assert ("XMP", "Freya Lindqvist") in told


def test_a_cleaned_photo_tells_nothing(covering_guard: Guard, tmp_path: Path) -> None:
    result = covering_guard.clean(SAMPLES / "event" / "event_09_one.jpg", tmp_path)
    assert result.target is not None
    assert told_by(result.target) == ()


def test_broken_exif_is_told_as_broken(tmp_path: Path) -> None:
    from PIL import Image

    from tests.pictures import as_bytes

    path = tmp_path / "photo.jpg"
    path.write_bytes(as_bytes(Image.fromarray(scene()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert "unreadable block" in {item.name for item in told_by(path)}


@pytest.mark.parametrize(
    "block",
    [
        b"II*\0\x08\0\0\0\x01\0\x00\x01\x03\0\xff\xff\xff\x3f\x08\0\0\0\0\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff" + b"A" * 60_000,
    ],
)
def test_exif_that_claims_gigabytes_is_not_believed(tmp_path: Path, block: bytes) -> None:
    from PIL import Image

    from tests.pictures import as_bytes

    path = tmp_path / "photo.jpg"
    path.write_bytes(as_bytes(Image.fromarray(scene()), "JPEG", exif=b"Exif\0\0" + block))
    began = time.monotonic()
    told_by(path)
    assert time.monotonic() - began < 10


def test_xmp_of_repeated_openings_takes_no_time(tmp_path: Path) -> None:
    from PIL import Image

    from tests.pictures import as_bytes

    path = tmp_path / "photo.webp"
    flood = b"<Iptc4xmpExt:PersonInImage>" * 20_000 + b"mwg-rs:Name>" * 40_000
    path.write_bytes(as_bytes(Image.fromarray(scene()), "WEBP", xmp=flood))
    began = time.monotonic()
    told_by(path)
    assert time.monotonic() - began < 10


def test_the_report_tells_every_decision_by_number(guard: Guard, tmp_path: Path) -> None:
    result = guard.clean(SAMPLES / "event" / "event_05_two.jpg", tmp_path, dry_run=True)
    text = build_report([result], guard.rules, guard.findings, [])
    report = json.loads(text)
    assert report["purpose"] == "school_website"
    faces = report["photos"][0]["faces"]
    assert {face["reason"] for face in faces} == {"blank", "no_match"}
    assert {face["subject_id"] for face in faces} == {"020559", None}
    assert "Zuri" not in text
