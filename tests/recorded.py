"""School files with runs in them, made without cleaning a photo."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from consent import Store, audit
from consent.store import FaceRecord, NewName, PhotoRecord, Reliance, RunRecord

RUN = RunRecord(
    "0.1.0", "school_website", True, "blur", "cd" * 32, 13, 0.58, {"model.onnx": "ef" * 32}, operator="A. Operator",
    policy="park-west-ap144", policy_version="2024", destination="school page", sign_offs=("principal: K. Roy",),
    attested=True, declared=("blank means yes in column 'Media'",), settings={"cover": "face"},
)  # fmt: skip
FORM = Reliance("MR-1", "ab" * 32, 4, "2024-09-12", "2027-06-30")


def face(verdict: str, subject_id: str | None, *, x: float = 1.0, reason: str = "", clause: str = "") -> FaceRecord:
    relied = (FORM,) if verdict == "keep" else ()
    why = reason or ("consented" if verdict == "keep" else "refused")
    return FaceRecord(x, 2.0, x + 2.0, 4.0, 0.9, "match", 0.7, verdict, why, subject_id, clause, relied)


def published(number: int, *faces: FaceRecord, original: int | None = None) -> PhotoRecord:
    """A published photo whose digests are made of numbers."""
    source = f"{number if original is None else original:064x}"
    name = f"photo-{number:04}.jpg"
    return PhotoRecord("published", None, source, f"{number + 1000:064x}", "jpeg", 1, faces, published_name=name)


def refused(number: int) -> PhotoRecord:
    return PhotoRecord("refused", "photo_broken", f"{number:064x}", None, None, 0, ())


def add_photo(store: Store, run_id: int, photo: PhotoRecord) -> int:
    """Record a photo together with its entry in the trail, as a run does."""
    photo_id = store.add_photo(run_id, photo)
    verdicts = Counter(face.verdict for face in photo.faces)
    kind = audit.Kind.PUBLISHED if photo.status == "published" else audit.Kind.REFUSED
    told = {"run": run_id, "photo": photo_id, "source": photo.source_sha256, "output": photo.output_sha256}
    audit.append(store, kind, {**told, **verdicts, "refusal": photo.refusal})
    return photo_id


def add_run(store: Store, *photos: PhotoRecord, run: RunRecord = RUN) -> int:
    """Record a whole run and give its number."""
    with store.atomic():
        run_id = store.add_run(run)
        audit.append(store, audit.Kind.RUN_BEGUN, {"run": run_id, "purpose": run.purpose})
        for photo in photos:
            add_photo(store, run_id, photo)
        store.finish_run(run_id)
        audit.append(store, audit.Kind.RUN_FINISHED, {"run": run_id})
    return run_id


def dated(store: Store, photo_id: int, at: str) -> None:
    """Say that a photo was recorded at another time."""
    with store.atomic():
        store.change("UPDATE photos SET recorded_at = ? WHERE id = ?", (at, photo_id))


def add_person(store: Store, subject_id: str, given: str = "Ana", family: str = "Roy", group: str = "Grade 4") -> None:
    """Put somebody into the school file, as the import of a roster does."""
    roster = {"imported_at": "2026-09-01T08:00:00+00:00", "sha256": "cd" * 32, "layout": "own", "purposes": "[]"}
    facts = {
        "subject_id": subject_id, "present": 1, "given_name": given, "family_name": family, "role": "student",
        "group_name": group, "biometric_ok": 1, "holds": "[]", "independent": 0, "guardians": "[]",
    }  # fmt: skip
    with store.atomic():
        roster_id = store.insert_row("rosters", {**roster, "declared": "[]", "people": 1, "findings": 0})
        store.insert_row("subjects", {**facts, "roster_id": roster_id})


def school_of_two(path: Path) -> Path:
    """A school with one run: two people kept, one covered, a stranger, a refused photo, and a photo done again."""
    with Store(path) as store:
        add_person(store, "020411", "Amina", "Rowe")
        add_person(store, "020448", "Theo", "Marchetti", "Grade 8")
        add_person(store, "020485", "Rafael", "Quispe")
        faces = (face("keep", "020448", x=9.0, clause="park-west-ap144 Point of emphasis 6"), face("keep", "020411"))
        first = published(1, *faces, face("cover", "020485", x=5.0), face("cover", None, x=3.0, reason="no_match"))
        named = replace(published(2, face("keep", "020411")), new_name=NewName("Amina/amina.jpg", "photo-0002.jpg"))
        run_id = add_run(store, first, named, refused(3))
        with store.atomic():
            add_photo(store, run_id, replace(published(4, face("keep", "020448"), original=1), replaces=1))
    return path
