"""Publish and record as one: nothing is published without its record, nor recorded without its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from consent import audit
from consent.errors import RecordError
from consent.publishing import Intent, add_photo, publish, recover
from consent.store import FaceRecord, NewName, Override, PhotoRecord, Reliance, RunRecord, Store, now
from imgguard.digests import place_of
from imgguard.errors import ConsentChanged, PhotoError
from imgguard.photo import read_content
from imgguard.remote_output import PLACES, RemoteFolder
from imgguard.types import CleanedPhoto, FaceResult, PhotoResult, Refusal, Status

if TYPE_CHECKING:
    from consent.model import Consent
    from imgguard.handing import Sink
    from imgguard.keys import Keys
    from imgguard.marks import Mark


@dataclass(frozen=True, slots=True)
class Recorder:
    """The record of one run.

    Attributes:
        store: Where it is kept.
        run_id: Which run it is.
        read_at: The last entry of the audit trail when the run read its roster; None where that was not noted.
        unreported: Published photos of which nobody has been told yet, as when Ctrl-C comes in between.
        keys: Gives what decided about a photo; None where a person has a hand in it.
    """

    store: Store
    run_id: int
    read_at: int | None = None
    keys: Keys | None = None
    unreported: list[PhotoResult] = field(default_factory=list)

    @classmethod
    def begin(cls, store: Store, run: RunRecord, read_at: int | None = None) -> Self:
        """Note a new run.

        Args:
            store: Where it is kept.
            run: Its settings.
            read_at: The last entry of the audit trail when its roster was read.

        Raises:
            RecordError: if it cannot be recorded.
        """
        recover(store, PLACES)
        with store.atomic():
            run_id = store.add_run(run)
            told = {"run": run_id, "purpose": run.purpose, "policy": run.policy, "roster": run.roster_sha256}
            audit.append(store, audit.Kind.RUN_BEGUN, told)
        return cls(store, run_id, read_at)

    def finish(self) -> None:
        """Note that the run came to its end."""
        with self.store.atomic():
            self.store.finish_run(self.run_id)
            audit.append(self.store, audit.Kind.RUN_FINISHED, {"run": self.run_id})

    def publish(
        self,
        cleaned: CleanedPhoto,
        target: Path,
        folder: Sink,
        replaced: Path | None = None,
        replaces: int | None = None,
        ours: Collection[str] = (),
    ) -> PhotoResult:
        """Write a cleaned photo and record it, both or neither.

        Args:
            cleaned: The finished photo.
            target: Where it goes.
            folder: Where photos are published: an output folder, or what hands the bytes over.
            replaced: The place below the input whose name was replaced by a neutral one; None where names were kept.
            replaces: Number of the published photo whose place it takes; None where it takes none's.
            ours: Digests of files that may be replaced, since the record knows them as earlier versions.

        Raises:
            OutputError: if it cannot be written; nothing is recorded then.
            ConsentChanged: if somebody's consent was taken back since the run read the roster; nothing is published.
            RecordError: if it cannot be recorded; nothing is published then.
        """
        result = _result(cleaned, target, Status.PUBLISHED)
        record = self._record(result, cleaned, folder, replaced, replaces)
        intent = Intent(self.run_id, folder.address(target), record, self.read_at)
        # The record is committed while the file can still be taken back.
        with _uninterrupted():
            try:
                with _publishing(cleaned, target, folder, ours) as put:
                    if not publish(self.store, intent, put):
                        raise _consent_changed(cleaned.source)
            except BaseException:
                # Nothing is there now, and the intent is forgotten; or else it says what is there.
                with contextlib.suppress(RecordError):
                    recover(self.store, PLACES)
                raise
            self.unreported.append(result)
        return result

    def _record(
        self, result: PhotoResult, cleaned: CleanedPhoto, folder: Sink, replaced: Path | None, replaces: int | None
    ) -> PhotoRecord:
        assert result.target is not None
        place = _as_text(result.target.relative_to(folder.root))
        decided_by = None
        if self.keys is not None:
            people = {face.decision.subject_id for face in cleaned.faces if not face.is_area}
            decided_by = self.keys.key(cleaned.sha256, {number for number in people if number})
        return replace(
            _record(result, cleaned.format.value),
            new_name=None if replaced is None else NewName(_as_text(replaced), place),
            published_name=place,
            replaces=replaces,
            decided_by=decided_by,
            source_place=place_of(cleaned.source),
            target_place=place_of(result.target),
        )

    def refuse(self, result: PhotoResult) -> None:
        """Record a photo that was not published."""
        with self.store.atomic():
            add_photo(self.store, self.run_id, _record(result, None), audit.Kind.REFUSED)


def _publishing(
    cleaned: CleanedPhoto, target: Path, folder: Sink, ours: Collection[str]
) -> AbstractContextManager[Callable[[], None]]:
    if cleaned.staged is None:
        return folder.publishing(cleaned.content, target, ours)
    assert isinstance(folder, RemoteFolder), "photos are staged for another store only"
    return folder.publishing(cleaned.staged, target, ours)


def _consent_changed(source: Path) -> ConsentChanged:
    return ConsentChanged(
        f"{source}: while this run was going on, consent for somebody in it was taken back",
        "Clean it again: a new run covers them.",
    )


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until file and record agree; Python delivers them to the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in kept:
        signal.signal(number, lambda received, _: waiting.append(received))
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        for received in waiting:
            signal.raise_signal(received)


def dry_result(cleaned: CleanedPhoto, target: Path) -> PhotoResult:
    """Give the result of a photo that would have been published."""
    return _result(cleaned, target, Status.DRY_RUN)


def refused(source: Path, refusal: Refusal) -> PhotoResult:
    """Give the result of a photo that is not published."""
    return PhotoResult(source, None, Status.REFUSED, _digest(source), None, (), (), 0, refusal)


def refused_as(cleaned: CleanedPhoto, refusal: Refusal) -> PhotoResult:
    """Give the result of a finished photo that is not published after all."""
    return PhotoResult(cleaned.source, None, Status.REFUSED, cleaned.sha256, None, (), (), 0, refusal)


def _digest(source: Path) -> str | None:
    """By its digest the record knows the photo again, whatever its name."""
    try:
        return hashlib.sha256(read_content(source)).hexdigest()
    except PhotoError:
        return None


def _result(cleaned: CleanedPhoto, target: Path, status: Status) -> PhotoResult:
    return PhotoResult(
        source=cleaned.source,
        target=target,
        status=status,
        sha256=cleaned.sha256,
        output_sha256=cleaned.output_sha256,
        faces=cleaned.faces,
        removed=cleaned.removed,
        rounds=cleaned.rounds,
        refusal=None,
        rebuilt=cleaned.rebuilt,
        window=cleaned.window,
        marks=cleaned.marks,
    )


def _as_text(place: Path) -> str:
    """Names need not be text, which the record wants."""
    return place.as_posix().encode(errors="backslashreplace").decode()


def _record(result: PhotoResult, container: str | None) -> PhotoRecord:
    return PhotoRecord(
        status=result.status.value,
        refusal=result.refusal.kind if result.refusal else None,
        source_sha256=result.sha256,
        output_sha256=result.output_sha256,
        format=container,
        rounds=result.rounds,
        # A drawn area is no face: what was drawn is told among what was said.
        faces=tuple(_face_record(face) for face in result.faces if not face.is_area),
        overrides=tuple(map(_override, result.marks)),
    )


def _override(mark: Mark) -> Override:
    box = mark.box
    return Override(mark.kind.value, box.x1, box.y1, box.x2, box.y2, mark.subject_id, mark.operator, mark.at or now())


def _face_record(face: FaceResult) -> FaceRecord:
    box = face.detection.box
    return FaceRecord(
        x1=box.x1,
        y1=box.y1,
        x2=box.x2,
        y2=box.y2,
        detection_score=face.detection.score,
        outcome=face.outcome.value if face.outcome else "not_searched",
        match_score=face.candidates[0].score if face.candidates else None,
        verdict=face.decision.verdict.value,
        reason=face.decision.reason.value,
        subject_id=face.decision.subject_id,
        clause=face.decision.clause,
        relied=tuple(map(_reliance, face.decision.relied)),
    )


def _reliance(consent: Consent) -> Reliance:
    assert consent.signed_on is not None and consent.valid_until is not None, "decide() relies on no undated consent"
    signed_on, valid_until = consent.signed_on.isoformat(), consent.valid_until.isoformat()
    return Reliance(consent.form_id, consent.source_sha256, consent.source_row, signed_on, valid_until)
