"""Where finished bytes go: into a folder, or into somebody's hands."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Sink(Protocol):
    """Takes finished bytes, wholly or not at all."""

    @property
    @abstractmethod
    def root(self) -> Path:
        """What the names of the record are below."""

    @abstractmethod
    def publishing(
        self, content: bytes, target: Path, ours: Collection[str] = ()
    ) -> AbstractContextManager[Callable[[], None]]:
        """Take bytes under a name below the root; what fails inside the block takes them back.

        Args:
            content: The finished bytes.
            target: Their name.
            ours: Digests of files that may be replaced, since the record knows them as earlier versions.

        Returns:
            What is to be called inside the block to give them their final name, once.
        """

    @abstractmethod
    def address(self, target: Path) -> str:
        """Give where the file can be found after this process has ended; empty for nowhere."""


@dataclass(frozen=True, slots=True)
class Handed:
    """Takes finished bytes in memory, as for a download: they are there only when their record is committed.

    Attributes:
        root: What the names of the record are below; no folder of the computer.
    """

    root: Path = Path("download")
    _given: dict[Path, bytes] = field(default_factory=dict, repr=False)

    @contextlib.contextmanager
    def publishing(self, content: bytes, target: Path, ours: Collection[str] = ()) -> Iterator[Callable[[], None]]:
        """See `Sink`."""
        yield lambda: None
        self._given[target] = content

    def address(self, target: Path) -> str:
        """See `Sink`."""
        return ""

    def content(self, target: Path) -> bytes:
        """Give what was published under a name.

        Raises:
            KeyError: if nothing was.
        """
        return self._given[target]
