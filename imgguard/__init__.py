"""imgguard publishes a school's event photos without publishing a child whose family has not agreed.

    from imgguard import Guard

    guard = Guard(roster="roster.csv", id_photos="id_photos", purpose="school_website")
    result = guard.clean("sports_day.jpg", "cleaned")

Names are loaded when they are first used: importing the package loads neither OpenCV nor MediaPipe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgguard.api import *

__version__ = "0.1.0"

__all__ = [
    "BoundingBox",
    "Candidate",
    "ConsentChanged",
    "Cover",
    "Decision",
    "DestinationError",
    "Detection",
    "Embedding",
    "Encoding",
    "Extent",
    "FaceResult",
    "Format",
    "FormatNotSupported",
    "Gallery",
    "Guard",
    "Identification",
    "ImgguardError",
    "InternalFault",
    "LinkRefused",
    "Mark",
    "MarkKind",
    "MarkRefused",
    "Names",
    "NotAPhoto",
    "NotReached",
    "Outcome",
    "OutputCheck",
    "OutputError",
    "OutputExists",
    "OutputFailed",
    "OutputImpossible",
    "OutputUnsafe",
    "Part",
    "Photo",
    "PhotoAnimated",
    "PhotoBroken",
    "PhotoEmpty",
    "PhotoError",
    "PhotoResult",
    "PhotoTooLarge",
    "PhotoTruncated",
    "PhotoUnreadable",
    "PhotoWithheld",
    "PolicyError",
    "Probe",
    "Publication",
    "Purpose",
    "Quality",
    "Reason",
    "RecordError",
    "Reference",
    "Refusal",
    "RosterError",
    "Search",
    "SetupError",
    "SignOff",
    "SignerRole",
    "Source",
    "Status",
    "Style",
    "Treatment",
    "UncleanOutput",
    "UserFacingError",
    "Verdict",
    "WeightsError",
    "WorkerDied",
    "__version__",
    "clean_folder",
    "clean_photo",
    "default_school",
    "detect_faces",
    "embed_face",
    "load_photo",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import imgguard.api

    return getattr(imgguard.api, name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
