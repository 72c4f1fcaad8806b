"""How a folder is released: where to, what the operator attests, and who else has to agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Self

from consent.model import SignerRole
from consent.procedures import SignOff
from consent.reviews import Release
from consent.signatures import may_be_one
from imgguard.errors import SetupError
from imgguard.guard import Guard
from imgguard.page.desk import Told
from imgguard.page.places import path_of
from imgguard.page.reviewing_told import many, provisional, roles_asked, statements
from imgguard.planning import Plan
from imgguard.types import Names

SECOND = SignerRole.SECOND_ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen when a folder is released.

    Attributes:
        out: The output folder; empty for a zip.
        attested: Whether the operator attests what the procedure asks for.
        confirm_batch: Whether so many photos are meant.
        with_open: Whether photos with doubtful faces that nobody confirmed are published too, with their covers.
        agreed: Who else agreed, by role; a second administrator is not among them, but releases on their own.
    """

    out: str = ""
    attested: bool = False
    confirm_batch: bool = False
    with_open: bool = False
    agreed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Read what was posted, or kept.

        Raises:
            SetupError: if it is to go into a folder, and none is named.
        """
        if told.get("folder") is True and not str(told.get("out") or "").strip():
            raise SetupError("No output folder is named", "Choose one, or type its whole path.")
        agreed = told.get("agreed") or {}
        roles = {str(role): str(name).strip() for role, name in agreed.items() if role in set(SignerRole) - {SECOND}}
        flags = {name: told.get(name) is True for name in ("attested", "confirm_batch", "with_open")}
        return cls(str(told.get("out") or "").strip(), agreed={r: name for r, name in roles.items() if name}, **flags)

    def as_row(self) -> dict[str, Any]:
        """Give them as JSON can keep them."""
        return asdict(self)

    def told(self, told: Told, releases: Sequence[Release]) -> Told:
        """Give the choices of the folder with those of the release: who publishes, and who agreed."""
        operator = next((one.operator for one in releases if not one.role), "")
        agreed = [SignOff(SignerRole(role), name) for role, name in sorted(self.agreed.items())]
        agreed += [SignOff(SignerRole(one.role), one.operator) for one in releases if one.role]
        given = {one.role for one in agreed}
        kept = tuple(one for one in told.publication.sign_offs if one.role not in given)
        publication = replace(
            told.publication, operator=operator, sign_offs=(*kept, *agreed), attested=self.attested,
            confirm_batch=self.confirm_batch,
        )  # fmt: skip
        return replace(told, publication=publication)

    def plan(self, folder: Path, guard: Guard, number: int) -> Plan:
        """Plan the publication.

        Raises:
            SetupError: if the folders cannot be used, or there are more photos than the procedure means.
        """
        if self.out:
            return guard.plan([folder], path_of(self.out))
        # Nothing is ever written there: a zip is made of what lies encrypted in the area.
        return guard.plan([folder], Path(gettempdir()) / f"imgguard-zip-{number}", Names.NEUTRAL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What has to be told before a folder can be released.

    Attributes:
        roles: Who else has to agree, a second administrator not among them.
        second: Whether a second administrator has to.
        statements: What the operator has to attest.
        many: The clause that asks whether so many photos are meant; empty where none does.
    """

    roles: tuple[str, ...]
    second: bool
    statements: tuple[str, ...]
    many: str


def asked_of(guard: Guard, told: Told, photos: int) -> Asked:
    """Find out what has to be told."""
    roles = roles_asked(guard.rules, told)
    others = tuple(role.value for role in roles if role is not SECOND)
    return Asked(others, SECOND in roles, statements(guard.rules), many(guard.rules, photos))


def suggested_out(folder: Path) -> str:
    """Give an output folder beside the folder of photos, of a name that is not taken."""
    names = (f"{folder.name}-cleaned{end}" for end in ("", *(f"-{n}" for n in range(2, 100))))
    return str(next((place for name in names if not (place := folder.parent / name).exists()), ""))


def with_second_to_come(told: Told) -> Told:
    """Give the choices as if the second administrator had agreed, to find out whether anything else is missing."""
    complete = provisional(told).publication.sign_offs
    others = tuple(one for one in complete if one.role is SECOND)
    kept = tuple(one for one in told.publication.sign_offs if one.role is not SECOND)
    return replace(told, publication=replace(told.publication, sign_offs=kept + others))


def require_another(name: str, releases: Sequence[Release]) -> None:
    """Make sure that the second person is one, and not the first under another spelling.

    Raises:
        SetupError: if nobody is named, nobody has released, or it may be the same person.
    """
    first = next((one.operator for one in releases if not one.role), "")
    if not first:
        raise SetupError("Nobody has released this folder yet", "Release it first; then a second person agrees.")
    if not name.strip():
        raise SetupError("The second person is not named", "Whoever agrees gives their own name.")
    if may_be_one(name, first):
        raise SetupError(
            f"{name.strip()} may be the same person as {first}, who released this folder",
            "Let somebody else look at the photos and agree.",
        )
