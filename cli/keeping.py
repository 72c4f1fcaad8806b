"""Keep of a photo's result what the end of a run shows, so that thousands of photos take no memory."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from consent.reasons import Reason

if TYPE_CHECKING:
    from imgguard.types import FaceResult, PhotoResult


@dataclass(frozen=True, slots=True)
class Kept:
    """Makes results small: faces of which the same is shown are one and the same."""

    _faces: dict[Hashable, FaceResult] = field(default_factory=dict)

    def small(self, result: PhotoResult) -> PhotoResult:
        """Give a result without what only a report tells."""
        return replace(result, faces=tuple(map(self._face, result.faces)), removed=(), marks=())

    def _face(self, face: FaceResult) -> FaceResult:
        decision = face.decision
        if decision.reason is Reason.CONTRADICTED:
            # Of these each is shown by itself.
            return face
        told = decision.verdict, decision.reason, decision.subject_id, decision.clause
        shown = face.cover is None, face.cropped_out, face.is_let_off
        return self._faces.setdefault((*told, *shown), face)
