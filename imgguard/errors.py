"""Typed errors: what is wrong, with which file, and what to do next.

`kind` is what the record keeps of an error: its text names files, its kind does not.
"""

from __future__ import annotations

from pathlib import Path

from consent.errors import UserFacingError


class ImgguardError(UserFacingError):
    """The base of every error that imgguard raises on purpose."""

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Travel between processes with both sentences."""
        return type(self), (self.what, self.remedy)


class SetupError(ImgguardError):
    """The run cannot begin with what it was given."""


class WeightsError(ImgguardError):
    """A model file is missing or not the one it should be."""


class PhotoError(ImgguardError):
    """One photo is refused; the others are not affected."""


class PhotoUnreadable(PhotoError):
    """The file cannot be opened or read."""


class PhotoEmpty(PhotoError):
    """The file has no bytes."""


class NotAPhoto(PhotoError):
    """The bytes are not a picture."""


class FormatNotSupported(PhotoError):
    """A picture or video in a format that cannot be cleaned."""


class PhotoTruncated(PhotoError):
    """The file ends before the picture does."""


class PhotoChanged(PhotoError):
    """The file is another one than at the beginning of the run."""


class PhotoBroken(PhotoError):
    """The picture cannot be decoded."""


class PhotoAnimated(PhotoError):
    """The file holds more than one picture."""


class PhotoTooLarge(PhotoError):
    """More pixels or bytes than the limit."""


class LinkRefused(PhotoError):
    """The input is a link inside a folder, or a loop of links."""


class PhotoWithheld(PhotoError):
    """Somebody in it must not be seen, and such photos are not to be published."""


class MarkRefused(PhotoError):
    """What somebody said about a photo may not be done."""


class NothingThere(MarkRefused):
    """A box is drawn around nothing."""


class SomebodyThere(MarkRefused):
    """A face that is sure to be one is said to be none."""


class AlreadyRecognised(MarkRefused):
    """A face that was recognised is given another name."""


class ResemblesOthers(MarkRefused):
    """A face is named as somebody whom it resembles less than others."""


class TwiceInPhoto(MarkRefused):
    """Somebody is named who is in the photo already."""


class ReferenceRefused(PhotoError):
    """A face of a photo cannot become somebody's reference."""


class ConsentChanged(PhotoError):
    """Consent for somebody in it was taken back, or somebody was forgotten, while the run was going on."""


class UncleanOutput(PhotoError):
    """The finished bytes did not pass their check."""


class WorkerDied(PhotoError):
    """The process that worked on the photo ended."""


class NotEnoughMemory(PhotoError):
    """There was not enough memory to work on the photo, even alone."""


class InternalFault(PhotoError):
    """An unexpected error while a photo was worked on: a bug."""


class OutputError(ImgguardError):
    """A finished photo cannot be written where it should go; this photo is refused."""


class OutputExists(OutputError):
    """There is a file already."""


class OutputUnsafe(OutputError):
    """The target is a link, an input, or outside of the output folder."""


class OutputFailed(OutputError):
    """This one file cannot be written: its name is too long, or something is in its way."""


class OutputImpossible(OutputError):
    """Nothing more can be written: disk full, folder gone or not writable. Ends the run."""


class NotReached(PhotoError):
    """The run ended before this photo's turn."""


def link_refused(path: Path) -> LinkRefused:
    """Give the error of a link inside a folder."""
    return LinkRefused(f"{path}: is a link, which is not followed", "Give the file or folder it points to.")


def unreadable(path: Path, error: OSError) -> PhotoUnreadable:
    """Turn an operating system's error about an input into ours."""
    return PhotoUnreadable(f"{path}: cannot be read ({error.strerror})", "Check the file and its permissions.")
