from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imgguard import SetupError
from imgguard.backends import default_backends
from imgguard.portraits import number_of, portrait_files
from imgguard.selftest import Searches, Selftest, run_selftest
from tests.conftest import SAMPLES

IDS = SAMPLES / "id_photos"


def measured(folder: Path) -> Selftest:
    return run_selftest(folder, default_backends())


def test_the_people_of_the_sample_school_are_known_again_and_nobody_for_another() -> None:
    found = measured(IDS)
    assert (found.people, found.photos) == (14, 31)
    assert found.again == Searches(total=17, known=17, mistaken=0)
    assert found.strangers == Searches(total=31, known=0, mistaken=0)
    assert found.difficulty.people == 14 and len(found.difficulty.closest) == 5
    assert found.findings == ()


def test_photos_filed_under_a_wrong_number_are_told_as_mistakes_and_misses(tmp_path: Path) -> None:
    for name, source in (
        ("020411", "020411"), ("020411(2)", "020448(2)"), ("020448", "020448"), ("020448(2)", "020596"),
    ):  # fmt: skip
        shutil.copy(IDS / f"{source}.jpg", tmp_path / f"{name}.jpg")
    found = measured(tmp_path)
    assert found.again == Searches(total=2, known=0, mistaken=1)
    assert found.again.missed == 2
    told = [str(finding) for finding in found.findings]
    assert told[0].startswith("020411(2).jpg: taken for 020448 (0.")
    assert any("if not enrolled, taken for 020448" in text for text in told)
    assert found.strangers == Searches(total=4, known=0, mistaken=1), "with 020411 left out, its second photo matches"


def test_a_person_filed_twice_is_a_stranger_who_is_taken_for_the_other(tmp_path: Path) -> None:
    for name, source in (("1", "020411"), ("2", "020411(2)"), ("3", "020596")):
        shutil.copy(IDS / f"{source}.jpg", tmp_path / f"{name}.jpg")
    found = measured(tmp_path)
    assert found.again.total == 0, "nobody has two photos"
    assert (found.strangers.total, found.strangers.mistaken) == (3, 2)
    assert found.difficulty.closest[0][:2] == ("1", "2")


def test_the_first_photo_is_the_reference_whatever_the_order_of_names(tmp_path: Path) -> None:
    for name in ("7(10).jpg", "7(2).jpg", "7.jpg", "7 (3).jpg", "10.jpg"):
        (tmp_path / name).write_bytes(b"")
    names = [path.name for path in portrait_files(tmp_path) if number_of(path) == "7"]
    assert names == ["7.jpg", "7(2).jpg", "7 (3).jpg", "7(10).jpg"]


def test_one_person_alone_has_no_strangers_and_what_is_unusable_is_named(tmp_path: Path) -> None:
    shutil.copy(IDS / "020411.jpg", tmp_path / "020411.jpg")
    (tmp_path / "020448.jpg").write_bytes(b"no picture")
    found = measured(tmp_path)
    assert (found.people, found.again.total, found.strangers.total) == (1, 0, 0)
    assert found.difficulty.own is None
    assert [finding.source for finding in found.findings] == ["020448.jpg"]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_an_id_photo_is_an_error_that_says_why(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "020448.jpg").write_bytes(b"no picture")
    with pytest.raises(SetupError, match="no usable ID photo" + (".*not a photo" if there else "")):
        measured(tmp_path)
    with pytest.raises(SetupError, match="no such folder"):
        measured(tmp_path / "nowhere")
