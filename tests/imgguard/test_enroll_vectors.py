"""No vector of a face touches the disk: not of strangers at all, of enrolled people only encrypted."""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from imgguard import Guard, Outcome
from imgguard.backends import default_backends
from imgguard.pipeline import examine_photo
from tests.conftest import ROOT, SAMPLES
from tests.rings import FileRing
from tests.schools import every_byte, sample_school

PHOTOS = ("event_05_two.jpg", "event_10_visitors.jpg")
# Keeps whatever Python writes and deletes again, in every process of the run.
_KEEPER = """
import os, shutil, sys
def _keep(event, arguments):
    if event in ("os.remove", "os.rename"):
        path = os.fspath(arguments[0])
        if isinstance(path, str) and os.path.isfile(path):
            shutil.copy(path, os.path.join(os.environ["KEPT"], f"{os.getpid()}-{os.urandom(4).hex()}"))
sys.addaudithook(_keep)
"""


def windows(vector: np.ndarray) -> Iterator[bytes]:
    """Every form in which sixteen bytes of a vector, or a few of its numbers, might be written."""
    for raw in (vector.astype("<f4").tobytes(), vector.astype(">f4").tobytes()):
        yield from (raw[n : n + 16] for n in range(len(raw) - 15))
        yield from (raw[n : n + 16].hex().encode() for n in range(0, len(raw) - 15, 4))
        for shift in range(3):
            yield from (base64.b64encode(raw[n : n + 18])[:24] for n in range(shift, len(raw) - 17, 3))
    wide = vector.astype("<f8").tobytes()
    yield from (wide[n : n + 16] for n in range(len(wide) - 15))
    yield from (repr(float(value))[:12].encode() for value in vector if abs(value) > 0.01)


def traces(content: bytes, vectors: list[np.ndarray]) -> int:
    """Count the places where one of these windows stands; its first eight bytes are looked for first, all at once."""
    wanted: dict[int, list[bytes]] = {}
    for window in (window for vector in vectors for window in windows(vector)):
        wanted.setdefault(int.from_bytes(window[:8], "little"), []).append(window)
    beginnings = np.array(list(wanted), np.uint64)
    count = 0
    for shift in range(8):
        found = np.frombuffer(content[shift : shift + (len(content) - shift) // 8 * 8], "<u8")
        for place in np.flatnonzero(np.isin(found, beginnings)):
            here = shift + 8 * int(place)
            count += any(content.startswith(window, here) for window in wanted[int(found[place])])
    return count


def unit_vectors(content: bytes) -> int:
    """Count the places where 128 numbers in a row are a vector of length one, whoever's it may be."""
    count = 0
    for kind, size in (("<f4", 4), ("<f8", 8)):
        for shift in range(size):
            usable = (len(content) - shift) // size * size
            with np.errstate(invalid="ignore"):
                values = np.frombuffer(content[shift : shift + usable], kind).astype(np.float64)
            likely = np.isfinite(values) & (np.abs(values) < 0.7) & (np.abs(values) > 1e-9)
            squares = np.concatenate([[0.0], np.cumsum(np.where(likely, values, 0.0) ** 2)])
            odd = np.concatenate([[0], np.cumsum(~likely)])
            if len(values) >= 128:
                length, bad = squares[128:] - squares[:-128], odd[128:] - odd[:-128]
                count += int(((np.abs(length - 1) < 1e-3) & (bad < 4)).sum())
    return count


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The vectors of the photos' faces that nobody is matched to, and those of everybody in them and enrolled."""
    school = tmp_path_factory.mktemp("vectors") / "school"
    guard = Guard(
        roster=SAMPLES / "roster.csv", id_photos=SAMPLES / "id_photos", purpose="school_website", school=school
    )
    found = [
        identification
        for name in PHOTOS
        for identification in examine_photo(SAMPLES / "event" / name, guard.rules, default_backends()).found
        if identification.probe.embedding is not None
    ]
    vectors = [i.probe.embedding.vector for i in found if i.probe.embedding is not None]
    strangers = [
        i.probe.embedding.vector for i in found if i.outcome is not Outcome.MATCH and i.probe.embedding is not None
    ]
    assert guard.rules.gallery is not None
    assert len(strangers) >= 2 and len(strangers) < len(vectors)
    return strangers, [*vectors, *guard.rules.gallery.templates]


def run(tmp_path: Path, *arguments: str) -> None:
    for name in ("temp", "kept", "site"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "site" / "sitecustomize.py").write_text(_KEEPER)
    temp = {name: str(tmp_path / "temp") for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")}
    paths = {"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}", "KEPT": str(tmp_path / "kept")}
    command = [sys.executable, "-c", "from cli.main import main; main()", *arguments]
    done = subprocess.run(command, env={**os.environ, **temp, **paths}, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 3), done.stderr


def test_no_vector_is_in_the_school_file_its_log_or_the_temporary_folder(
    tmp_path: Path, ring: FileRing, faces: tuple[list[np.ndarray], list[np.ndarray]]
) -> None:
    strangers, everybody = faces
    path = tmp_path / "school"
    sample_school(path)[0].close()
    (tmp_path / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(SAMPLES / "event" / name, tmp_path / "photos" / name)
    known = ["--roster", str(SAMPLES / "roster.csv"), "--id-photos", str(SAMPLES / "id_photos")]
    where = ["--school", str(path)]
    # Whoever has the file open keeps its log from being deleted.
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT count(*) FROM runs").fetchall()
        run(tmp_path, "enroll", "--id-photos", str(SAMPLES / "id_photos"), *where)
        out = tmp_path / "out"
        run(tmp_path, "clean", str(tmp_path / "photos"), "-o", str(out), "--purpose", "school_website", *known, *where)
        ((templates, photos, shown),) = reader.execute(
            "SELECT (SELECT count(*) FROM templates), (SELECT count(*) FROM photos WHERE status = 'published'),"
            " (SELECT count(*) FROM faces WHERE outcome = 'match')"
        )
        assert templates == 27 and photos == 2 and shown >= 1, "the control: all of it happened"
        assert (tmp_path / "school-wal").stat().st_size > 0, "the control: there is a log to look into"
        written = {"school": every_byte(path)}
    left = [p for folder in ("temp", "kept") for p in (tmp_path / folder).rglob("*") if p.is_file()]
    assert any(p.parent.name == "kept" for p in left), "the control: what was deleted again was kept for this"
    written |= {str(p): p.read_bytes() for p in left}
    assert {name: traces(content, everybody) for name, content in written.items()} == dict.fromkeys(written, 0)
    assert {name: unit_vectors(content) for name, content in written.items() if name == "school"} == {"school": 0}
    assert strangers


@pytest.mark.parametrize(
    "write",
    [
        lambda v: v.astype("<f4").tobytes(),
        lambda v: b"x" + v.astype("<f4").tobytes()[200:],
        lambda v: v.astype("<f8").tobytes(),
        lambda v: b"0" + base64.b64encode(v.astype("<f4").tobytes()),
        lambda v: v.astype("<f4").tobytes().hex().encode(),
        lambda v: str(v.tolist()).encode(),
    ],
    ids=["whole", "a part", "as double", "base64", "hex", "as text"],
)
def test_the_control_finds_a_vector_in_the_file_however_it_is_written(
    tmp_path: Path, ring: FileRing, faces: tuple[list[np.ndarray], list[np.ndarray]], write: object
) -> None:
    strangers, _ = faces
    store, _ = sample_school(tmp_path / "school")
    with store:
        before = every_byte(tmp_path / "school")
        assert traces(before, strangers) == 0
        with store.atomic():
            store.change("CREATE TABLE cache (face BLOB)")
            store.insert_row("cache", {"face": write(strangers[0])})  # type: ignore[operator]
        assert traces(every_byte(tmp_path / "school"), strangers) > 0, "in the log already"


def test_the_control_finds_a_vector_of_anybody(tmp_path: Path, ring: FileRing) -> None:
    vector = np.random.default_rng(date.max.toordinal()).normal(size=128)
    vector /= np.linalg.norm(vector)
    noise = os.urandom(200_001)
    assert unit_vectors(noise + noise) == 0
    assert unit_vectors(noise + vector.astype("<f4").tobytes() + noise) > 0
    assert unit_vectors(noise + vector.astype("<f8").tobytes() + noise) > 0
