"""Count how often each person is shown in a run: limits of a procedure hold within it, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from consent.model import Aspect
from consent.policy import Verdict
from consent.procedures import Case, Circumstances
from consent.roster import Finding
from imgguard.judging import decide_faces
from imgguard.pipeline import Examined
from imgguard.rules import Rules
from imgguard.types import PhotoResult

# By number, the digests of the photos of a run that show somebody.
Shown = defaultdict[str, set[str]]


def nobody_shown() -> Shown:
    """Begin to count."""
    return defaultdict(set)


def tally(photos: Sequence[Examined], rules: Rules, shown: Shown | None = None) -> tuple[Examined, ...]:
    """Tell each photo on how many earlier ones of the run each person is shown.

    The photos count in the order that is given, so that it does not matter which worker is faster. A photo that is
    refused later has counted, which may cover somebody who could have been shown, and never the other way round.

    Args:
        photos: The photos, in the order of the plan.
        rules: What holds for the run.
        shown: What earlier photos of the run came to, to which these are added; None where there were none.
    """
    if not rules.counts:
        return tuple(photos)
    shown = nobody_shown() if shown is None else shown
    told = []
    for photo in photos:
        earlier = {number: len(sources - {photo.sha256}) for number, sources in shown.items()}
        photo = replace(photo, scene=replace(photo.scene, earlier=earlier))
        told.append(photo)
        for decision in decide_faces(photo.found, rules, photo.scene):
            number = decision.subject_id
            if decision.verdict is Verdict.KEEP and number and photo.sha256 not in rules.published.get(number, ()):
                shown[number].add(photo.sha256)
    return tuple(told)


def shown_often(results: Sequence[PhotoResult], rules: Rules) -> tuple[Finding, ...]:
    """Tell who is shown more often than a procedure means, where it only wants that to be told."""
    return tuple(_often(results, rules)) if rules.counts else ()


def _often(results: Sequence[PhotoResult], rules: Rules) -> Iterator[Finding]:
    assert rules.purpose is not None
    sources: dict[str, set[str]] = defaultdict(set)
    for result in results:
        for face in result.faces:
            if result.refusal is None and result.sha256 and face.decision.verdict is Verdict.KEEP:
                sources[face.decision.subject_id or ""].add(result.sha256)
    for number, now in sorted(sources.items()):
        person = rules.subjects.get(number)
        if person is None:
            continue
        total = len(now | rules.published.get(number, frozenset()))
        case = Case(person, rules.purpose, Aspect.PHOTO, rules.on, (), Circumstances(published=total - 1))
        for rule in rules.policy.warnings(case):
            days = rules.policy.limit_days(rules.purpose)
            what = f"{number} is shown on {total} photos for {rules.purpose.value} within {days} days"
            yield Finding(rules.policy.cited(rule), None, f"{what}: {rule.says}")
