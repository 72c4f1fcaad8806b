"""The report of a run as JSON: for scripts, and for looking things up later.

It holds the numbers of people, not their names, and no vectors; but it names files, and findings quote the roster, so
it stays in the school. Which photo got which neutral name is told by the record alone: here such a photo has no name of
its own, and is known by its digest.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from consent.roster import Finding
from imgguard.marks import Mark
from imgguard.rules import Rules
from imgguard.sidecars import Aside
from imgguard.types import FaceResult, PhotoResult

REPORT_VERSION = 1


def build_report(
    results: Sequence[PhotoResult],
    rules: Rules,
    findings: Sequence[Finding],
    others: Sequence[Aside],
    renamed: Collection[Path] = (),
) -> str:
    """Build a run's report.

    Args:
        results: Every photo, refused ones included.
        rules: What held for the run.
        findings: What is unclear in the roster and the ID photos.
        others: Files that are not photos and were left where they are.
        renamed: Sources that were given neutral names.

    Returns:
        JSON text.
    """
    from imgguard import __version__

    report = {
        "report_version": REPORT_VERSION,
        "imgguard_version": __version__,
        "on": rules.on.isoformat(),
        "purpose": rules.purpose.value if rules.purpose else None,
        "policy": rules.policy.name,
        "policy_version": rules.policy.version,
        "recognition": rules.gallery is not None,
        "style": rules.style.value,
        "cover": rules.covering.extent.value,
        "covered": rules.covering.treatment.value,
        "search": rules.search.value,
        "groups": list(rules.groups),
        "enrolled": len(rules.gallery) if rules.gallery is not None else 0,
        "threshold": _rounded(rules.gallery.threshold) if rules.gallery is not None else None,
        "fpir": rules.fpir if rules.gallery is not None else None,
        "findings": [str(finding) for finding in findings],
        "not_photos": [{"path": str(other.path), "what": other.what or None} for other in others],
        "photos": [_photo(result, named=_is_named(result, renamed)) for result in results],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _is_named(result: PhotoResult, renamed: Collection[Path]) -> bool:
    return result.refusal is not None or result.source not in renamed


def _photo(result: PhotoResult, *, named: bool) -> dict[str, Any]:
    refusal = result.refusal
    return {
        "source": str(result.source) if named else None,
        "target": str(result.target) if result.target else None,
        "status": result.status.value,
        "source_sha256": result.sha256,
        "output_sha256": result.output_sha256,
        "rounds": result.rounds,
        "rebuilt": result.rebuilt,
        "cropped_to": list(result.window) if result.window else None,
        "refusal": {"kind": refusal.kind, "what": refusal.what, "remedy": refusal.remedy} if refusal else None,
        "faces": [face_facts(face) for face in result.faces],
        "by_hand": [_mark_facts(mark) for mark in result.marks],
        "removed": [f"{part.name}: {part.meaning}, {part.length} bytes" for part in result.removed],
    }


def _mark_facts(mark: Mark) -> dict[str, Any]:
    box = mark.box
    return {
        "said": mark.kind.value,
        "box": [_rounded(value, 1) for value in (box.x1, box.y1, box.x2, box.y2)],
        "subject_id": mark.subject_id,
        "operator": mark.operator,
        "at": mark.at,
    }


def face_facts(face: FaceResult) -> dict[str, Any]:
    """Give what is known of a face, as plain values for JSON."""
    box, quality = face.detection.box, face.quality
    return {
        "box": [_rounded(value, 1) for value in (box.x1, box.y1, box.x2, box.y2)],
        "found_by": face.detection.source.value,
        "detection_score": _rounded(face.detection.score),
        "side": _rounded(box.side, 1),
        "sharpness": _rounded(quality.sharpness, 1) if quality else None,
        "turn": _rounded(quality.turn, 2) if quality else None,
        "fault": quality.fault if quality else None,
        "outcome": face.outcome.value if face.outcome else None,
        "searched": face.searched.value if face.searched else None,
        "photos": face.photos,
        "candidates": [{"subject_id": c.subject_id, "score": _rounded(c.score)} for c in face.candidates[:2]],
        "threshold": _rounded(face.threshold) if face.threshold is not None else None,
        "verdict": face.decision.verdict.value,
        "cropped_out": face.cropped_out,
        "reason": face.decision.reason.value,
        "clause": face.decision.clause,
        "subject_id": face.decision.subject_id,
    }


def _rounded(value: float, digits: int = 3) -> float:
    # JSON has no infinity; an embedding of a picture with both eyes in one place turns infinitely far.
    return round(min(max(value, -1e9), 1e9), digits)
