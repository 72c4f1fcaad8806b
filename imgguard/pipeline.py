"""The way of a photo, from the file to the cleaned bytes: one stage a line.

Nothing here writes anything: `imgguard.recorder` publishes and records what comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from consent.policy import Decision, Unidentified, Verdict
from imgguard.covers import cover_for
from imgguard.cropping import crop_around, crop_photo, is_outside, moved_cover, moved_detection
from imgguard.detect import detect_faces
from imgguard.embed import make_probe
from imgguard.errors import PhotoChanged, PhotoTooLarge, PhotoWithheld, UncleanOutput
from imgguard.identify import identify_photo
from imgguard.judging import Scene, decide_faces
from imgguard.marking import Settled, answer_for, lay_covers, let_off, settle
from imgguard.marks import Mark
from imgguard.photo import load_photo
from imgguard.redact import cover_up
from imgguard.required import cover_required
from imgguard.rules import Rules
from imgguard.sanitize import block_grid, fits, leftovers, output_format, with_told_colours, write
from imgguard.types import (
    CleanedPhoto,
    Detection,
    Embedding,
    FaceResult,
    Format,
    Identification,
    OutputCheck,
    Probe,
    Treatment,
    Written,
)
from imgguard.verify import CoveredFace, check_output

if TYPE_CHECKING:
    from imgguard.backends import Backends
    from imgguard.types import Photo

_MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A decided face, with its embedding for as long as the output is not checked."""

    result: FaceResult
    embedding: Embedding | None


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """Who was found in a photo, before anything is decided: what photos of one event tell each other.

    Attributes:
        found: One identification a face.
        scene: What limits and distances are measured by.
    """

    found: tuple[Identification, ...]
    scene: Scene

    @property
    def sha256(self) -> str:
        """Digest of the file that was examined."""
        return self.scene.sha256


def examine_photo(path: Path, rules: Rules, backends: Backends) -> Examined:
    """Find the faces of a photo and search for them.

    Raises:
        PhotoError: if it cannot be read.
    """
    return examine_loaded(load_photo(path), rules, backends)


def examine_loaded(photo: Photo, rules: Rules, backends: Backends) -> Examined:
    """Find the faces of a photo that is decoded already; see `examine_photo`."""
    return Examined(_identify(photo, detect_faces(photo, backends, rules.search), rules, backends), Scene.of(photo))


def prepare_photo(path: Path, rules: Rules, backends: Backends, known: Examined | None = None) -> CleanedPhoto:
    """Clean one photo in memory.

    Args:
        path: The source.
        rules: What holds for the run.
        backends: The models.
        known: Who is in it, if that was found before.

    Returns:
        The finished, checked bytes and every decision behind them.

    Raises:
        PhotoError: naming the file, the reason and what to do.
    """
    return prepare_loaded(load_photo(path), rules, backends, known)


def prepare_loaded(photo: Photo, rules: Rules, backends: Backends, known: Examined | None = None) -> CleanedPhoto:
    """Clean a photo that is decoded already; see `prepare_photo`."""
    faces, said = _decided(photo, rules, backends, known)
    return _cover_until_clean(photo, faces, said, rules, backends)


def decided_faces(
    photo: Photo, rules: Rules, backends: Backends, known: Examined | None = None
) -> tuple[FaceResult, ...]:
    """Give what would be decided about the faces of a photo, before the check looks for further ones.

    Raises:
        PhotoChanged: if `known` is another photo's.
    """
    faces, _ = _decided(photo, rules, backends, known)
    return tuple(face.result for face in faces)


def _decided(
    photo: Photo, rules: Rules, backends: Backends, known: Examined | None
) -> tuple[tuple[_Judged, ...], Settled]:
    known = known or examine_loaded(photo, rules, backends)
    if known.sha256 != photo.sha256:
        raise PhotoChanged(
            f"{photo.path}: was changed while imgguard was working", "Run again when nothing else works on it."
        )
    said = settle(known.found, rules.marks.get(photo.sha256, ()), rules)
    faces = _judged(said.found, rules, known.scene)
    faces = _changed(faces, *lay_covers([face.result for face in faces], said, rules, photo.size))
    # Whoever has to be covered is covered last, so that nothing that was said shows them.
    return _with_required(faces, photo.sha256, rules), said


def judge_faces(photo: Photo, detections: Sequence[Detection], rules: Rules, backends: Backends) -> tuple[_Judged, ...]:
    """Embed, identify and decide, for all faces of a photo of which nobody said anything."""
    return _judged(_identify(photo, detections, rules, backends), rules, Scene.of(photo))


def _identify(
    photo: Photo, detections: Sequence[Detection], rules: Rules, backends: Backends
) -> tuple[Identification, ...]:
    if rules.gallery is None:
        return tuple(Identification(Probe(detection, None, None), (), None, None) for detection in detections)
    probes = [make_probe(photo.pixels, detection, backends) for detection in detections]
    return identify_photo(probes, rules.gallery)


def _judged(found: Sequence[Identification], rules: Rules, scene: Scene) -> tuple[_Judged, ...]:
    decisions = decide_faces(found, rules, scene)
    return tuple(_covered(one, decision, rules) for one, decision in zip(found, decisions, strict=True))


def _covered(found: Identification, decision: Decision, rules: Rules) -> _Judged:
    detection, quality = found.probe.detection, found.probe.quality
    cover = cover_for(detection, rules.style, rules.covering.extent) if decision.verdict is Verdict.COVER else None
    told = found.candidates, found.outcome, found.threshold
    face = FaceResult(detection, quality, *told, decision, cover, found.photos, searched=found.searched)
    return _Judged(face, found.probe.embedding)


def _unidentified(detection: Detection, why: Unidentified, rules: Rules) -> _Judged:
    cover = cover_for(detection, rules.style, rules.covering.extent)
    face = FaceResult(detection, None, (), None, None, rules.cover_because(why), cover)
    return _Judged(face, None)


def _with_required(faces: Sequence[_Judged], sha256: str, rules: Rules) -> tuple[_Judged, ...]:
    required = rules.required.get(sha256, ())
    return _changed(faces, *cover_required([face.result for face in faces], required, rules))


def _changed(
    faces: Sequence[_Judged], changed: Sequence[FaceResult], added: Sequence[FaceResult]
) -> tuple[_Judged, ...]:
    again = tuple(replace(face, result=result) for face, result in zip(faces, changed, strict=True))
    return again + tuple(_Judged(result, None) for result in added)


def _cover_until_clean(
    photo: Photo, faces: tuple[_Judged, ...], said: Settled, rules: Rules, backends: Backends
) -> CleanedPhoto:
    """Redact, sanitize and verify; a face that only the check finds is covered, and all is done again."""
    window = crop_for([face.result for face in faces], photo, rules)
    part = crop_photo(photo, window) if window else photo
    x, y = corner = window[:2] if window else (0, 0)
    faces = tuple(_unless_cropped(face, window) for face in faces)
    container = output_format(photo.format, rules.format)
    part = with_told_colours(part, container)
    if not fits(part.size, container):
        raise PhotoTooLarge(
            f"{photo.path}: {part.size[0]} x {part.size[1]} pixels are more than a {container.value} file can hold",
            "Write another format, such as --format png, or save it smaller.",
        )
    answers = dict[Mark, None]()
    for round_number in range(1, _MAX_ROUNDS + 1):
        _refuse_if_dropped(photo, faces, rules)
        shown = _divided(faces, corner)
        written, check = _made(part, shown, container, rules, backends)
        if check.ok:
            results = tuple(face.result for face in faces)
            removed = leftovers(photo.content, photo.format)
            marks = (*said.marks, *answers)
            made = written.content, container, results, removed, round_number, check, written.rebuilt, window, marks
            return CleanedPhoto(photo.path, photo.sha256, *made)
        if not check.only_strays:
            break
        for stray in check.strays:
            face = _unidentified(moved_detection(stray, (-x, -y)), Unidentified.FOUND_BY_CHECK, rules)
            answer = answer_for(face.result, said)
            if answer is not None:
                face = _unless_required(replace(face, result=let_off(face.result)), photo.sha256, rules)
                answers.update({answer: None} if face.result.cover is None else {})
            faces += (face,)
    raise UncleanOutput(
        f"{photo.path}: the cleaned picture did not pass its check ({_describe(check)})",
        "Leave this photo out, or crop it to what matters and clean that.",
    )


def crop_for(faces: Sequence[FaceResult], photo: Photo, rules: Rules) -> tuple[int, int, int, int] | None:
    """Find the part of a photo to publish, where people are to be cropped out and that can be done."""
    if rules.covering.treatment is not Treatment.CROP:
        return None
    return suggested_crop(faces, photo)


def suggested_crop(faces: Sequence[FaceResult], photo: Photo) -> tuple[int, int, int, int] | None:
    """Find the part of a photo that shows everybody who is kept and nobody who must be covered."""
    covers = [face.cover for face in faces if face.cover and not face.is_area]
    kept = [face.detection.box for face in faces if face.cover is None and not face.is_let_off]
    return crop_around(covers, kept, photo.size, block_grid(photo))


def _unless_cropped(face: _Judged, window: tuple[int, int, int, int] | None) -> _Judged:
    return replace(face, result=unless_outside(face.result, window))


def unless_outside(face: FaceResult, window: tuple[int, int, int, int] | None) -> FaceResult:
    """Mark a covered face that the published part of the photo leaves out; any other stays as it is."""
    if window is None or face.cover is None or not is_outside(face.cover, window):
        return face
    return replace(face, cropped_out=True)


def _unless_required(face: _Judged, sha256: str, rules: Rules) -> _Judged:
    return _with_required((face,), sha256, rules)[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Who is to be covered, who is kept, and what else may look like a face, in what is published.

    Covers make way for a kept face, but not for what only a person says to be one, or to be none.
    """

    covered: tuple[CoveredFace, ...]
    kept: tuple[Detection, ...]
    expected: tuple[Detection, ...]


def _divided(faces: Sequence[_Judged], corner: tuple[int, int]) -> _Shown:
    covered, kept, expected = [], list[Detection](), list[Detection]()
    for face in faces:
        one, place = face.result, moved_detection(face.result.detection, corner)
        if one.cover is None:
            (kept if one.is_spared else expected).append(place)
        elif not one.cropped_out:
            cover = moved_cover(one.cover, corner)
            covered.append(CoveredFace(place, cover, face.embedding, one.is_area))
    return _Shown(tuple(covered), tuple(kept), tuple(expected))


def _refuse_if_dropped(photo: Photo, faces: Sequence[_Judged], rules: Rules) -> None:
    hidden = [face.result.decision.reason.words for face in faces if face.result.cover and not face.result.is_area]
    if rules.covering.treatment is Treatment.DROP and hidden:
        reasons = ", ".join(f"{count} x {words}" for words, count in Counter(hidden).most_common())
        raise PhotoWithheld(
            f"{photo.path}: shows somebody who must not be seen ({reasons}), and such photos are to be dropped",
            "Choose another photo, or clean this one with --covered cover.",
        )


def _made(
    photo: Photo, shown: _Shown, container: Format, rules: Rules, backends: Backends
) -> tuple[Written, OutputCheck]:
    """Redact, sanitize and verify once; what cannot be kept exactly after all is compressed anew."""
    grid = block_grid(photo)
    covers, boxes = [face.cover for face in shown.covered], [face.box for face in shown.kept]
    covered, kept, expected = shown.covered, shown.kept, shown.expected
    for exact in (True, False):
        # Covered again the second time, which is rare, so that the check does not have to share the memory.
        redacted = cover_up(photo.stored, covers, boxes, grid, rules.covering.picture)
        keep_tag = rules.keep_orientation_tag
        written = write(photo, redacted, container, rules.credit, keep_orientation_tag=keep_tag, exact=exact)
        del redacted
        check = check_output(written, container, photo, covered, kept, rules.gallery, backends, expected)
        if not check.changed_outside or written.tolerance is None:
            break
    return written, check


def _describe(check: OutputCheck) -> str:
    told = list(check.problems)
    told += [f"still in the file: {part.name}, {part.meaning}" for part in check.leftovers]
    told += [f"{len(check.readable)} covered faces still readable"] if check.readable else []
    told += [f"{len(check.strays)} further faces"] if check.strays else []
    told += [f"{check.changed_outside} pixels changed outside of covers"] if check.changed_outside else []
    return "; ".join(told)
