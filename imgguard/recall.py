"""Enrol people for longer than one run: into the school file, a photo once, and read them from it.

Look-alikes are kept and left out only when templates are used: whoever could be taken for somebody else must not come
to be enrolled alone, only because the other one's photo was in another folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from consent import audit
from consent.model import Reference, Subject
from consent.roster import Finding, Roster
from consent.templates import drop_disallowed, drop_templates, read_templates, recognisable, save_templates
from imgguard.enroll import (
    Enrolment,
    Named,
    photos_of,
    read_reference,
    summary,
    without_contradictions,
    without_look_alikes,
)

if TYPE_CHECKING:
    from consent.store import Store
    from consent.vault import Vault
    from imgguard.backends import Backends


@dataclass(frozen=True, slots=True)
class Kept:
    """What an enrolment into the school file came to.

    Attributes:
        enrolment: Everybody who may be used now, from these ID photos and from earlier ones.
        computed: Templates that were made now.
        known: Templates of these ID photos that were there already.
        dropped: Templates that are gone: their photo was changed or taken away, or their person may not be recognised.
    """

    enrolment: Enrolment
    computed: int
    known: int
    dropped: int


def recall(store: Store, vault: Vault, people: Mapping[str, Subject], backends: Backends, on: date) -> Enrolment:
    """Give the references of the school file that may be used: the gallery of a run without ID photos.

    Args:
        store: The school file.
        vault: Its key.
        people: Who is to be known: all of `consent.people.stored_roster`, or some of them; see `people_of`.
        backends: The models; templates of other models are not used.
        on: The day of the run.
    """
    findings: list[Finding] = []
    usable = _stored(store, vault, backends, on, findings)
    used = [named for named in without_look_alikes(usable, store.path.name, findings) if _owner(named) in people]
    return summary(used, _wanted(people, recognisable(store)), findings, store.path.name, store.path.name, on)


def enroll_into(
    store: Store,
    vault: Vault,
    folder: Path,
    people: Mapping[str, Subject],
    roster: Roster,
    backends: Backends,
    on: date,
    expires_on: date,
    *,
    old_photos: bool = False,
) -> Kept:
    """Bring the templates of the school file up to date with a folder of ID photos.

    A photo that was enrolled before is known by its digest and not computed again; only its last day is set anew. A
    person's photos of this folder take the place of those from earlier, and of what was kept of confirmed faces (see
    `imgguard.references`); who has none in it keeps the earlier ones.

    Args:
        store: The school file.
        vault: Its key.
        folder: The ID photos: a folder, a zip or an index; see `imgguard.portrait_sources.find_portraits`.
        people: Who is to be enrolled, if they may be recognised.
        roster: Everybody.
        backends: The models.
        on: Today.
        expires_on: The last day on which these templates may be used.
        old_photos: Whether photos older than 36 months are used.

    Raises:
        SetupError: if the folder cannot be read; nothing is changed.
        RecordError: if the school file cannot be written; nothing is changed.
    """
    stored = read_templates(store, vault, on, backends.embedder.model_id)
    known = {(one.reference.subject_id, one.photo_sha256): one.reference for one in stored.stored}
    allowed = recognisable(store)
    asked = {number: person for number, person in people.items() if number in allowed}
    photos = photos_of(folder, asked, roster)
    findings = list(photos.findings)
    read = [
        read_reference(photo, backends, on, expires_on, findings, old_photos=old_photos, known=known)
        for photo in photos
    ]
    agreeing = without_contradictions([named for named in read if named is not None], findings)
    seen = {photo.number for photo in photos}
    dropped = _replace(store, vault, seen, agreeing, known)
    everybody = _stored(store, vault, backends, on, findings, {named.photo_sha256: named.name for named in agreeing})
    usable = without_look_alikes(everybody, store.path.name, findings)
    used = [named for named in usable if _owner(named) in people]
    enrolment = summary(used, _wanted(people, allowed), findings, folder.name, roster.path.name, on, photos.remarks)
    computed = sum(_key(named) not in known for named in agreeing)
    return Kept(enrolment, computed, len(agreeing) - computed, dropped)


def _replace(
    store: Store,
    vault: Vault,
    seen: Collection[str],
    agreeing: Iterable[Named],
    known: Mapping[tuple[str, str], Reference],
) -> int:
    """Make the templates of some people these, in one transaction; give how many are gone that were there."""
    with store.atomic():
        # Consent may have been taken back while the photos were read.
        allowed = recognisable(store)
        kept = {_key(named): named for named in agreeing if _owner(named) in allowed}
        gone = drop_disallowed(store)
        before = drop_templates(store, seen)
        save_templates(store, vault, ((named.reference, named.photo_sha256) for named in kept.values()))
        still = sum(key in known for key in kept)
        gone += before - still
        told = {"people": len({number for number, _ in kept}), "templates": len(kept), "known": still, "dropped": gone}
        audit.append(store, audit.Kind.ENROLLED, told)
    return gone


def _stored(
    store: Store,
    vault: Vault,
    backends: Backends,
    on: date,
    findings: list[Finding],
    names: Mapping[str, str] | None = None,
) -> list[Named]:
    found = read_templates(store, vault, on, backends.embedder.model_id)
    findings += found.findings
    named = names or {}
    return [
        Named(named.get(one.photo_sha256, f"ID photo of {one.reference.subject_id}"), one.reference, one.photo_sha256)
        for one in found.stored
    ]


def _wanted(people: Mapping[str, Subject], allowed: Collection[str]) -> list[str]:
    return [number for number in people if number in allowed]


def _owner(named: Named) -> str:
    return named.reference.subject_id


def _key(named: Named) -> tuple[str, str]:
    return named.reference.subject_id, named.photo_sha256
