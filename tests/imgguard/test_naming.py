from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.model import Subject
from imgguard.known_names import KnownNames
from imgguard.naming import Tells, telling_in


def person(number: str, first: str, family: str) -> Subject:
    return Subject(number, first, family)


KNOWN = KnownNames.of(
    [
        person("020411", "Emma", "Nguyen"),
        person("020448", "Siobhán", "O'Brien"),
        person("S-12345", "Zoë", "van der Hoek"),
        person("7", "May", "Li"),
        person("000812", "Amina Rose", "Baptiste-Rowe"),
        person("99", "Jürgen", "Müller"),
        person("4321", "小明", "王"),
        person("5678", "Will", "Grady"),
        person("5679", "Łukasz", "Żak"),
        person("6001", "Cher", ""),
    ]
)
NOBODY = KnownNames()


def told(name: str, known: KnownNames = KNOWN) -> set[Tells]:
    return {telling.what for telling in telling_in(name, known)}


ORDINARY = """IMG_2034 IMG_E2034 IMG-2034 img_2034 IMG_2034-edited IMG_2034~2 IMG_20411 DSC01234 DSC_0042 _DSC1234
_MG_1234 DSC_2024 DSCF2020 DSCN0001 MVI_1234 GOPR0123 GX010123 R0010123 L1000123 3X0A1234 DJI_0042 photo-0001
photo-02024 photo-10000 folder-0001 a 1 07 scan_0001 event_05_two team-12 4x400m SportsDay icon@2x sports|day
class|photo Grade|4|class IMG_2034|(1) our|school high|school|graduation 1st|place at|the|park ski|camp image|1|of|3
marching|band Gr.|4B room|101 5K|run Day|2 U12|soccer school|sports|day Photo|12 the-class-of-ms-k concert|choir
relay|4x100|52.31s 12.34|s classe|de|neige Sportfest"""
NAMING = """EmmaNguyen-gr4 nguyen_e emmanguyen nguyenemma enguyen emman emma4 4emma EMMA IMG_2034_emma emma's_class
Emmas-team teamemma emmaclass O'Brien OBrien o\N{RIGHT SINGLE QUOTATION MARK}brien obrien2 Siobhan siobh\u00e1n
zoe_vanderhoek hoek van-der-hoek May will goodwill baptiste rowe baptiste-rowe amina rose juergen Jurgen Mueller
M\u00fcller muller2 王小明 王小明4 小明 Lukasz zak cher li Emma%20Nguyen \uff25\uff2d\uff2d\uff21 em\u200bma
E.m.m.a_N.g.u.y.e.n sportsdayemmanguyen photonguyen Nguyen,|Emma Emma|N E.|Nguyen Li|May the|emma|file
Zoes|win emmaandzoe emmawins winneremma emmaetzoe zoeandfriends
emmasgoal"""


def names_in(table: str) -> list[str]:
    return [name.replace("|", " ") for name in table.split()]


@pytest.mark.parametrize("name", names_in(ORDINARY))
def test_ordinary_names_stay(name: str) -> None:
    assert told(name) == set()
    assert told(name, NOBODY) == set()


@pytest.mark.parametrize("name", names_in(NAMING))
def test_names_of_the_roster_are_found_however_they_are_written(name: str) -> None:
    assert Tells.PERSON in told(name)
    assert Tells.PERSON not in told(name, NOBODY), "the control: without a roster nobody is known"


@pytest.mark.parametrize(
    "name", ["Ngyuen", "Nyguen", "Nguyenn", "Siobahn", "Emmma", "Babtiste", "Vanderhoeck", "baptist_row"]
)
def test_misspelt_names_are_found(name: str) -> None:
    assert told(name) == {Tells.PERSON}


COMMON = KnownNames.of(
    [person("1", "An", "Do"), person("2", "My", "Le"), person("3", "Ed", "Pa"), person("4", "Mac", "San")]
)


@pytest.mark.parametrize(
    "name",
    ["An Do", "Do, An - race", "do_an", "AnDo", "My Le grade 4", "Ed Pa", "Mac San", "san-mac", "gr4 DoAn"],
)
def test_both_names_side_by_side_are_found_however_common_each_is(name: str) -> None:
    assert told(name, COMMON) == {Tells.PERSON}
    alone = KnownNames.of([person("1", "An Do", "")])
    assert told("An Do", alone) == {Tells.PERSON}


@pytest.mark.parametrize("name", ["an ed", "do my san", "le san", "class of an", "mac"])
def test_common_words_alone_or_of_different_people_are_no_name(name: str) -> None:
    assert told(name, COMMON) == set()


@pytest.mark.parametrize("name", ["van", "der", "grade 4", "gamma", "comma", "hero", "le", "banner", "summer", "photo"])
def test_what_only_resembles_a_name_is_none(name: str) -> None:
    assert told(name) == set()


@pytest.mark.parametrize(
    "name",
    ["020411", "20411", "x_20411_y", "020 411", "0020411", "S12345", "s-12345", "S_12345 x", "812000812", "4321"],
)
def test_numbers_of_the_roster_are_found_with_and_without_zeros(name: str) -> None:
    found = told(name)
    assert (Tells.STUDENT in found) == (name != "812000812")
    assert Tells.STUDENT not in told(name, NOBODY)


@pytest.mark.parametrize("name", ["photo 20448", "scan_20411", "image-12345", "photo20411", "Bild 4321", "pic 20448"])
def test_numbers_of_the_roster_are_found_behind_words_that_count_photos(name: str) -> None:
    assert told(name.replace("12345", "20411")) == {Tells.STUDENT}
    assert told(name, NOBODY) == set()


@pytest.mark.parametrize("name", ["IMG_20411", "DSC20411", "DSCN4321", "MVI_4321"])
def test_what_a_camera_counts_with_is_nobody_s_number(name: str) -> None:
    assert told(name) == set()


def test_a_number_that_is_too_short_to_tell_is_not_looked_for() -> None:
    assert told("photo 7") == told("room 99") == told("x 812") == set()


@pytest.mark.parametrize("name", ["12345", "x123456", "P5120034", "123456789", "10152368_n", "FB_IMG_1620000000000"])
def test_a_number_that_no_camera_counts_with_may_be_somebody_s(name: str) -> None:
    assert told(name, NOBODY) == {Tells.NUMBER}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("e.n@school.ca", Tells.ADDRESS),
        ("from emma@x", Tells.ADDRESS),
        ("@team_north", Tells.ADDRESS),
        ("780-555-0123", Tells.PHONE),
        ("call (780) 555 0123", Tells.PHONE),
        ("780_555_0123", Tells.PHONE),
        ("+49 171 2345678", Tells.PHONE),
        ("0171-2345678", Tells.PHONE),
        ("555-0123", Tells.PHONE),
        ("53.5461N_113.4938W", Tells.PLACE),
        ("53.5461,-113.4938", Tells.PLACE),
        ("N53°32.5", Tells.PLACE),
        ("53.54,-113.49", Tells.PLACE),
        ("lat53.546 lon-113.493", Tells.PLACE),
        ("lat 53.546 lng -113.493", Tells.PLACE),
        ("53 32 N 113 29 W", Tells.PLACE),
        ("53d32m46s N 113d29m W", Tells.PLACE),
        ("N53 32.766 W113 29.622", Tells.PLACE),
        ("53.5461N", Tells.PLACE),
        ("9553FGW4+XQ", Tells.PLACE),
        ("123 Main St", Tells.PLACE),
        ("123_main_street", Tells.PLACE),
        ("Main Street", Tells.PLACE),
        ("51 Ave", Tells.PLACE),
        ("12 rue des Lilas", Tells.PLACE),
        ("Hauptstraße 12", Tells.PLACE),
        ("T9E 2X4", Tells.PLACE),
        ("t9e2x4", Tells.PLACE),
        ("SW1A 1AA", Tells.PLACE),
        ("Rundle Park", Tells.PLACE),
        ("LakeLouise trip", Tells.PLACE),
        ("Camp Kiwanis", Tells.PLACE),
        ("North School", Tells.PLACE),
        ("École Voyageur", Tells.PLACE),
        ("2026-09-12", Tells.DATE),
        ("2026_9_2", Tells.DATE),
        ("20260912", Tells.DATE),
        ("20260912_101500", Tells.DATE),
        ("20260912101500123", Tells.DATE),
        ("PXL_20260912_101112345", Tells.DATE),
        ("IMG-20240501-WA0012", Tells.DATE),
        ("IMG_20240501_101112", Tells.DATE),
        ("WhatsApp Image 2024-05-01 at 10.11.12", Tells.DATE),
        ("Screenshot_2024-05-01-10-11-12", Tells.DATE),
        ("12.09.2026", Tells.DATE),
        ("9-12-26", Tells.DATE),
        ("12 09 26", Tells.DATE),
        ("12 sept 2026", Tells.DATE),
        ("Sept 12", Tells.DATE),
        ("Sept '26", Tells.DATE),
        ("Sept \N{RIGHT SINGLE QUOTATION MARK}26", Tells.DATE),
        ("grad '26", Tells.DATE),
        ("June", Tells.DATE),
        ("12th of June", Tells.DATE),
        ("12. Mär", Tells.DATE),
        ("1er août", Tells.DATE),
        ("août", Tells.DATE),
        ("3 de mayo", Tells.DATE),
        ("10h15", Tells.DATE),
        ("3pm", Tells.DATE),
        ("10.30 am", Tells.DATE),
        ("sports day 2026", Tells.DATE),
        ("sportsday2026", Tells.DATE),
        ("class photo 2026", Tells.DATE),
        ("gala2024", Tells.DATE),
        ("2025-26", Tells.DATE),
        ("٢٠٢٦-٠٩-١٢", Tells.DATE),
    ],
)
def test_addresses_places_and_dates_are_found_without_a_roster(name: str, what: Tells) -> None:
    assert told(name, NOBODY) == {what}


def test_every_word_that_tells_is_named() -> None:
    found = {telling.what: telling.text for telling in telling_in("Emma Nguyen 2026-09-12 at Rundle Park", KNOWN)}
    assert found == {Tells.PERSON: "emma", Tells.DATE: "2026-09-12", Tells.PLACE: "rundle park"}


@pytest.mark.parametrize("name", ["banff", "bill", "E_N", "monday", "christmas concert", "05-12"])
def test_what_is_said_not_to_be_recognised_is_not(name: str) -> None:
    assert told(name) == set()


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_name_is_judged_without_an_error(name: str) -> None:
    telling_in(name, KNOWN)


@given(
    st.sampled_from(["0", "a", "-", ".", "1 ", "12-", "st ", "(", "+1", "aA", "jan", "°", "@", "\udce9", "٢"]),
    st.integers(1, 255),
)
def test_a_long_name_takes_no_time(piece: str, count: int) -> None:
    import time

    began = time.perf_counter()
    telling_in((piece * count)[:255], KNOWN)
    assert time.perf_counter() - began < 1


def test_people_without_family_names_or_any_name_are_known_by_what_there_is() -> None:
    known = KnownNames.of([person("1", "", ""), person("2", "", "Okonkwo"), person("3", "Bo", "")])
    assert told("okonkwo", known) == told("bo", known) == {Tells.PERSON}
    assert told("", known) == set()
