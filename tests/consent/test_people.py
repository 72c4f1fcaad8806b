from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from consent import Store, read_roster
from consent.people import import_roster, stored_roster
from tests.conftest import SAMPLES


def test_an_imported_roster_comes_back_as_it_was(tmp_path: Path) -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    with Store(tmp_path / "school.imgguard") as store:
        assert stored_roster(store) is None
        import_roster(store, roster)
        found = stored_roster(store)
    assert found is not None
    assert dict(found.subjects) == dict(roster.subjects)
    assert (found.sha256, found.purposes) == (roster.sha256, roster.purposes)


def test_who_vanished_from_the_export_has_no_consent_left(tmp_path: Path) -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    without = {number: person for number, person in roster.subjects.items() if number != "020411"}
    with Store(tmp_path / "school.imgguard") as store:
        import_roster(store, roster)
        import_roster(store, replace(roster, subjects=without))
        found = stored_roster(store)
    assert found is not None
    gone = found.subjects["020411"]
    assert (gone.consents, gone.biometric_ok, gone.name) == ((), False, "Amina Baptiste-Rowe")
