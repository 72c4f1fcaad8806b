from __future__ import annotations

from pathlib import Path

import pytest

from consent import Roster, RosterError, read_roster
from consent.groups import families_of, groups_of, people_of
from tests.conftest import SAMPLES


@pytest.fixture(scope="module")
def roster() -> Roster:
    return read_roster(SAMPLES / "roster.csv")


@pytest.mark.parametrize("name", ["Grade 4", "  grade   4 ", "GRADE\u00a04"])
def test_a_group_is_found_however_it_is_spaced_and_capitalised(roster: Roster, name: str) -> None:
    assert set(people_of(roster, [name])) == {"020485", "020781"}
    assert set(people_of(roster, name)) == {"020485", "020781"}, "one name is one group"


def test_several_groups_add_up_and_none_means_everybody(roster: Roster) -> None:
    assert set(people_of(roster, ["Grade 4", "Staff"])) == {"020485", "020781", "920855", "920892"}
    assert people_of(roster) == roster.subjects


@pytest.mark.parametrize("names", [["Grade 5"], ["Grade 4", "Grade 5"], ["Grade 44"], ["Grade"], [""], ["  "]])
def test_a_group_that_nobody_has_is_an_error_that_names_the_others(roster: Roster, names: list[str]) -> None:
    with pytest.raises(RosterError, match=r"nobody is in the group .*Grade 10, Grade 4, .*Staff"):
        people_of(roster, names)


def test_who_has_no_group_is_in_none(tmp_path: Path) -> None:
    header = "number,biometric_ok,do_not_publish,signed_by,signed_on,group\n"
    (tmp_path / "r.csv").write_text(header + "1,yes,,G,2026-09-01,\n2,yes,,G,2026-09-01,Choir\n")
    found = read_roster(tmp_path / "r.csv")
    assert groups_of(found) == ("Choir",)
    assert set(people_of(found, ["choir"])) == {"2"}
    with pytest.raises(RosterError, match="groups it has: Choir"):
        people_of(found, [""])


def test_relatives_share_a_family_name_or_who_signs_for_them(tmp_path: Path) -> None:
    header = "number,first_name,last_name,biometric_ok,school_website,do_not_publish,signed_by,signed_on\n"
    rows = ["1,A,Rowe,yes,yes,,G Rowe,2026-09-01", "2,B,ROWE,yes,yes,,,", "3,C,Lind,yes,yes,,g rowe,2026-09-01"]
    (tmp_path / "r.csv").write_text(header + "\n".join([*rows, "4,D,,yes,yes,,,"]) + "\n")
    ties = families_of(people_of(read_roster(tmp_path / "r.csv")))
    assert ties["1"] & ties["2"] and ties["1"] & ties["3"] and not ties["2"] & ties["3"]
    assert ties["4"] == frozenset(), "who has no family name is nobody's relative"
