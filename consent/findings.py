"""What a person should look at in a roster or among ID photos."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at: the file, the row (None for the whole file), and what it means."""

    source: str
    row: int | None
    what: str

    def __str__(self) -> str:
        """Name the file and row first."""
        return f"{self.source}, row {self.row}: {self.what}" if self.row else f"{self.source}: {self.what}"
