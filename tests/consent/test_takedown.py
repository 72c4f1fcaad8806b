from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from consent import Store, audit
from consent.showings import published_files, showings, still_open
from consent.takedown import Listed, TakeDownError, listed, mark_taken_down, take_down_csv, take_down_page
from tests.conftest import TODAY
from tests.consent.published import RIGHT, add_destination, covered, kept, publish


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "school.imgguard") as store:
        yield store


def all_open(store: Store) -> tuple[Listed, ...]:
    everything = showings(store)
    return listed(
        [(one, "consent was withdrawn") for one in still_open(everything)], everything, published_files(store)
    )


def test_a_file_is_one_row_with_everybody_on_it_sorted_by_destination(store: Store) -> None:
    add_destination(store, "Website")
    add_destination(store, "Blog", manager="M. Two")
    publish(store, [kept("020411"), kept("020522", RIGHT)], destination="Website")
    publish(store, [kept("020411")], source="33", output="44", destination="Blog")
    rows = all_open(store)
    assert [(row.file.destination, row.students) for row in rows] == [
        ("Blog", "020411"), ("Website", "020411, 020522"),
    ]  # fmt: skip
    assert {row.why for row in rows} == {"consent was withdrawn"}
    assert {row.to_do for row in rows} == {"remove"}


def test_reasons_that_differ_are_told_with_the_person_of_each(store: Store) -> None:
    publish(store, [kept("020411"), kept("020522", RIGHT)])
    everything = showings(store)
    wanted = zip(still_open(everything), ("consent was withdrawn", "consent has run out"), strict=True)
    (row,) = listed(wanted, everything, published_files(store))
    assert row.why == "020411: consent was withdrawn; 020522: consent has run out"


def test_a_version_that_covers_all_of_them_is_named_and_one_that_shows_somebody_still_is_not(store: Store) -> None:
    publish(store, [kept("020411"), kept("020522", RIGHT)])
    publish(store, [covered("020411"), kept("020522", RIGHT)], output="33")
    both, one = all_open(store)
    assert both.replacement is None and one.replacement is None
    everything = showings(store)
    amina = [(s, "withdrawn") for s in still_open(everything) if s.subject_id == "020411"]
    (row,) = listed(amina, everything, published_files(store))
    assert row.replacement is not None and row.replacement.file_id == "33" * 6
    assert row.to_do == "remove, or put the new version 333333333333 in its place"


def test_what_is_ticked_off_leaves_the_list_and_the_trail_tells_when(store: Store) -> None:
    first = publish(store, [kept("020411")])
    publish(store, [kept("020411")], source="33", output="44")
    assert [file.photo_id for file in mark_taken_down(store, ["22" * 6], TODAY)] == [first]
    assert [row.file.output_sha256 for row in all_open(store)] == ["44" * 32]
    last = audit.entries(store)[-1]
    assert (last.kind, last.body) == ("taken_down", f'{{"on":"2026-11-23","photos":[{first}]}}')
    assert mark_taken_down(store, ["22" * 32], TODAY) == (), "once is enough"
    assert audit.entries(store)[-1] == last


@pytest.mark.parametrize("file_id", ["", "2222222", "99" * 6, "photo-0001.jpg", "22222222%"])
def test_what_names_no_file_or_several_ticks_nothing_off(store: Store, file_id: str) -> None:
    publish(store, [kept("020411")])
    publish(store, [kept("020411")], source="33", output="44", name="b.jpg")
    with pytest.raises(TakeDownError, match="names no published file"):
        mark_taken_down(store, ["44" * 6, file_id], TODAY)
    assert len(all_open(store)) == 2


def test_a_short_id_that_two_files_share_is_refused(store: Store) -> None:
    publish(store, [kept("020411")])
    with store.atomic():
        store.change("UPDATE photos SET output_sha256 = ? WHERE id = 1", ("2" * 12 + "a" * 52,))
    publish(store, [kept("020411")], source="33")
    with pytest.raises(TakeDownError, match="more than one"):
        mark_taken_down(store, ["2" * 12], TODAY)


EVIL = '=HYPERLINK("http://evil")<script>alert(1)</script>"\'&'


def test_no_cell_of_the_csv_is_a_formula(store: Store) -> None:
    add_destination(store, EVIL, address="+1", manager="@cmd")
    publish(store, [kept("-020411")], destination=EVIL, name="=evil.jpg")
    header, row = csv.reader(io.StringIO(take_down_csv(all_open(store)), newline=""))
    told = dict(zip(header, row, strict=True))
    assert told["destination"] == f"'{EVIL}" and told["manager"] == "'@cmd" and told["student"] == "'-020411"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert told["file_id"] == "22" * 6 and told["output_sha256"] == "22" * 32


class _Reader(HTMLParser):
    """Takes a page apart: the elements, their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def test_the_page_has_a_sheet_for_each_manager_and_a_box_for_each_file(store: Store) -> None:
    add_destination(store, "Website", manager="M. One")
    add_destination(store, "Blog", manager="M. Two")
    publish(store, [kept("020411")], destination="Website")
    publish(store, [kept("020411")], source="33", output="44", name="b.jpg", destination="Website")
    publish(store, [kept("020411")], source="55", output="66", name="c.jpg", destination="Blog")
    page = take_down_page(all_open(store), TODAY)
    found = read(page)
    assert found.tags.count("section") == 2 and found.text.count("\N{BALLOT BOX}") == 3
    for told in ("M. One", "M. Two", "020411", "b.jpg", "666666666666", "2026-11-23", "consent was withdrawn"):
        assert told in found.text
    assert "break-before: page" in page


def test_the_page_stands_alone_and_takes_nothing_for_markup(store: Store) -> None:
    add_destination(store, EVIL, address="javascript:alert(1)", manager="<img src=x onerror=alert(1)>")
    publish(store, [kept("<b>1</b>")], destination=EVIL, name="</td><script src=//evil>.jpg")
    found = read(take_down_page(all_open(store), TODAY, title="<i>List</i>"))
    assert not {"script", "img", "i", "b", "a", "link", "iframe"} & set(found.tags)
    assert not {"src", "href", "onerror", "style"} & set(found.attributes)
    assert EVIL in found.text and "<b>1</b>" in found.text


def test_an_empty_list_says_so() -> None:
    assert "nothing is to be taken down" in take_down_page((), TODAY)
    assert take_down_csv(()).count("\n") == 1


def test_a_version_that_shows_the_person_under_a_number_without_its_zero_is_no_replacement(store: Store) -> None:
    publish(store, [kept("020411")])
    publish(store, [kept("20411")], output="33")
    assert [row.replacement for row in all_open(store)] == [None, None]


def test_a_file_that_went_to_two_places_is_ticked_off_for_each(store: Store) -> None:
    blog = publish(store, [kept("020411")], destination="Blog")
    website = publish(store, [kept("020411")], destination="Website")
    untold = publish(store, [kept("020411")])
    with pytest.raises(TakeDownError, match="several places") as error:
        mark_taken_down(store, ["22" * 6], TODAY)
    assert f"{'22' * 6}@Blog" in error.value.remedy and len(all_open(store)) == 3
    assert [file.photo_id for file in mark_taken_down(store, ["22" * 6 + "@blog"], TODAY)] == [blog]
    assert [file.photo_id for file in mark_taken_down(store, ["22" * 6 + "@"], TODAY)] == [untold]
    with pytest.raises(TakeDownError, match="no published file"):
        mark_taken_down(store, ["22" * 6 + "@Paper"], TODAY)
    assert [row.file.photo_id for row in all_open(store)] == [website]
    assert [file.photo_id for file in mark_taken_down(store, ["22" * 6], TODAY)] == [website], "only one is left"
