"""Events: the photos that tell each other who is who.

They follow from the plan alone, so that one machine and many, and a run that was interrupted, come to the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from imgguard.linking import link_photos
from imgguard.marking import settle
from imgguard.pipeline import Examined
from imgguard.planning import Job
from imgguard.rules import Rules
from imgguard.tally import Shown, tally
from imgguard.types import Identification

# More photos are several events: what has to be held in memory at once has a bound.
MOST_PHOTOS = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """Photos that tell each other who is who.

    Attributes:
        numbers: Their places in the plan, ascending.
    """

    numbers: tuple[int, ...]


def events_of(jobs: Sequence[Job]) -> Iterator[Event]:
    """Part a plan into events: the photos of one source folder, in the order of the plan, in parts of equal size.

    Args:
        jobs: The photos of the plan.

    Yields:
        Events, each photo in exactly one of them, in the order of their first photos.
    """
    folders: dict[Path, list[int]] = defaultdict(list)
    for number, job in enumerate(jobs):
        folders[job.source.parent].append(number)
    for numbers in folders.values():
        yield from (Event(part) for part in _parts(numbers))


def _parts(numbers: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Part evenly: a last part of one photo would have nobody to tell it anything."""
    count = -(-len(numbers) // MOST_PHOTOS)
    for part in range(count):
        yield tuple(numbers[part * len(numbers) // count : (part + 1) * len(numbers) // count])


def link_and_tally(photos: Sequence[Examined], rules: Rules, shown: Shown | None = None) -> tuple[Examined, ...]:
    """Let the photos of an event tell each other who is who and how often, in the order in which they are given.

    Args:
        photos: The photos that could be examined.
        rules: What holds for the run.
        shown: Who was shown on which photos of earlier events; these photos are added. None for no earlier ones.
    """
    if rules.gallery is None or (len(photos) < 2 and shown is None):
        return tuple(photos)
    linked = (
        link_photos([one.found for one in photos], rules.gallery) if len(photos) > 1 else [one.found for one in photos]
    )
    return tally([_said(one, faces, rules) for one, faces in zip(photos, linked, strict=True)], rules, shown)


def _said(photo: Examined, found: Sequence[Identification], rules: Rules) -> Examined:
    """Take into account what a person said of a photo, so that whoever was named counts like the others."""
    return replace(photo, found=settle(found, rules.marks.get(photo.sha256, ()), rules).found)
