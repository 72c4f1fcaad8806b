"""Keep the face of somebody whom a person named as a further reference, so that it is known the next time.

What is learned from a photo of an event must never make somebody else known: the face has to be comparable, to agree
with the person's other references, and to be told apart from everybody else's. It is one template more, with the same
end as the others. Whoever enrols a new ID photo of the person starts anew: it takes the place of all that were there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consent import audit
from consent.groups import families_of
from consent.model import Reference
from consent.people import stored_roster
from consent.school import template_end
from consent.school_policy import policy_of
from consent.templates import StoredReference, read_templates, recognisable, save_templates
from imgguard.detect import look_closer
from imgguard.embed import make_probe
from imgguard.enroll import too_old_before
from imgguard.errors import ReferenceRefused
from imgguard.identify import Gallery
from imgguard.metadata import day_taken
from imgguard.photo import load_content
from imgguard.threshold import SAME_PERSON
from imgguard.types import BoundingBox, Outcome, Probe

if TYPE_CHECKING:
    from consent.store import Store
    from consent.vault import Vault
    from imgguard.backends import Backends


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A face that may become a reference; it can be made in a worker process, which has no key.

    Attributes:
        probe: The face, comparable.
        taken_on: The day of the photo; None where it does not tell.
        photo_sha256: Digest of the photo, hexadecimal.
    """

    probe: Probe
    taken_on: date | None
    photo_sha256: str


def see_face(content: bytes, path: Path, box: BoundingBox, backends: Backends, on: date) -> SeenFace:
    """Look at a face of a photo as at an ID photo's.

    Args:
        content: The photo's file.
        path: Its name, for messages.
        box: Where the face is, in pixels of the upright photo.
        backends: The models.
        on: Today.

    Raises:
        PhotoError: if the photo cannot be read.
        ReferenceRefused: if the face cannot be compared, or the photo is too old.
    """
    photo = load_content(content, path)
    taken_on = day_taken(photo)
    if taken_on and taken_on < too_old_before(on):
        raise ReferenceRefused(f"The photo was taken on {taken_on}, too long ago to know somebody by", "Use a new one.")
    face = look_closer(photo.pixels, backends, box)
    if face is None:
        raise ReferenceRefused("No face can be made out there", "Use another photo of this person.")
    probe = make_probe(photo.pixels, face, backends)
    if probe.embedding is None:
        fault = probe.quality.fault if probe.quality else "not comparable"
        raise ReferenceRefused(f"The face cannot be compared: {fault}", "Use another photo of this person.")
    return SeenFace(probe, taken_on if taken_on is None or taken_on <= on else None, photo.sha256)


def store_reference(store: Store, vault: Vault, face: SeenFace, subject_id: str, on: date) -> Reference:
    """Keep a face as a reference of somebody, encrypted, if that can make nobody else known.

    Args:
        store: The school file.
        vault: Its key.
        face: The face.
        subject_id: Whose it is, as a person said.
        on: Today.

    Raises:
        ReferenceRefused: if the person may not be recognised, the face contradicts their references or looks like
            somebody else's, or the photo is a reference of theirs already.
        RecordError: if the school file cannot be written; nothing is kept then.
        VaultError: if the key was changed since it was opened; nothing is kept then.
    """
    assert face.probe.embedding is not None
    model_id = face.probe.embedding.model_id
    with store.atomic():
        if subject_id not in recognisable(store):
            raise ReferenceRefused("This person may not be recognised", "Nothing of the face is kept.")
        known = read_templates(store, vault, on, model_id).stored
        end = template_end(on, policy_of(store).template_days)
        template = face.probe.embedding.vector.astype("<f4").tobytes()
        reference = Reference(subject_id, template, model_id, face.taken_on, end)
        _require_new(store, face, subject_id)
        _require_agreement(reference, known)
        _require_told_apart(store, face.probe, subject_id, known, on)
        save_templates(store, vault, [(reference, face.photo_sha256)])
        audit.append(store, audit.Kind.ENROLLED, {"people": 1, "templates": 1, "known": 0, "dropped": 0})
    return reference


def keep_reference(
    store: Store,
    vault: Vault,
    content: bytes,
    path: Path,
    box: BoundingBox,
    subject_id: str,
    on: date,
    backends: Backends,
) -> Reference:
    """Keep the face of somebody whom a person named as a reference; see `see_face` and `store_reference`."""
    if subject_id not in recognisable(store):
        # Before anything biometric is computed.
        raise ReferenceRefused("This person may not be recognised", "Nothing of the face is kept.")
    return store_reference(store, vault, see_face(content, path, box, backends, on), subject_id, on)


def _require_new(store: Store, face: SeenFace, subject_id: str) -> None:
    there = "SELECT 1 FROM templates WHERE subject_id = ? AND photo_sha256 = ?"
    if store.query(there, (subject_id, face.photo_sha256)):
        raise ReferenceRefused("This photo is a reference of this person already", "Nothing has to be done.")


def _require_agreement(reference: Reference, known: Sequence[StoredReference]) -> None:
    theirs = [one.reference for one in known if one.reference.subject_id == reference.subject_id]
    vector = np.frombuffer(reference.template, "<f4")
    # Asked as what has to hold, so that a score that is not a number never counts as agreement.
    if not all(float(np.frombuffer(one.template, "<f4") @ vector) >= SAME_PERSON for one in theirs):
        raise ReferenceRefused(
            "The face does not look like this person's other references", "Look whose it is; nothing is kept."
        )


def _require_told_apart(
    store: Store, probe: Probe, subject_id: str, known: Sequence[StoredReference], on: date
) -> None:
    roster = stored_roster(store)
    families = families_of(roster.subjects) if roster else {}
    gallery = Gallery.from_references([one.reference for one in known], on=on, families=families)
    found = gallery.identify(probe)
    if subject_id in gallery.subject_ids:
        apart = found.candidates[0].subject_id == subject_id and gallery.leads(found.candidates)
    else:
        apart = found.outcome is Outcome.NON_MATCH
    if not apart:
        raise ReferenceRefused(
            "The face looks too much like somebody else's references", "It would confuse them; nothing is kept."
        )
