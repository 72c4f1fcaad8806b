"""Decide about all faces of a photo: what a procedure asks about groups, distances and limits needs them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from consent.policy import Decision, Verdict
from consent.procedures import Circumstances
from imgguard.cropping import LEAST_SHARE
from imgguard.types import Source, Treatment

if TYPE_CHECKING:
    from imgguard.rules import Rules
    from imgguard.types import Identification, Photo


@dataclass(frozen=True, slots=True)
class Scene:
    """What limits and distances are measured by.

    Attributes:
        sha256: Digest of the photo's file.
        height: Of the photo, upright, in pixels.
        earlier: On how many photos before this one in the run each person is shown, those that the record knows and
            this one not counted; by number.
    """

    sha256: str
    height: int
    earlier: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, photo: Photo) -> Self:
        """Make one for a photo alone."""
        return cls(photo.sha256, photo.size[1])


def decide_faces(found: Sequence[Identification], rules: Rules, scene: Scene) -> tuple[Decision, ...]:
    """Decide about each face of a photo.

    Where people are cropped out, only those who stay make the group.
    """
    decisions = _decided(found, rules, scene, sum(map(_is_somebody, found)))
    if rules.covering.treatment is not Treatment.CROP:
        return decisions
    stay = (decision.verdict is Verdict.KEEP for decision in decisions)
    return _decided(found, rules, scene, sum(_is_somebody(one) for one, kept in zip(found, stay, strict=True) if kept))


def _is_somebody(found: Identification) -> bool:
    """Say whether a face makes a group larger: one that only a person has seen, or found to be none, does not."""
    return not found.nobody and found.probe.detection.source is not Source.OPERATOR


def _decided(found: Sequence[Identification], rules: Rules, scene: Scene, faces: int) -> tuple[Decision, ...]:
    return tuple(rules.decide(one, _circumstances(one, rules, scene, faces)) for one in found)


def _circumstances(found: Identification, rules: Rules, scene: Scene, faces: int) -> Circumstances:
    # A crop brings everybody nearer; how much is known only afterwards, so the most is taken.
    height = scene.height * (LEAST_SHARE if rules.covering.treatment is Treatment.CROP else 1)
    box = found.probe.detection.box
    return replace(
        rules.circumstances,
        faces=faces,
        face_share=(box.y2 - box.y1) / height,
        published=published_on(found.subject_id, rules, scene) if rules.counts else None,
    )


def published_on(subject_id: str | None, rules: Rules, scene: Scene) -> int:
    """Give on how many other photos somebody was published lately, earlier ones of this run included."""
    if subject_id is None:
        return 0
    recorded = rules.published.get(subject_id, frozenset())
    return len(recorded - {scene.sha256}) + scene.earlier.get(subject_id, 0)
