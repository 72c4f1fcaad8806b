from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent import Answer, Purpose, Reason, RecordError, Store, Verdict, audit, decide, read_roster
from consent.model import ASKED_PURPOSES, Aspect
from consent.people import import_roster, stored_roster, withdrawn
from consent.templates import drop_disallowed, recognisable
from consent.withdrawals import Known, WithdrawalError, known_people, lift, who_is_meant, withdraw
from tests.conftest import SAMPLES, TODAY
from tests.consent.published import kept, publish

AMINA = "020411"
WHY = "letter of the mother"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "school.imgguard")
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    return store


def decided(store: Store, purpose: Purpose, aspect: Aspect = Aspect.PHOTO) -> Reason:
    roster = stored_roster(store)
    assert roster is not None
    return decide(roster.subjects[AMINA], purpose, TODAY, aspect=aspect).reason


def give_template(store: Store, subject_id: str) -> None:
    """Put a row of a template, as enrolling does, without its content."""
    key = {"made_at": "", "kept_in": "keyring", "parameters": "{}", "nonce": b"", "proof": b""}
    told = {"model_id": "m", "nonce": b"", "ciphertext": b"", "enrolled_on": "2026-09-01", "expires_on": "2027-06-30"}
    with store.atomic():
        key_id = store.insert_row("keys", key)
        store.insert_row("templates", {"subject_id": subject_id, "key_id": key_id, "photo_sha256": "aa", **told})


def templates(store: Store) -> int:
    ((count,),) = store.query("SELECT count(*) FROM templates")
    assert isinstance(count, int)
    return count


def test_a_withdrawal_of_everything_is_a_no_for_photo_work_and_name_alike(store: Store) -> None:
    assert decided(store, Purpose.SCHOOL_WEBSITE) is Reason.CONSENTED, "the control"
    done = withdraw(store, AMINA, (), WHY, TODAY)
    assert (done.purposes, done.before) == (frozenset(ASKED_PURPOSES), frozenset())
    for purpose in ASKED_PURPOSES:
        for aspect in Aspect:
            assert decided(store, purpose, aspect) is Reason.WITHDRAWN
    roster = stored_roster(store)
    assert roster is not None
    other = decide(roster.subjects["020522"], Purpose.SCHOOL_WEBSITE, TODAY)
    assert other.verdict is Verdict.KEEP, "nobody else's consent is touched"


def test_a_withdrawal_of_one_purpose_leaves_the_others(store: Store) -> None:
    withdraw(store, AMINA, [Purpose.YEARBOOK], WHY, TODAY)
    assert decided(store, Purpose.YEARBOOK) is Reason.WITHDRAWN
    assert decided(store, Purpose.SCHOOL_WEBSITE) is Reason.CONSENTED


def test_no_later_roster_lifts_a_withdrawal_and_only_lifting_does(store: Store) -> None:
    withdraw(store, AMINA, (), WHY, TODAY)
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    assert decided(store, Purpose.SCHOOL_WEBSITE) is Reason.WITHDRAWN
    assert lift(store, AMINA, (), "the mother has changed her mind", TODAY) == frozenset(ASKED_PURPOSES)
    assert decided(store, Purpose.SCHOOL_WEBSITE) is Reason.CONSENTED


def test_lifting_one_purpose_of_a_withdrawal_of_everything_leaves_the_rest_withdrawn(store: Store) -> None:
    withdraw(store, AMINA, (), WHY, TODAY)
    assert lift(store, AMINA, [Purpose.YEARBOOK], "form of 23 November", TODAY) == {Purpose.YEARBOOK}
    assert withdrawn(store)[AMINA] == frozenset(ASKED_PURPOSES) - {Purpose.YEARBOOK}


def test_nothing_of_a_withdrawal_is_ever_deleted(store: Store) -> None:
    withdraw(store, AMINA, [Purpose.YEARBOOK], WHY, TODAY)
    lift(store, AMINA, (), "a mistake", TODAY)
    withdraw(store, AMINA, [Purpose.YEARBOOK], "again", TODAY)
    rows = store.query("SELECT purpose, because, lifted_because FROM withdrawals ORDER BY id")
    assert rows == [("yearbook", WHY, "a mistake"), ("yearbook", "again", None)]


def test_what_is_withdrawn_already_is_not_recorded_twice(store: Store) -> None:
    withdraw(store, AMINA, (), WHY, TODAY)
    length = len(audit.entries(store))
    again = withdraw(store, AMINA, [Purpose.YEARBOOK], WHY, TODAY)
    assert (again.purposes, again.before) == (frozenset(), frozenset(ASKED_PURPOSES))
    assert len(audit.entries(store)) == length
    assert store.query("SELECT count(*) FROM withdrawals") == [(1,)]


@pytest.mark.parametrize("because", ["", " \n"])
def test_a_withdrawal_needs_a_reason_and_a_day_that_has_come(store: Store, because: str) -> None:
    with pytest.raises(WithdrawalError, match="reason"):
        withdraw(store, AMINA, (), because, TODAY)
    with pytest.raises(WithdrawalError, match="reason"):
        lift(store, AMINA, (), because, TODAY)
    with pytest.raises(WithdrawalError, match="still to come"):
        withdraw(store, AMINA, (), WHY, date.today() + timedelta(days=1))
    assert withdrawn(store) == {}


def test_what_was_not_withdrawn_cannot_be_lifted(store: Store) -> None:
    withdraw(store, AMINA, [Purpose.YEARBOOK], WHY, TODAY)
    with pytest.raises(WithdrawalError, match="nothing of this"):
        lift(store, AMINA, [Purpose.NEWSLETTER], WHY, TODAY)
    assert withdrawn(store)[AMINA] == {Purpose.YEARBOOK}


def test_a_number_that_is_in_no_roster_can_withdraw_before_it_is_in_one(tmp_path: Path) -> None:
    with Store(tmp_path / "new.imgguard") as store:
        withdraw(store, AMINA, (), WHY, TODAY)
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
        assert decided(store, Purpose.SCHOOL_WEBSITE) is Reason.WITHDRAWN


def test_a_withdrawal_holds_however_the_next_export_writes_the_number(tmp_path: Path) -> None:
    with Store(tmp_path / "new.imgguard") as store:
        withdraw(store, "20411", [Purpose.SCHOOL_WEBSITE], WHY, TODAY)
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
        assert decided(store, Purpose.SCHOOL_WEBSITE) is Reason.WITHDRAWN
        assert decided(store, Purpose.YEARBOOK) is Reason.CONSENTED, "the control"


def test_a_withdrawal_of_everything_deletes_the_templates_and_none_can_be_made_again(store: Store) -> None:
    for number in (AMINA, "020522"):
        give_template(store, number)
    assert withdraw(store, AMINA, [Purpose.YEARBOOK], WHY, TODAY).templates == 0, "she may still be shown elsewhere"
    assert withdraw(store, AMINA, (), WHY, TODAY).templates == 1
    assert templates(store) == 1, "nobody else's template is touched"
    with pytest.raises(RecordError):
        give_template(store, AMINA)
    lift(store, AMINA, (), "she may", TODAY)
    give_template(store, AMINA)


def test_the_templates_go_as_soon_as_no_purpose_with_a_yes_is_left(store: Store) -> None:
    give_template(store, AMINA)
    roster = stored_roster(store)
    assert roster is not None
    yes = {c.purpose for c in roster.subjects[AMINA].consents if c.aspect is Aspect.PHOTO}
    left = sorted(yes)[0]
    assert withdraw(store, AMINA, yes - {left}, WHY, TODAY).templates == 0
    assert withdraw(store, AMINA, [left], WHY, TODAY).templates == 1


def test_whoever_took_back_all_that_was_agreed_to_is_not_enrolled_again_until_a_form_says_more(store: Store) -> None:
    roster = stored_roster(store)
    assert roster is not None and AMINA in recognisable(store), "the control"
    consents = roster.subjects[AMINA].consents
    yes = {c.purpose for c in consents if c.aspect is Aspect.PHOTO and c.answer is Answer.YES}
    assert yes < frozenset(ASKED_PURPOSES), "the rest is not withdrawn, since it was never given"
    left = Purpose.YEARBOOK
    withdraw(store, AMINA, yes - {left}, WHY, TODAY)
    assert AMINA in recognisable(store)
    give_template(store, AMINA)
    withdraw(store, AMINA, [left], WHY, TODAY)
    assert AMINA not in recognisable(store) and templates(store) == 0
    give_template(store, AMINA)
    with store.atomic():
        assert drop_disallowed(store) == 1, "also where they come back, as from a backup"
    lift(store, AMINA, [left], "a new form", TODAY)
    assert AMINA in recognisable(store)


def test_all_purposes_named_one_by_one_are_everything(store: Store) -> None:
    for purpose in ASKED_PURPOSES:
        withdraw(store, AMINA, [purpose], WHY, TODAY)
    assert store.query("SELECT count(*) FROM recognisable WHERE subject_id = ?", (AMINA,)) == [(0,)]


def test_the_audit_trail_tells_of_it_without_number_name_or_reason(store: Store) -> None:
    withdraw(store, AMINA, [Purpose.YEARBOOK], WHY, TODAY)
    lift(store, AMINA, (), "changed her mind", TODAY)
    taken, given_back = audit.entries(store)[-2:]
    assert (taken.kind, given_back.kind) == ("withdrawn", "withdrawal_lifted")
    assert json.loads(taken.body)["purposes"] == ["yearbook"]
    assert json.loads(taken.body)["subject"] == json.loads(given_back.body)["subject"]
    for entry in (taken, given_back):
        assert not any(word in entry.body for word in (AMINA, "Amina", "mother", "mind"))


_CRASH = """
import os, signal, sys
from datetime import date
from pathlib import Path
from consent import Store, withdrawals
from consent.store import Store as S
path, at = Path(sys.argv[1]), int(sys.argv[2])
calls = 0
def counted(real):
    def call(self, *arguments):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *arguments)
    return call
with Store(path) as store:
    for name in ("insert_row", "change"):
        setattr(S, name, counted(getattr(S, name)))
    withdrawals.withdraw(store, "020411", (), "letter", date(2026, 11, 23))
print(calls)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so here")
def test_killed_anywhere_a_withdrawal_is_recorded_wholly_or_not_at_all(store: Store, tmp_path: Path) -> None:
    give_template(store, AMINA)
    store.close()
    before = (tmp_path / "school.imgguard").read_bytes()
    killed = 0
    for at in range(1, 20):
        path = tmp_path / f"{at}.imgguard"
        path.write_bytes(before)
        ended = subprocess.run(
            [sys.executable, "-c", _CRASH, str(path), str(at)], capture_output=True, check=False, cwd=Path.cwd()
        )
        with Store(path) as after:
            told = [entry.kind for entry in audit.entries(after)].count("withdrawn")
            if ended.returncode == 0:
                assert (withdrawn(after)[AMINA], templates(after), told) == (frozenset(ASKED_PURPOSES), 0, 1)
                break
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            killed += 1
            assert (withdrawn(after), templates(after), told) == ({}, 1, 0)
    assert killed >= 3, "there was something in the middle of which to be killed"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.frozensets(st.sampled_from(ASKED_PURPOSES), max_size=3)), min_size=1, max_size=8
    )
)
def test_whatever_is_withdrawn_and_lifted_in_whatever_order_the_answer_is_that_of_plain_sets(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, frozenset[Purpose]]]
) -> None:
    expected: frozenset[Purpose] = frozenset()
    with Store(tmp_path_factory.mktemp("w") / "school.imgguard") as store:
        for lifting, purposes in steps:
            asked = purposes or frozenset(ASKED_PURPOSES)
            if not lifting:
                withdraw(store, "1", purposes, "why", TODAY)
                expected |= asked
            elif expected & asked:
                lift(store, "1", purposes, "why", TODAY)
                expected -= asked
            else:
                with pytest.raises(WithdrawalError):
                    lift(store, "1", purposes, "why", TODAY)
            assert withdrawn(store).get("1", frozenset()) == expected
        trail = audit.entries(store)
        assert all(one.digest == two.prev for one, two in pairwise(trail))


PEOPLE = (
    Known("020411", "Amina Baptiste-Rowe", "Grade 8", True),
    Known("020448", "Theo Marchetti", "Grade 8", True),
    Known("7", "Amina Other", "", True),
    Known("007", "", "", False),
)


@pytest.mark.parametrize(
    ("typed", "exact", "alike", "named"),
    [
        ("020411", "020411", None, []),
        (" 020411 ", "020411", None, []),
        ("20411", None, "020411", []),
        ("7", "7", None, []),
        ("0007", None, None, []),
        ("amina", None, None, ["020411", "7"]),
        ("Rowe, Amina", None, None, ["020411"]),
        ("Marchetti", None, None, ["020448"]),
        ("020", None, None, []),
        ("", None, None, []),
    ],
)
def test_numbers_are_meant_exactly_or_uniquely_and_names_only_propose(
    typed: str, exact: str | None, alike: str | None, named: list[str]
) -> None:
    meant = who_is_meant(PEOPLE, typed)
    assert (meant.exact.subject_id if meant.exact else None) == exact
    assert (meant.alike.subject_id if meant.alike else None) == alike
    assert [person.subject_id for person in meant.named] == named


def test_people_are_known_by_roster_photo_or_withdrawal(store: Store) -> None:
    publish(store, [kept("031000")])
    withdraw(store, "031001", (), WHY, TODAY)
    known = {person.subject_id: person for person in known_people(store)}
    assert known[AMINA] == Known(AMINA, "Amina Baptiste-Rowe", "Grade 8", True)
    assert known["031000"] == Known("031000") and known["031001"] == Known("031001")
