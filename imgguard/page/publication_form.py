"""The form that asks what a photo or a folder is published for, and nothing that is not needed.

What it asks comes from the school file: its destinations, the purposes that its roster can answer for, and what the
rules of its procedure want to be told besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consent.destinations import all_destinations
from consent.errors import UserFacingError
from consent.model import ASKED_PURPOSES, Aspect, Purpose, SignerRole, Subject
from consent.people import stored_roster
from consent.procedures import Attested, Case, Circumstances, Policy, Registered, SignedOff, SignOff
from consent.school_policy import policy_of
from consent.signatures import may_be_one
from consent.store import Store
from imgguard.page.desk import Desk, Told
from imgguard.page.texts import Text, word_key
from imgguard.publication import Publication
from imgguard.types import Extent, Style, Treatment

EVERYBODY = "everybody"
STYLES = (Style.BLUR, Style.PIXELATE, Style.SOLID, Style.EMOJI)
TREATMENTS = (Treatment.COVER, Treatment.CROP)


class Incomplete(UserFacingError):
    """Something that the form asks for is missing."""


@dataclass(frozen=True, slots=True)
class Asks:
    """What has to be told besides where a photo goes.

    Attributes:
        statements: What the operator has to attest, each with its clause.
        roles: Who must have agreed, each with the clause.
    """

    statements: tuple[tuple[str, str], ...] = ()
    roles: tuple[tuple[SignerRole, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way of publishing.

    Attributes:
        value: What the form sends: "to:" and a destination, or "for:" and a purpose.
        purpose: What for.
        destination: Its name; empty for a purpose alone.
        asks: What has to be told besides.
    """

    value: str
    purpose: Purpose
    destination: str
    asks: Asks


@dataclass(frozen=True, slots=True)
class Offered:
    """What the form offers.

    Attributes:
        ways: The ways of publishing with people who may be seen; none where nobody can be known.
        lacking: Why there are none: "school", "roster" or "enrolled"; empty where there are some.
    """

    ways: tuple[Way, ...] = ()
    lacking: str = ""

    @property
    def destinations(self) -> tuple[Way, ...]:
        """The registered destinations."""
        return tuple(way for way in self.ways if way.destination)

    @property
    def purposes(self) -> tuple[Way, ...]:
        """The purposes for which no destination has to be named."""
        return tuple(way for way in self.ways if not way.destination)


def offered(desk: Desk, operator: str) -> Offered:
    """Find out what can be asked; reads the school file.

    Args:
        desk: The page's.
        operator: Who publishes, whose own sign-off does not count.

    Raises:
        RecordError: if the school file cannot be read.
        PolicyError: if its procedure cannot.
    """
    if not desk.school.is_file():
        return Offered(lacking="school")
    with desk.store() as store:
        roster = stored_roster(store)
        if roster is None:
            return Offered(lacking="roster")
        if not store.query("SELECT 1 FROM templates LIMIT 1"):
            return Offered(lacking="enrolled")
        return Offered(
            _ways(store, [p for p in ASKED_PURPOSES if p in roster.purposes], roster.subjects, operator, desk)
        )


def _ways(
    store: Store, purposes: Sequence[Purpose], people: Mapping[str, Subject], operator: str, desk: Desk
) -> tuple[Way, ...]:
    policy = policy_of(store)

    def way(value: str, purpose: Purpose, destination: str) -> Way:
        return Way(value, purpose, destination, _asks(policy, purpose, people, operator, desk))

    places = [one for one in all_destinations(store) if one.closed_on is None and one.purpose in purposes]
    free = [purpose for purpose in purposes if not _needs_destination(policy, purpose)]
    return (
        *(way(f"to:{one.name}", one.purpose, one.name) for one in places),
        *(way(f"for:{purpose.value}", purpose, "") for purpose in free),
    )


def _needs_destination(policy: Policy, purpose: Purpose) -> bool:
    return any(isinstance(rule.condition, Registered) for rule in policy.rules_for(purpose))


def _asks(policy: Policy, purpose: Purpose, people: Mapping[str, Subject], operator: str, desk: Desk) -> Asks:
    told = Circumstances(operator=operator or "?")
    cases = [Case(one, purpose, Aspect.PHOTO, desk.on, (), told) for one in people.values()]
    statements: dict[str, str] = {}
    roles: dict[SignerRole, str] = {}
    for rule in policy.rules_for(purpose):
        condition = rule.condition
        if isinstance(condition, Attested):
            statements.setdefault(condition.statement, policy.cited(rule))
        if isinstance(condition, SignedOff):
            # Whose form has the sign-off is not asked about again.
            for role in condition.roles:
                if all(role in condition.missing(case) for case in cases):
                    roles.setdefault(role, policy.cited(rule))
    return Asks(tuple(statements.items()), tuple(roles.items()))


def read_told(fields: Mapping[str, str], offer: Offered, operator: str, text: Text) -> Told:
    """Read what the form sent.

    Args:
        fields: `where` ("everybody", or a way's value), `attest`, `sign_off_ROLE`, `style`, `cover`, `covered`.
        offer: What was offered.
        operator: Who publishes.
        text: Gives the sentences of the page's language.

    Raises:
        Incomplete: naming what is missing.
    """
    look = _look(fields, text)
    if not operator.strip():
        raise Incomplete(text("publication.no_operator"), text("publication.no_operator_do"))
    where = fields.get("where", "")
    if where == EVERYBODY:
        return Told(Publication(operator=operator), None, False, *look)
    way = next((way for way in offer.ways if way.value == where), None)
    if way is None:
        raise Incomplete(text("publication.no_way"), text("publication.no_way_do"))
    publication = Publication(
        to=way.destination or None,
        operator=operator,
        sign_offs=_sign_offs(fields, way, operator, text),
        attested=_attested(fields, way, text),
        confirm_batch=bool(fields.get("confirm_batch")),
    )
    return Told(publication, None if way.destination else way.purpose.value, True, *look)


def _look(fields: Mapping[str, str], text: Text) -> tuple[str, str, str]:
    try:
        style = Style(fields.get("style") or Style.BLUR)
        cover, covered = Extent(fields.get("cover") or Extent.FACE), Treatment(fields.get("covered") or Treatment.COVER)
    except ValueError as error:
        raise Incomplete(text("publication.no_way"), text("publication.no_way_do")) from error
    if style not in STYLES:
        raise Incomplete(text("publication.no_way"), text("publication.no_way_do"))
    return style.value, cover.value, covered.value


def _attested(fields: Mapping[str, str], way: Way, text: Text) -> bool:
    if not way.asks.statements:
        return False
    if not fields.get("attest"):
        (statement, clause), *_ = way.asks.statements
        raise Incomplete(text("publication.not_attested", statement=statement, clause=clause), text("publication.tick"))
    return True


def _sign_offs(fields: Mapping[str, str], way: Way, operator: str, text: Text) -> tuple[SignOff, ...]:
    given: list[SignOff] = []
    for role, clause in way.asks.roles:
        name = " ".join(fields.get(f"sign_off_{role.value}", "").split())
        who = text(word_key(role))
        if not name:
            raise Incomplete(
                text("publication.no_sign_off", role=who, clause=clause), text("publication.no_sign_off_do")
            )
        if any(may_be_one(name, other) for other in (operator, *(one.name for one in given))):
            raise Incomplete(
                text("publication.same_person", role=who, clause=clause), text("publication.no_sign_off_do")
            )
        given.append(SignOff(role, name))
    return tuple(given)
