"""A school file with something published in it, for the tests of what comes afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from consent.store import FaceRecord, PhotoRecord, Reliance, RunRecord, Store

FORM = Reliance("MR-1", "fd" * 32, 2, "2024-09-12", "2035-06-30")
LEFT, RIGHT = (100.0, 100.0, 180.0, 200.0), (400.0, 100.0, 480.0, 200.0)


def kept(subject_id: str, box: tuple[float, float, float, float] = LEFT) -> FaceRecord:
    return FaceRecord(*box, 0.9, "match", 0.7, "keep", "consented", subject_id, relied=(FORM,))


def covered(subject_id: str, box: tuple[float, float, float, float] = LEFT) -> FaceRecord:
    return FaceRecord(*box, 0.9, "match", 0.7, "cover", "refused", subject_id)


def add_destination(store: Store, name: str, address: str = "https://school.example", manager: str = "M. One") -> None:
    row = {"name": name, "purpose": "school_website", "address": address, "manager": manager}
    more = {"second_administrator": "", "approved_by": "P", "approved_on": "2026-09-01"}
    with store.atomic():
        store.insert_row("destinations", {**row, **more})


def publish(
    store: Store,
    faces: Iterable[FaceRecord],
    *,
    source: str = "11",
    output: str = "22",
    name: str = "photo-0001.jpg",
    purpose: str = "school_website",
    destination: str = "",
    replaces: int | None = None,
) -> int:
    """Record a published photo in a run of its own; digests are given by one byte."""
    run = RunRecord("0.1", purpose, True, "blur", None, 14, 0.5, {}, destination=destination)
    photo = PhotoRecord(
        "published", None, source * 32, output * 32, "jpeg", 1, tuple(faces), None, name, replaces
    )  # fmt: skip
    with store.atomic():
        return store.add_photo(store.add_run(run), photo)
