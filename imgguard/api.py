"""The public names, in one place; `imgguard/__init__.py` loads them from here when they are first used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from consent.errors import DestinationError as DestinationError
from consent.errors import PolicyError as PolicyError
from consent.errors import RecordError as RecordError
from consent.errors import RosterError as RosterError
from consent.errors import UserFacingError as UserFacingError
from consent.model import Purpose as Purpose
from consent.model import Reference as Reference
from consent.model import SignerRole as SignerRole
from consent.policy import Decision as Decision
from consent.policy import Reason as Reason
from consent.policy import Verdict as Verdict
from consent.procedures import SignOff as SignOff
from imgguard.detect import detect_faces as detect_faces
from imgguard.embed import embed_face as embed_face
from imgguard.errors import ConsentChanged as ConsentChanged
from imgguard.errors import FormatNotSupported as FormatNotSupported
from imgguard.errors import ImgguardError as ImgguardError
from imgguard.errors import InternalFault as InternalFault
from imgguard.errors import LinkRefused as LinkRefused
from imgguard.errors import MarkRefused as MarkRefused
from imgguard.errors import NotAPhoto as NotAPhoto
from imgguard.errors import NotReached as NotReached
from imgguard.errors import OutputError as OutputError
from imgguard.errors import OutputExists as OutputExists
from imgguard.errors import OutputFailed as OutputFailed
from imgguard.errors import OutputImpossible as OutputImpossible
from imgguard.errors import OutputUnsafe as OutputUnsafe
from imgguard.errors import PhotoAnimated as PhotoAnimated
from imgguard.errors import PhotoBroken as PhotoBroken
from imgguard.errors import PhotoEmpty as PhotoEmpty
from imgguard.errors import PhotoError as PhotoError
from imgguard.errors import PhotoTooLarge as PhotoTooLarge
from imgguard.errors import PhotoTruncated as PhotoTruncated
from imgguard.errors import PhotoUnreadable as PhotoUnreadable
from imgguard.errors import PhotoWithheld as PhotoWithheld
from imgguard.errors import SetupError as SetupError
from imgguard.errors import UncleanOutput as UncleanOutput
from imgguard.errors import WeightsError as WeightsError
from imgguard.errors import WorkerDied as WorkerDied
from imgguard.guard import Guard as Guard
from imgguard.guard import default_school as default_school
from imgguard.identify import Gallery as Gallery
from imgguard.marks import Mark as Mark
from imgguard.marks import MarkKind as MarkKind
from imgguard.photo import load_photo as load_photo
from imgguard.publication import Publication as Publication
from imgguard.scales import Search as Search
from imgguard.types import BoundingBox as BoundingBox
from imgguard.types import Candidate as Candidate
from imgguard.types import Cover as Cover
from imgguard.types import Detection as Detection
from imgguard.types import Embedding as Embedding
from imgguard.types import Encoding as Encoding
from imgguard.types import Extent as Extent
from imgguard.types import FaceResult as FaceResult
from imgguard.types import Format as Format
from imgguard.types import Identification as Identification
from imgguard.types import Names as Names
from imgguard.types import Outcome as Outcome
from imgguard.types import OutputCheck as OutputCheck
from imgguard.types import Part as Part
from imgguard.types import Photo as Photo
from imgguard.types import PhotoResult as PhotoResult
from imgguard.types import Probe as Probe
from imgguard.types import Quality as Quality
from imgguard.types import Refusal as Refusal
from imgguard.types import Source as Source
from imgguard.types import Status as Status
from imgguard.types import Style as Style
from imgguard.types import Treatment as Treatment


def clean_photo(
    path: Path | str, out: Path | str, guard: Guard, *, overwrite: bool = False, dry_run: bool = False
) -> PhotoResult:
    """Clean one photo; see `Guard.clean`."""
    return guard.clean(path, out, overwrite=overwrite, dry_run=dry_run)


def clean_folder(
    folder: Path | str,
    out: Path | str,
    guard: Guard,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    workers: int | None = None,
) -> Iterator[PhotoResult]:
    """Clean every photo below a folder; see `Guard.clean_folder`."""
    return guard.clean_folder(folder, out, overwrite=overwrite, dry_run=dry_run, workers=workers)
