"""An output folder that is none: what is published into it lies encrypted in the area until it is downloaded."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imgguard.errors import OutputImpossible, OutputUnsafe
from imgguard.output import OutputFolder
from imgguard.page.area import Area

# The same for every file of every zip: when photos were cleaned is nobody's business.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SealedFolder(OutputFolder):
    """Where photos of a zip are published: nothing of it is ever written in the clear.

    Attributes:
        area: Where they lie.
        name: Under which name there.
    """

    area: Area = field(kw_only=True)
    name: str = field(kw_only=True)

    @contextlib.contextmanager
    def publishing(self, content: bytes, target: Path, ours: Collection[str] = ()) -> Iterator[Callable[[], None]]:
        """Keep a file; what fails inside the block takes it back."""
        place = self._place(target)
        try:
            self.area.put(place, content)
        except OSError as error:
            what = f"{target.name}: cannot be kept for the download ({error.strerror})"
            raise OutputImpossible(what, "Free some space and go on.") from error
        try:
            yield lambda: None
        except BaseException:
            self.area.drop(place)
            raise

    def check(self, target: Path, ours: Collection[str] = ()) -> None:
        """Make sure that a file may be kept under such a name."""
        self._place(target)

    def address(self, target: Path) -> str:
        """Nothing of it outlives a restart."""
        return ""

    def has(self, target: Path) -> bool:
        """Tell whether a file is there."""
        return self.area.get(self._place(target)) is not None

    def _place(self, target: Path) -> str:
        if not target.is_relative_to(self.root) or ".." in target.parts:
            raise OutputUnsafe(f"{target}: outside of the zip", "Choose a name inside of it.")
        return f"{self.name}/{target.relative_to(self.root).as_posix()}"


class _Pipe(io.RawIOBase):
    """Takes what is written and gives it away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(content))
        return len(content)

    def taken(self) -> bytes:
        parts, self._parts = b"".join(self._parts), []
        return parts


def zipped(area: Area, name: str, places: Sequence[str]) -> Iterator[bytes]:
    """Stream a zip of what was published under these places; photos are not compressed again."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for place in places:
            content = area.get(f"{name}/{place}")
            if content is None:
                # A download that breaks off is seen; a zip without this photo would not be.
                raise OutputImpossible(f"{place}: is not there any more", "Start with the folder again.")
            archive.writestr(zipfile.ZipInfo(place, _NO_TIME), content)
            yield pipe.taken()
    yield pipe.taken()
