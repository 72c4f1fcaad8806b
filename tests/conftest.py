from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from imgguard import BoundingBox, Guard
from tests.rings import FileRing, use

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_images"
# The samples' consents are judged on one fixed day, so that the tests do not age with them.
TODAY = date(2026, 11, 23)


@dataclass(frozen=True)
class TrueFace:
    person: str
    box: BoundingBox


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> Iterator[None]:
    """Whoever runs the tests in the background has Ctrl-C ignored, and child processes inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _record_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may write into the record of the person who runs it."""
    monkeypatch.setenv("IMGGUARD_SCHOOL", str(tmp_path / "school.imgguard"))


@pytest.fixture(scope="session")
def truth() -> dict[str, tuple[TrueFace, ...]]:
    """Who is where in the sample event photos."""
    photos = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))["photos"]
    return {
        name: tuple(TrueFace(face["person"], _box(*face["box"])) for face in photo["faces"])
        for name, photo in photos.items()
    }


def _box(x: float, y: float, width: float, height: float) -> BoundingBox:
    return BoundingBox(x, y, x + width, y + height)


@pytest.fixture(scope="session")
def make_guard(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Guard]:
    """Make a guard of the sample school; the same arguments give the same guard."""
    made: dict[str, Guard] = {}

    def make(**options: object) -> Guard:
        key = repr(sorted(options.items()))
        if key not in made:
            known = {
                "roster": SAMPLES / "roster.csv",
                "id_photos": SAMPLES / "id_photos",
                "purpose": "school_website",
            }
            people = {} if options.get("recognition") is False else known
            school = tmp_path_factory.mktemp("schools") / "school.imgguard"
            made[key] = Guard(**{**people, "school": school, "on": TODAY, **options})  # type: ignore[arg-type]
        return made[key]

    return make


@pytest.fixture(scope="session")
def guard(make_guard: Callable[..., Guard]) -> Guard:
    return make_guard()


@pytest.fixture(scope="session")
def covering_guard(make_guard: Callable[..., Guard]) -> Guard:
    """A guard without recognition: everybody is covered."""
    return make_guard(recognition=False)


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileRing]:
    """A keyring of the test's own, for child processes too."""
    monkeypatch.setenv("TEST_RING", str(tmp_path / "ring.json"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.rings.FileRing")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = FileRing()
    with use(found):
        yield found
