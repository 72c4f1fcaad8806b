"""What a published file may say besides its picture: which way is up, a line of credit, and what its colours mean."""

from __future__ import annotations

from dataclasses import dataclass

from imgguard.profiles import own_icc
from imgguard.sanitize.exif import exif_block
from imgguard.types import Profile


@dataclass(frozen=True, slots=True)
class Attached:
    """What is put beside a picture.

    Attributes:
        credit: A line of credit; None for none.
        orientation: How the picture has to be turned, 2 to 8; None where it is upright.
        profile: The colour space of its samples.
    """

    credit: str | None = None
    orientation: int | None = None
    profile: Profile = Profile.SRGB

    @property
    def exif(self) -> bytes:
        """The EXIF block, a TIFF structure; no bytes where there is nothing to say."""
        return exif_block(self.credit, self.orientation)

    @property
    def icc(self) -> bytes | None:
        """The tool's own profile of the colour space; None for sRGB, which needs none."""
        return own_icc(self.profile)


NOTHING = Attached()
