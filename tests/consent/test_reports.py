"""The report of a run: complete, without names unless asked for, and whatever it tells stays text."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import RecordError, Store, markup
from consent.policy_files import read_policy
from consent.reasons import Reason
from consent.reports import run_html, run_json
from consent.run_facts import RunFacts, find_run, nameless, names_of, reason_words, run_facts
from consent.store import Reliance
from tests.recorded import RUN, add_person, add_run, face, published, refused, school_of_two

POLICY = read_policy("park-west-ap144").policy
EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\u202egpj.exe\x00</title></style><!--"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "b", "ul", "li", "table", "thead",
    "tbody", "tr", "th", "td", "code", "span", "section", "br",
}  # fmt: skip


class Read(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "every element is closed in its place"

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment that nobody wrote")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def safe(page: str) -> Read:
    read = Read(page)
    assert read.tags <= TAGS and not read.open
    assert read.attributes <= {"class", "lang", "charset", "name", "content", "http-equiv"}
    assert not re.search(r"url\(|@import|http://|https://|//[a-z]", page)
    return read


@pytest.fixture
def run(tmp_path: Path) -> RunFacts:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        return run_facts(store, 1)


def test_a_report_tells_everything_about_the_run(tmp_path: Path) -> None:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        with store.atomic():
            store.insert_row("school", {"id": 1, "school_id": "x", "title": "North", "policy": "p", "made_at": ""})
            told = {"purpose": "school_website", "address": "north.example/news", "manager": "J. O'Neil"}
            more = {"second_administrator": "", "approved_by": "K. Roy", "approved_on": "2026-09-01"}
            store.insert_row("destinations", {"name": "school page", **told, **more})
        text = safe(run_html(run_facts(store, 1), policy=POLICY)).text
    for said in (
        "North", "Report of run 1", "3 photos published", "1 photos refused", "4 faces kept", "2 faces covered",
        "2 different people shown", "school website", "school page", "north.example/news", "J. O'Neil",
        "K. Roy 2026-09-01", "park-west-ap144, version 2024", "A. Operator", "attestation given", "principal: K. Roy",
        "blank means yes in column 'Media'", "0.1.0", "on, 13 people enrolled", "0.580", "cd" * 32, "ef" * 32,
        "photo broken", f"{3:064x}", "photo-0001.jpg", f"{1001:064x}", "replaced by no. 4", "takes the place of no. 1",
        "consent refused for this purpose", "nobody of the roster", "park-west-ap144 Point of emphasis 6",
        "form MR-1, row 4 of abababab, signed 2024-09-12, valid until 2027-06-30", "020448",
    ):  # fmt: skip
        assert said in text, said
    assert next(rule.says for rule in POLICY.rules if rule.clause == "Point of emphasis 6") in text
    faces = text[text.index("photo-0001.jpg") :]
    assert faces.index("020411") < faces.index("nobody known") < faces.index("020485") < faces.index("020448")


def test_photos_that_were_there_already_are_not_told_as_refused(tmp_path: Path) -> None:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        again = add_run(store, refused(2), replace(refused(3), refusal="output_exists"))
        facts = run_facts(store, again)
    text = safe(run_html(facts)).text
    assert "1 photos refused" in text and "under their names already: 1." in text
    assert f"{2:064x}" in text and f"{3:064x}" not in text
    counts = json.loads(run_json(facts))["counts"]
    assert (counts["refused"], counts["there_already"]) == (1, 1)


def test_names_are_told_only_if_asked_for(tmp_path: Path) -> None:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        found, names = run_facts(store, 1), names_of(store)
    for told in (run_html(found), run_json(found)):
        assert not [word for name in names.values() for word in name.split() if word in told]
    page, text = run_html(found, names), run_json(found, names)
    assert "020448 Theo Marchetti" in page and "Rafael Quispe" in page and "It holds names" in page
    assert "Amina Rowe" in text and "It holds names" not in run_html(found)


def hostile(store: Store, evil: str) -> RunFacts:
    """A run in which every text that somebody could choose is hostile."""
    add_person(store, "020411", evil, evil, evil)
    seen = replace(face("keep", "020411", clause=evil), relied=(Reliance(evil, evil, 4, evil, evil),))
    photo = replace(published(1, seen, face("cover", evil, reason=evil)), published_name=evil, format=evil)
    with store.atomic():
        store.insert_row("school", {"id": 1, "school_id": "x", "title": evil, "policy": "p", "made_at": evil})
        told = dict.fromkeys(
            ("purpose", "address", "manager", "second_administrator", "approved_by", "approved_on"), evil
        )
        store.insert_row("destinations", {"name": evil, **told})
    texts = {
        name: evil for name in ("imgguard_version", "style", "operator", "policy", "policy_version", "destination")
    }
    lists = {"sign_offs": (evil,), "declared": (evil,), "settings": {evil: evil}, "models": {evil: evil}}
    run = replace(RUN, roster_sha256=evil, **texts, **lists)  # type: ignore[arg-type]
    return run_facts(store, add_run(store, photo, replace(refused(2), refusal=evil, source_sha256=evil), run=run))


@pytest.mark.parametrize("with_names", [True, False])
def test_nothing_that_somebody_chose_becomes_part_of_the_page(tmp_path: Path, with_names: bool) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        found, names = hostile(store, EVIL), names_of(store)
    page = run_html(found, names if with_names else None)
    shown = safe(page).text
    assert shown.count("<script>alert(1)</script>") > 15, "they are told, as text"
    assert "\u202e" not in page and "\x00" not in page
    assert EVIL[:40] in json.loads(run_json(found, names))["operator"]


@given(st.text())
def test_any_text_stays_text(value: str) -> None:
    page = markup.page(value, markup.element("p", value, cls=value), markup.table([value], [[value]]))
    read = Read(page)
    assert read.tags <= TAGS and not read.open
    visible = "".join(c for c in value if c.isprintable())
    assert all(c in page for c in visible if c not in "<>&\"'" and c.isascii())


def test_the_page_forbids_itself_whatever_it_does_not_need(run: RunFacts) -> None:
    page = run_html(run)
    assert "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;" in page
    assert "@media print" in page and "break-inside: avoid" in page and "table-header-group" in page


def test_who_was_forgotten_is_told_to_be_somebody_and_a_stranger_to_be_nobody(tmp_path: Path) -> None:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        assert "forgotten since" not in run_html(run_facts(store, 1))
        with store.atomic():
            store.change("UPDATE faces SET subject_id = NULL")
        text = safe(run_html(run_facts(store, 1))).text
    assert text.count("kept forgotten since") == 4 and text.count("covered forgotten since") == 1
    assert text.count("covered nobody known") == 1


def test_what_was_taken_down_is_told(tmp_path: Path) -> None:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        with store.atomic():
            store.insert_row("takedowns", {"photo_id": 2, "done_on": "2026-11-20"})
        found = run_facts(store, 1)
    assert safe(run_html(found)).text.count("taken down on 2026-11-20") == 1
    assert json.loads(run_json(found))["photos"][1]["taken_down_on"] == "2026-11-20"


def test_json_tells_the_same(run: RunFacts) -> None:
    told = json.loads(run_json(run))
    assert set(told) == {field.name for field in fields(RunFacts)} | {"report_version", "counts", "reasons"}
    counts = {"published": 3, "refused": 1, "there_already": 0, "faces_kept": 4, "faces_covered": 2}
    assert told["counts"] == {**counts, "no_faces": 0, "overrides": 0}
    assert {"verdict": "cover", "reason": "refused", "clause": "", "faces": 1} in told["reasons"]
    assert sum(row["faces"] for row in told["reasons"]) == 6
    assert told["photos"][0]["faces"][0]["relied"][0]["form_id"] == "MR-1"
    assert "name" not in told["photos"][0]["faces"][0]


def test_a_stopped_run_without_recognition_or_faces_has_a_report_too(tmp_path: Path) -> None:
    bare = replace(
        RUN, purpose=None, recognition=False, threshold=None, roster_sha256=None, declared=(), destination=""
    )
    with Store(tmp_path / "school.imgguard") as store:
        with store.atomic():
            run_id = store.add_run(bare)
        found = run_facts(store, run_id)
    text = safe(run_html(found)).text
    assert "not ended" in text and "everybody was covered" in text and "off: nothing biometric" in text
    assert "There were no faces" in text and "Declared about the roster" not in text


def test_reasons_of_other_versions_are_told_as_they_stand() -> None:
    assert reason_words("too_tall") == "too tall" and reason_words("refused") == Reason.REFUSED.words


@pytest.mark.parametrize("asked", ["0", "7", "-1", "x", "", "1.0", "²", "9" * 30, "1; DROP TABLE runs"])
def test_a_run_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, asked: str) -> None:
    with Store(school_of_two(tmp_path / "school.imgguard")) as store:
        assert (find_run(store, "last"), find_run(store, "1"), find_run(store, "01")) == (1, 1, 1)
        with pytest.raises(RecordError, match="from 1 to 1"):
            find_run(store, asked)


def test_a_school_without_runs_says_so(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store, pytest.raises(RecordError, match="no run"):
        find_run(store, "last")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("IMG_0001.jpg", True),
        ("sports/200 m.jpg", True),
        ("Juno wins.jpg", False),
        ("juno_ada.jpg", False),
        ("Lindqvists.jpg", False),
        ("LINDQVIST 3.jpg", False),
        ("Zoe.jpg", False),
        ("bo-2.jpg", False),
        # A short name inside of another word is none.
        ("books.jpg", True),
    ],
)
def test_a_report_without_names_leaves_out_names_of_files_that_name_somebody(
    run: RunFacts, name: str, told: bool
) -> None:
    photo = replace(run.photos[0], published_name=name)
    facts = nameless(replace(run, photos=(photo,)), ["Juno Ada Lindqvist", "Bo Li", "Zoë"])
    assert facts.photos[0].published_name == (name if told else "")
    assert (name in run_json(facts, None)) is told
