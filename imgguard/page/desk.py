"""What all views of the page share: the school file, who may be seen, the workers, the encrypted area."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from consent.existing import open_existing
from consent.store import Store
from consent.vault import Passphrase, Vault, open_vault
from imgguard.guard import Guard
from imgguard.page.area import Area
from imgguard.page.pool import Pool
from imgguard.publication import Publication
from imgguard.types import Extent, Style, Treatment


@dataclass(frozen=True, slots=True)
class Told:
    """What the operator chose for a photo or a folder; the same for the same choices, so that guards can be kept.

    Attributes:
        publication: Procedure, destination, operator, sign-offs.
        purpose: What for; None where a destination tells it, or with recognition off.
        recognition: Off, everybody is covered.
        style: How covers look.
        cover: How much of a person a cover takes.
        covered: What is done where somebody must not be seen.
    """

    publication: Publication = field(default_factory=Publication)
    purpose: str | None = None
    recognition: bool = True
    style: str = Style.BLUR.value
    cover: str = Extent.FACE.value
    covered: str = Treatment.COVER.value


class Desk:
    """Everything that outlives a request.

    Attributes:
        school: The school file, which need not be there: then everybody can be covered, and nobody shown.
        area: Where pictures lie that are not released.
        pool: The worker processes.
        on: The day; None for today, whenever it is asked.
    """

    def __init__(
        self, school: Path, area: Area, pool: Pool, *, passphrase: Passphrase | None = None, on: date | None = None
    ) -> None:
        """Share these."""
        self.school, self.area, self.pool, self._on = school, area, pool, on
        self._passphrase = passphrase
        self._guards: dict[tuple[Told, date, str], Guard] = {}
        self._lock = threading.Lock()

    @property
    def on(self) -> date:
        """The day for which consents have to hold."""
        return self._on or date.today()

    def store(self) -> Store:
        """Open the school file for one request; use it as a context manager.

        Raises:
            RecordError: if there is none.
        """
        return open_existing(self.school)

    def vault(self, store: Store) -> Vault:
        """Open the key of the templates.

        Raises:
            VaultError: if it cannot be had.
        """
        return open_vault(store, self._passphrase)

    def guard(self, told: Told) -> Guard:
        """Give the guard of some choices; made once a day, and anew when the school file has changed.

        Raises:
            UserFacingError: as `Guard` does.
        """
        key = told, self.on, self._newest()
        with self._lock:
            if key not in self._guards:
                self._guards = {known: guard for known, guard in self._guards.items() if known[1:] == key[1:]}
                self._guards[key] = Guard(
                    purpose=told.purpose, recognition=told.recognition, style=told.style, cover=told.cover,
                    covered=told.covered, school=self.school, passphrase=self._passphrase,
                    publication=told.publication, on=self.on,
                )  # fmt: skip
            return self._guards[key]

    def _newest(self) -> str:
        """Give the digest of what was recorded last: an import, a withdrawal or an enrolment makes every guard stale.

        It stands for everything before it, so that another school file in the place of this one is seen as well.
        """
        if not self.school.is_file():
            return ""
        with Store(self.school) as store:
            found = store.query(
                "SELECT digest FROM audit WHERE kind NOT IN ('run_begun', 'run_finished', 'published', 'refused')"
                " ORDER BY seq DESC LIMIT 1"
            )
        return str(found[0][0]) if found else "empty"
