"""What a person says about a photo: it covers anything, and shows nobody whom the roster does not show."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from consent import Reason, Verdict, decide
from consent.model import Hold
from consent.policy import Decision
from consent.procedures import GroupOf, Policy, Rule
from imgguard import BoundingBox, Candidate, FaceResult, Guard, Identification, Outcome, Probe, Source, Style
from imgguard.backends import default_backends
from imgguard.covers import cover_mask
from imgguard.detect import detect_faces
from imgguard.errors import PhotoWithheld
from imgguard.identify import Gallery
from imgguard.judging import Scene, decide_faces
from imgguard.marking import Settled, lay_covers, settle
from imgguard.marks import Mark, MarkKind, MarkRefused, check_mark, likely_people, possible
from imgguard.photo import load_photo
from imgguard.pipeline import decided_faces, examine_loaded, prepare_loaded
from imgguard.redact import redact
from imgguard.required import cover_required
from imgguard.rules import Covering, Rules
from imgguard.types import CleanedPhoto, Photo, Required, Treatment
from imgguard.verify import area_left
from tests.conftest import SAMPLES, TODAY
from tests.consent.test_policy_promise import CHILD, PURPOSE
from tests.fakes import FACE_COLOUR, SquareDetector, detection_at, fake_backends
from tests.imgguard.test_judging import asking

GROUP = SAMPLES / "event" / "event_01_class_photo.jpg"
EVENING = SAMPLES / "event" / "event_07_evening.jpg"
COVER, NOBODY, PERSON = MarkKind
# Somebody whose consent covers the website and who is not in that photo.
AWAY = "020596"
SEARCHES = (None, *(one for one in Outcome if one is not Outcome.CONFIRMED))
PEOPLE = {
    "yes": replace(CHILD, subject_id="yes"),
    "also": replace(CHILD, subject_id="also"),
    "unseen": replace(CHILD, subject_id="unseen", biometric_ok=False),
    "no": replace(CHILD, subject_id="no", consents=()),
    "held": replace(CHILD, subject_id="held", holds=frozenset({Hold.DO_NOT_PUBLISH})),
    "gone": replace(CHILD, subject_id="gone", withdrawn=frozenset({PURPOSE})),
}
SIZE = (1000, 800)
NO_GALLERY = Gallery.from_references([])
RULES = Rules(PURPOSE, PEOPLE, NO_GALLERY, TODAY, Style.SOLID, None)


def mark(kind: MarkKind, box: BoundingBox, subject_id: str | None = None) -> Mark:
    return Mark(kind, box, subject_id, "A. Operator", "2026-11-23T10:00:00+00:00")


def searched(
    place: int,
    outcome: Outcome | None,
    *candidates: tuple[str, float],
    score: float = 0.9,
    source: Source = Source.YUNET,
) -> Identification:
    """The face at one of several places side by side."""
    probe = Probe(detection_at(20 + 150 * place, 40, 80, 100, source, score), None, None)
    threshold = None if outcome is None else 0.5
    return Identification(probe, tuple(Candidate(*one) for one in candidates), outcome, threshold)


def box_of(face: Identification) -> BoundingBox:
    return face.probe.detection.box


def judged(found: Sequence[Identification], marks: Sequence[Mark], rules: Rules = RULES) -> tuple[FaceResult, ...]:
    """What comes of faces and marks, required places last, as in the pipeline."""
    said = settle(found, marks, rules)
    decisions = decide_faces(said.found, rules, Scene("a" * 64, SIZE[1]))
    faces = [face_result(one, decision) for one, decision in zip(said.found, decisions, strict=True)]
    changed, areas = lay_covers(faces, said, rules, SIZE)
    after, added = cover_required([*changed, *areas], rules.required.get("a" * 64, ()), rules)
    return (*after, *added)


def face_result(found: Identification, decision: Decision) -> FaceResult:
    from imgguard.covers import cover_for

    cover = cover_for(found.probe.detection, Style.SOLID) if decision.verdict is Verdict.COVER else None
    told = found.candidates, found.outcome, found.threshold
    return FaceResult(found.probe.detection, None, *told, decision, cover, searched=found.searched)


# What may be said.


@pytest.mark.parametrize("outcome", SEARCHES)
@pytest.mark.parametrize(("score", "source"), [(0.4, Source.YUNET), (0.7, Source.YUNET), (0.95, Source.BOTH)])
def test_a_cover_comes_off_only_where_the_search_is_unsure_of_a_face_and_knows_nobody(
    outcome: Outcome | None, score: float, source: Source
) -> None:
    (face,) = judged([searched(0, outcome, ("no", 0.6), score=score, source=source)], [])
    kinds = possible(face, RULES)
    assert COVER in kinds
    assert (NOBODY in kinds) == (score < 0.6 and outcome in (None, Outcome.NON_MATCH, Outcome.NOT_COMPARABLE))
    assert (PERSON in kinds) == (outcome is not Outcome.MATCH)
    assert PERSON not in possible(face, replace(RULES, purpose=None)), "nobody can be named without a purpose"


def test_what_is_no_number_counts_as_sure() -> None:
    (face,) = judged([searched(0, None, score=float("nan"))], [])
    assert NOBODY not in possible(face)


def refused(what: Mark, faces: Sequence[FaceResult], rules: Rules = RULES) -> str:
    with pytest.raises(MarkRefused) as caught:
        check_mark(what, faces, rules)
    assert caught.value.remedy
    return caught.value.what


def test_what_may_not_be_said_is_refused_with_the_reason() -> None:
    known, stranger, blurred = (
        searched(0, Outcome.MATCH, ("no", 0.9)), searched(1, Outcome.NON_MATCH, ("yes", 0.3)),
        searched(2, Outcome.NOT_COMPARABLE, score=0.4),
    )  # fmt: skip
    faces = judged([known, stranger, blurred], [mark(PERSON, box_of(stranger), "also")])
    there, other, third = (box_of(one) for one in (known, stranger, blurred))
    assert "sure" in refused(mark(NOBODY, there), faces)
    assert "cannot be named anew" in refused(mark(PERSON, there, "yes"), faces)
    assert "has that number" in refused(mark(PERSON, third, "somebody"), faces)
    assert "has that number" in refused(mark(PERSON, third, None), faces)
    assert "twice" in refused(mark(PERSON, third, "also"), faces)
    assert "twice" in refused(mark(PERSON, third, "no"), faces)
    assert "roster and a purpose" in refused(mark(PERSON, third, "yes"), faces, replace(RULES, purpose=None))
    assert "No face" in refused(mark(NOBODY, BoundingBox(700, 600, 760, 660)), faces)
    assert "nothing in that place" in refused(mark(COVER, BoundingBox(5, 5, 5, 50)), faces)
    for allowed in (mark(NOBODY, third), mark(PERSON, third, "yes"), mark(COVER, there), mark(PERSON, other, "also")):
        check_mark(allowed, faces, RULES)


def test_where_the_search_was_undecided_only_those_it_could_not_tell_apart_can_be_named() -> None:
    doubtful = searched(0, Outcome.AMBIGUOUS, ("no", 0.62), ("yes", 0.58), ("also", 0.4))
    (face,) = faces = judged([doubtful], [])
    assert {one.subject_id for one in likely_people(face, RULES)} == {"no", "yes"}
    assert "resembles others" in refused(mark(PERSON, box_of(doubtful), "also"), faces)
    (named,) = judged([doubtful], [mark(PERSON, box_of(doubtful), "yes")])
    assert (named.outcome, named.searched, named.decision.reason) == (
        Outcome.CONFIRMED, Outcome.AMBIGUOUS, Reason.CONSENTED,
    )  # fmt: skip
    (left,) = judged([doubtful], [mark(PERSON, box_of(doubtful), "also")])
    assert left.decision.reason is Reason.AMBIGUOUS and left.cover is not None
    for clear in (Outcome.NON_MATCH, Outcome.NOT_COMPARABLE):
        check_mark(mark(PERSON, box_of(doubtful), "also"), judged([replace(doubtful, outcome=clear)], []), RULES)


def test_the_likeliest_people_come_first_and_each_with_what_the_forms_say(guard: Guard) -> None:
    photo = load_photo(GROUP)
    faces = decided_faces(photo, guard.rules, default_backends())
    (stranger,) = (face for face in faces if face.outcome is Outcome.NON_MATCH)
    people = likely_people(stranger, guard.rules)
    scores = [one.score for one in people]
    assert len(people) == 5 and scores == sorted(scores, key=lambda score: -(score or 0))
    assert {one.decision.verdict for one in people} == set(Verdict)
    (asked,) = likely_people(stranger, guard.rules, "jun tan")
    assert asked.name == "Jun Tanaka-Wells" and asked.score is not None
    (by_number,) = likely_people(stranger, guard.rules, "020781")
    assert by_number.score is None, "not among the similar ones"
    known = next(face for face in faces if face.outcome is Outcome.MATCH)
    assert likely_people(known, guard.rules, "jun") == ()


# What is done.


def test_whoever_is_named_is_judged_by_the_roster_and_needs_not_be_recognisable() -> None:
    stranger = searched(0, Outcome.NON_MATCH)
    reasons = {
        number: judged([stranger], [mark(PERSON, box_of(stranger), number)])[0].decision.reason for number in PEOPLE
    }
    assert reasons == {
        "yes": Reason.CONSENTED, "also": Reason.CONSENTED, "unseen": Reason.CONSENTED, "no": Reason.BLANK,
        "held": Reason.DO_NOT_PUBLISH, "gone": Reason.WITHDRAWN,
    }  # fmt: skip
    matched = searched(0, Outcome.MATCH, ("unseen", 0.9))
    assert judged([matched], [])[0].decision.reason is Reason.NO_BIOMETRICS, "by the machine, it is asked for"


def test_a_named_person_counts_towards_nothing_more_than_anybody_recognised() -> None:
    small = replace(RULES, policy=asking(GroupOf(3)))
    faces = [searched(n, Outcome.MATCH, (number, 0.9)) for n, number in enumerate(("yes", "also"))]
    third = searched(2, Outcome.NON_MATCH, score=0.4)
    shown = [face.decision.reason for face in judged([*faces, third], [mark(PERSON, box_of(third), "unseen")], small)]
    assert shown == [Reason.CONSENTED] * 3
    nobody = judged([*faces, third], [mark(NOBODY, box_of(third))], small)
    assert [face.decision.reason for face in nobody] == [Reason.GROUP_TOO_SMALL] * 2 + [Reason.NOBODY_THERE]
    drawn = judged(faces, [mark(PERSON, BoundingBox(600, 400, 680, 500), "unseen")], small)
    assert {face.decision.reason for face in drawn} == {Reason.GROUP_TOO_SMALL}, "nobody is drawn into a group"


def test_of_what_is_said_of_a_place_the_last_counts_and_what_may_not_be_done_takes_nothing_back() -> None:
    kept = searched(0, Outcome.MATCH, ("yes", 0.9))
    doubtful = searched(1, Outcome.NON_MATCH, score=0.4)
    here, there = box_of(kept), box_of(doubtful)
    orders = [
        ([mark(COVER, here), mark(NOBODY, here), mark(PERSON, here, "also")], Reason.COVERED_BY_OPERATOR),
        ([mark(COVER, there), mark(NOBODY, there)], Reason.NOBODY_THERE),
        ([mark(NOBODY, there), mark(COVER, there)], Reason.COVERED_BY_OPERATOR),
        ([mark(PERSON, there, "also"), mark(PERSON, there, "no")], Reason.BLANK),
        ([mark(PERSON, there, "no"), mark(PERSON, there, "also")], Reason.CONSENTED),
        ([mark(PERSON, there, "yes")], Reason.NO_MATCH),
    ]
    for marks, reason in orders:
        meant = 0 if marks[0].box == here else 1
        faces = judged([kept, doubtful], marks)
        told = faces[meant].decision.reason
        if marks[-1].kind is COVER and meant == 1:
            assert faces[1].cover is not None
            continue
        assert told is reason, marks


def near(box: BoundingBox, by: float) -> BoundingBox:
    return BoundingBox(box.x1 + by, box.y1 - by / 2, box.x2 + by, box.y2 - by / 2)


@pytest.mark.parametrize("by", [0, 1e-9, 0.4, 12.0])
def test_a_mark_finds_its_face_however_slightly_the_box_differs(by: float) -> None:
    kept, doubtful = searched(0, Outcome.MATCH, ("yes", 0.9)), searched(1, Outcome.NON_MATCH, score=0.4)
    faces = judged([kept, doubtful], [mark(COVER, near(box_of(kept), by)), mark(NOBODY, near(box_of(doubtful), by))])
    assert [face.decision.reason for face in faces[:2]] == [Reason.COVERED_BY_OPERATOR, Reason.NOBODY_THERE]
    far = judged([doubtful], [mark(NOBODY, near(box_of(doubtful), 70))])
    assert far[0].cover is not None, "the control: that is another place"


def test_a_drawn_cover_takes_whoever_is_under_it_and_leaves_those_beside_it() -> None:
    three = [searched(n, Outcome.MATCH, (number, 0.9)) for n, number in enumerate(("yes", "also", "no"))]
    drawn = mark(COVER, BoundingBox(5, 30, 260, 200))
    one, two, three_, area = judged(three, [drawn])
    assert (one.decision.reason, two.decision.reason) == (Reason.COVERED_BY_OPERATOR,) * 2
    assert one.decision.subject_id == "yes", "who is under it stays known"
    assert three_.decision.reason is Reason.BLANK and area.is_area
    beside = judged(three, [mark(COVER, BoundingBox(5, 141, 1000, 400))])
    assert beside[0].cover is None and beside[-1].is_area
    again = judged(three, [drawn, mark(PERSON, box_of(three[0]), "yes")])
    assert again[0].cover is not None, "the drawn cover wins, whatever is said of who is under it"


_PLACES = st.integers(0, 4)
_FOUND = st.lists(
    st.tuples(
        st.sampled_from(SEARCHES), st.sampled_from(list(PEOPLE)), st.sampled_from(list(PEOPLE)),
        st.sampled_from([0.3, 0.59, 0.61, 0.95, float("nan")]), st.sampled_from([Source.YUNET, Source.BOTH]),
    ),
    max_size=5, unique_by=lambda told: told[1],
)  # fmt: skip
_MARKS = st.lists(
    st.tuples(
        st.sampled_from(MarkKind), _PLACES, st.sampled_from([0.0, 3.0, 40.0, 75.0]),
        st.sampled_from([*PEOPLE, "nobody", None]),
    ),
    max_size=6,
)  # fmt: skip


def found_of(told: Sequence[Any]) -> list[Identification]:
    return [
        searched(n, outcome, (first, 0.6), (second, 0.55), score=score, source=source)
        for n, (outcome, first, second, score, source) in enumerate(told)
    ]


def marks_of(told: Sequence[Any]) -> list[Mark]:
    return [mark(kind, near(box_of(searched(place, None)), by), who) for kind, place, by, who in told]


def may_be_shown(number: str) -> bool:
    return decide(replace(PEOPLE[number], biometric_ok=True), PURPOSE, TODAY).verdict is Verdict.KEEP


@given(_FOUND, _MARKS, st.booleans())
@settings(max_examples=600, deadline=None)
def test_whatever_is_said_nobody_is_shown_whom_the_roster_covers(
    told: Sequence[Any], said: Sequence[Any], required: bool
) -> None:
    found, marks = found_of(told), marks_of(said)
    gone = Decision(Verdict.COVER, Reason.WITHDRAWN, "gone")
    places = {"a" * 64: (Required(box_of(searched(0, None)), 0.9, gone),)} if required else {}
    rules = replace(RULES, required=places)
    faces = judged(found, marks, rules)
    plain = judged(found, [], rules)
    for face in faces:
        if face.cover is not None:
            continue
        number = face.decision.subject_id
        if number is None:
            assert face.decision.reason is Reason.NOBODY_THERE
            assert face.detection.score < 0.6 and face.outcome in (None, Outcome.NON_MATCH, Outcome.NOT_COMPARABLE)
        else:
            assert may_be_shown(number) and face.decision.relied
    shown = [face.decision.subject_id for face in faces if face.decision.subject_id and face.outcome is not None]
    # Required places tell of others than were found, who may be the same.
    assert required or len(shown) == len(set(shown)), "nobody is in a photo twice"
    for before, after in zip(plain, faces, strict=False):
        if before.outcome is Outcome.MATCH and before.cover is not None:
            assert after.cover is not None, "whoever was recognised and must be covered stays covered"
    if required:
        assert any(face.cover and face.detection.box.iou(box_of(searched(0, None))) > 0.4 for face in faces)


@given(_FOUND, _MARKS)
@settings(max_examples=300, deadline=None)
def test_doing_it_twice_is_doing_it_once_and_taking_it_back_leaves_nothing(
    told: Sequence[Any], said: Sequence[Any]
) -> None:
    def facts(settled: Settled) -> list[tuple[object, ...]]:
        return [
            (box_of(one), one.outcome, one.searched, one.confirmed, one.nobody, one.subject_id) for one in settled.found
        ]

    found, marks = found_of(told), marks_of(said)
    once = settle(found, marks, RULES)
    twice = settle(once.found, marks, RULES)
    assert facts(once) == facts(twice) and (once.marks, once.open) == (twice.marks, twice.open)
    assert facts(settle(once.found, [], RULES)) == facts(settle(found, [], RULES))


_DRAWN = st.builds(
    lambda x, y, width, height: BoundingBox(x, y, x + width, y + height),
    st.floats(-50, 350), st.floats(-50, 250), st.floats(3, 400), st.floats(3, 300),
)  # fmt: skip


@given(_DRAWN, st.sampled_from(Style), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_drawn_cover_holds_its_whole_rectangle_in_every_style(box: BoundingBox, style: Style, kept: bool) -> None:
    rules = replace(RULES, style=style)
    beside = Identification(Probe(detection_at(100, 100, 60, 80), None, None), (), None, None)
    faces = [face_result(beside, Decision(Verdict.KEEP, Reason.CONSENTED, "yes"))]
    settled = Settled((), (mark(COVER, box),), ())
    changed, areas = lay_covers(faces if kept else [], settled, rules, (400, 300))
    covers = [one.cover for one in (*changed, *areas) if one.cover]
    spared = [one.detection.box for one in changed if one.cover is None]
    seen = box.clipped((400, 300))
    x1, y1, x2, y2 = (int(value) for value in (seen.x1, seen.y1, seen.x2, seen.y2))
    assert cover_mask(covers, spared, (400, 300))[y1:y2, x1:x2].all()
    if seen.width < 12 or seen.height < 12:
        return
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    after = redact(noise, covers, spared)
    assert all(area_left(noise, noise, one.detection.box) > 0.99 for one in areas), "the control"
    assert all(area_left(noise, after, one.detection.box) < 0.75 for one in areas)


# The whole way, with real pictures.


def cleaned(photo: Photo, guard: Guard, *marks: Mark, **changes: Any) -> CleanedPhoto:
    rules = replace(guard.rules, marks={photo.sha256: marks}, **changes)
    return prepare_loaded(photo, rules, default_backends())


def same(photo: Photo, made: CleanedPhoto, box: BoundingBox) -> bool:
    """Whether a place looks in the published file as in the source."""
    after = np.asarray(Image.open(io.BytesIO(made.content)).convert("RGB"))
    x1, y1, x2, y2 = (int(value) for value in (box.x1 + 2, box.y1 + 2, box.x2 - 2, box.y2 - 2))
    there = after[y1:y2, x1:x2].astype(int) - photo.pixels[y1:y2, x1:x2].astype(int)
    return bool(np.abs(there).mean() < 4)


def test_marks_are_seen_in_the_published_pixels_and_those_that_are_not_allowed_are_not(guard: Guard) -> None:
    photo = load_photo(EVENING)
    plain = cleaned(photo, guard)
    assert AWAY not in {face.decision.subject_id for face in plain.faces}
    doubtful = next(face for face in plain.faces if NOBODY in possible(face)).detection.box
    kept = next(face for face in plain.faces if face.cover is None).detection.box
    hidden = next(face for face in plain.faces if face.decision.reason is Reason.DO_NOT_PUBLISH).detection.box
    stranger = next(face for face in plain.faces if PERSON in possible(face) and NOBODY not in possible(face))
    badge = BoundingBox(100, 1000, 700, 1040)
    asked = (
        mark(NOBODY, doubtful), mark(COVER, kept), mark(COVER, badge), mark(PERSON, stranger.detection.box, AWAY),
        mark(NOBODY, hidden), mark(PERSON, hidden, "020707"),
    )  # fmt: skip
    made = cleaned(photo, guard, *asked)
    assert made.check.ok and made.marks == asked[:4], "what was done is told, and nothing else"
    places = doubtful, kept, badge, stranger.detection.box, hidden
    seen = [(same(photo, plain, box), same(photo, made, box)) for box in places]
    assert seen == [(False, True), (True, False), (True, False), (False, True), (False, False)]
    without = cleaned(photo, guard, mark(PERSON, stranger.detection.box, "020485"))
    assert not same(photo, without, stranger.detection.box), "whoever has no consent stays covered when named"


def test_the_same_comes_of_marks_when_who_is_there_was_found_before(guard: Guard) -> None:
    photo = load_photo(GROUP)
    known = examine_loaded(photo, guard.rules, default_backends())
    stranger = next(one for one in known.found if one.outcome is Outcome.NON_MATCH)
    rules = replace(guard.rules, marks={photo.sha256: (mark(PERSON, box_of(stranger), "020781"),)})
    faces = [decided_faces(photo, rules, default_backends(), each) for each in (None, known)]
    told = [[(face.decision, face.outcome) for face in one] for one in faces]
    assert told[0] == told[1] and (Outcome.CONFIRMED in dict(map(reversed, told[0])))  # type: ignore[arg-type]


def test_required_places_win_over_everything_that_is_said(guard: Guard) -> None:
    photo = load_photo(EVENING)
    doubtful = next(face for face in decided_faces(photo, guard.rules, default_backends()) if NOBODY in possible(face))
    gone = Decision(Verdict.COVER, Reason.WITHDRAWN, "020411")
    required = {photo.sha256: (Required(doubtful.detection.box, 0.9, gone),)}
    said = mark(NOBODY, doubtful.detection.box)
    assert not same(photo, cleaned(photo, guard, said, required=required), doubtful.detection.box)
    assert same(photo, cleaned(photo, guard, said), doubtful.detection.box), "the control"


def test_without_recognition_covers_and_false_covers_are_marked_and_nobody_is_named(covering_guard: Guard) -> None:
    photo = load_photo(GROUP)
    plain = cleaned(photo, covering_guard)
    doubtful = next(face for face in plain.faces if face.detection.score < 0.6)
    sure = next(face for face in plain.faces if face.detection.score > 0.9)
    asked = mark(NOBODY, doubtful.detection.box), mark(PERSON, sure.detection.box, "020411")
    made = cleaned(photo, covering_guard, *asked, mark(NOBODY, sure.detection.box))
    assert made.marks == asked[:1]
    assert {face.decision.reason for face in made.faces} == {Reason.NO_RECOGNITION, Reason.NOBODY_THERE}
    assert "roster and a purpose" in refused(asked[1], plain.faces, covering_guard.rules)


def test_a_covered_face_is_cropped_or_drops_the_photo_and_a_drawn_area_does_neither(guard: Guard) -> None:
    photo = load_photo(SAMPLES / "event" / "event_09_one.jpg")
    (face,) = decided_faces(photo, guard.rules, default_backends())
    box = face.detection.box
    dropping = Covering(treatment=Treatment.DROP)
    with pytest.raises(PhotoWithheld, match="covered by the operator"):
        cleaned(photo, guard, mark(COVER, box), covering=dropping)
    area = BoundingBox(20, 900, 300, 1000)
    made = cleaned(photo, guard, mark(COVER, area), covering=dropping)
    assert not same(photo, made, area) and same(photo, made, box)
    cropped = cleaned(photo, guard, mark(COVER, area), covering=Covering(treatment=Treatment.CROP))
    assert cropped.window is None
    edge = cleaned(photo, guard, mark(COVER, box), covering=Covering(treatment=Treatment.CROP))
    assert edge.window is None or edge.faces[0].cropped_out


class LateDetector(SquareDetector):
    """Finds squares of another colour besides, but not at the scales at which it was first used."""

    late_score = 0.9
    blind: frozenset[tuple[int, int]] = frozenset()

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Any]:
        found = super().detect(pixels, min_score)
        if pixels.shape[:2] in self.blind:
            return found
        near = cv2.inRange(pixels, tuple(v - 60 for v in LATE), tuple(v + 60 for v in LATE))
        painted = np.where(near[..., None] > 0, np.uint8(FACE_COLOUR), np.uint8(0))
        late = super().detect(painted, 0)
        return [*found, *(replace(one, score=self.late_score) for one in late if self.late_score >= min_score)]


LATE = (60, 190, 60)


@pytest.fixture
def late(tmp_path: Path) -> Callable[[float], tuple[Photo, Any, BoundingBox]]:
    """A picture with a face that only the check finds, with a given score, beside another."""

    def make(score: float) -> tuple[Photo, Any, BoundingBox]:
        picture = np.random.default_rng(0).integers(90, 110, (480, 640, 3), np.uint8)
        cv2.rectangle(picture, (60, 60), (119, 119), FACE_COLOUR, -1)
        cv2.rectangle(picture, (300, 200), (339, 239), LATE, -1)
        path = tmp_path / "late.png"
        Image.fromarray(picture).save(path)
        photo = load_photo(path)
        detector = LateDetector()
        detector.late_score = score
        detect_faces(photo, fake_backends(detector), covering_rules().search)
        detector.blind = frozenset(detector.seen)
        return photo, fake_backends(detector), BoundingBox(300, 200, 340, 240)

    return make


def covering_rules(*marks: tuple[str, Mark]) -> Rules:
    return Rules(None, {}, None, TODAY, Style.SOLID, None, marks={sha256: (one,) for sha256, one in marks})


@pytest.mark.parametrize(("score", "shown"), [(0.55, True), (0.95, False)])
def test_a_face_that_only_the_check_finds_is_let_off_where_the_check_is_unsure(
    late: Callable[[float], tuple[Photo, Any, BoundingBox]], score: float, shown: bool
) -> None:
    photo, backends, box = late(score)
    plain = prepare_loaded(photo, covering_rules(), backends)
    *_, found = plain.faces
    assert found.decision.reason is Reason.FOUND_BY_CHECK, "the control: it is found there"
    said = mark(NOBODY, found.detection.box)
    made = prepare_loaded(photo, covering_rules((photo.sha256, said)), backends)
    assert made.marks == ((said,) if shown else ())
    assert same(photo, made, box) is shown and not same(photo, plain, box)
    gone = Required(box, 0.9, Decision(Verdict.COVER, Reason.WITHDRAWN, "020411"))
    rules = replace(covering_rules((photo.sha256, said)), required={photo.sha256: (gone,)})
    assert not same(photo, prepare_loaded(photo, rules, backends), box)


def test_whoever_only_the_check_finds_can_be_named_and_is_then_judged(
    late: Callable[[float], tuple[Photo, Any, BoundingBox]],
) -> None:
    photo, backends, box = late(0.95)
    for number, shown in (("yes", True), ("held", False)):
        said = mark(PERSON, box, number)
        rules = replace(covering_rules((photo.sha256, said)), purpose=PURPOSE, subjects=PEOPLE)
        made = prepare_loaded(photo, rules, backends)
        assert same(photo, made, box) is shown and made.check.ok
        assert made.faces[-1].decision.subject_id == number


def test_limits_of_a_procedure_are_asked_of_named_people_too() -> None:
    large = Policy("p", "", "", (Rule("x", "1", "", condition=GroupOf(2)),))
    stranger = searched(0, Outcome.NON_MATCH)
    (alone,) = judged([stranger], [mark(PERSON, box_of(stranger), "yes")], replace(RULES, policy=large))
    assert alone.decision.reason is Reason.GROUP_TOO_SMALL
