"""Join ID photos to people: a number does, as text; a name never does by itself. No photo is joined to two people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from consent.roster import Finding
from imgguard.errors import SetupError
from imgguard.portrait_files import Joined, PortraitFile, PortraitSource, Stored
from imgguard.portrait_index import Columns, FileNames, Row, Table, infer_columns, is_picture, without_heading
from imgguard.portrait_people import Names, Numbers, Whose
from imgguard.portrait_zips import Listing, place_key
from imgguard.portraits import name_parts

_NAMED = 5
_KINDS = {"idlink": "IDLINK", "master": "PSPA", "index": "PSPA"}
_CONFIRM = "a name alone is not enough. If it does, confirm it by a row in IDLINK.TXT beside the photos"


@dataclass(frozen=True, slots=True)
class Whom:
    """Who can be meant.

    Attributes:
        source: The name of the source, for findings about the whole of it.
        numbers: The roster's numbers.
        names: The roster's names.
    """

    source: str
    numbers: Numbers
    names: Names

    def nobody(self, whose: Whose, number: str, place: str, *names: str) -> str:
        """Say why the photo at a place is nobody's, and whom its name proposes."""
        if whose.several:
            return f"the number {number} fits {' and '.join(whose.several)}, and which it is cannot be told: not used"
        if proposed := self.names.proposed(*(names or (number,))):
            place = f'"{place}"' if "," in place else place
            row = f"{next(iter(proposed))},{place}" if len(proposed) == 1 else f"the number, and {place}"
            return f"not used: it may show {self.names.shown(proposed)}, but {_CONFIRM}: {row}"
        if not number:
            return "no number, and nobody of the roster has this name: not used"
        return "no row in the roster has this number: not used"


def _place(stored: Stored) -> str:
    return "/".join(stored.parts)


def by_own_names(whom: Whom, listing: Listing, *, in_zip: bool) -> PortraitSource:
    """Join files by their names: 020411.jpg, 020411(2).jpg. All photos of a person are used."""
    portraits, findings = [], list(listing.findings)
    for stored in listing.files:
        number = name_parts(stored.parts[-1])[0]
        whose = whom.numbers.find(number)
        if whose.number is None:
            findings.append(Finding(stored.parts[-1], None, whom.nobody(whose, number, _place(stored))))
        else:
            portraits.append(PortraitFile(whose.number, stored, joined=whose.joined, written=number))
    portraits = _without_doubled(portraits, listing, findings)
    students = in_zip and {place_key(one.parts)[-2:-1] for one in listing.files} == {("students",)}
    kind = "BCeSIS zip" if students else "zip" if in_zip else "folder"
    evidence = f"{kind} of {len(listing.files)} files named by number"
    remarks = [*listing.remarks, *_told(whom, evidence if in_zip else None, portraits)]
    return PortraitSource(kind, evidence, _ranked(portraits), tuple(findings), tuple(remarks))


def by_indexes(whom: Whom, listing: Listing, tables: Sequence[Table]) -> PortraitSource:
    """Join files by what indexes say; of a person and a retake, only the retake is used.

    Args:
        whom: Who can be meant.
        listing: The files, without the indexes.
        tables: The indexes, the most trusted first: a person of whom one speaks is not looked for in the next.

    Raises:
        SetupError: if what the columns of the most trusted one mean cannot be told.
    """
    files = FileNames(listing.files)
    portraits: list[PortraitFile] = []
    findings, evidence, mentioned, replaced = list(listing.findings), [], set[int](), 0
    for table in tables:
        try:
            read = _read(whom, files, table)
        except SetupError as error:
            if table is tables[0]:
                raise
            findings.append(Finding(table.name, None, f"not used: {error.what.removeprefix(f'{table.name}: ')}"))
            continue
        evidence.append(read.evidence)
        earlier = {one.number for one in portraits}
        findings += [line.finding for line in read.lines if line.is_news(earlier, mentioned)]
        portraits += [one for line in read.lines if (one := line.portrait) and one.number not in earlier]
        before = [one for line in read.lines if (one := line.portrait) and one.number in earlier]
        replaced += sum(id(one.stored) not in mentioned for one in before)
        mentioned |= {id(line.stored) for line in read.lines if line.stored is not None}
    others = [one for one in listing.files if id(one) not in mentioned]
    portraits += _unlisted(whom, portraits, others, tables[0].name, findings)
    portraits = _without_doubled(_without_shared(portraits, findings), listing, findings)
    remarks = [*listing.remarks, *_told(whom, "; ".join(evidence), portraits), *_not_pictures(whom, others)]
    used = _latest(portraits)
    remarks += _replaced(whom, replaced + len(portraits) - len(used))
    kind = _KINDS.get(PurePath(tables[0].name).stem.casefold(), "list")
    return PortraitSource(kind, "; ".join(evidence), _ranked(used), tuple(findings), tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Line:
    """What a row of an index comes to: a photo of somebody, or a finding."""

    portrait: PortraitFile | None
    finding: Finding
    number: str | None = None
    stored: Stored | None = None

    def is_news(self, earlier: set[str], mentioned: set[int]) -> bool:
        """Say whether the finding is one, and no better index has settled it."""
        return self.portrait is None and self.number not in earlier and id(self.stored) not in mentioned


@dataclass(frozen=True, slots=True)
class _Read:
    evidence: str
    lines: tuple[_Line, ...]


def _read(whom: Whom, files: FileNames, table: Table) -> _Read:
    rows = without_heading(table, files)
    columns = infer_columns(rows, files, whom.numbers, whom.names)
    heading = "without headings" if rows is table else "under headings"
    evidence = f"{table.name} ({table.delimiter}, {heading}): {columns.told(table.width)}"
    lines = [_line(whom, files, columns, rows.name, row) for row in rows.rows]
    odd = f"not {table.width} cells as the other rows have, so they may be shifted: not used"
    return _Read(evidence, (*lines, *(_Line(None, Finding(table.name, row, odd)) for row in table.odd)))


def _line(whom: Whom, files: FileNames, columns: Columns, index: str, row: Row) -> _Line:
    """Find out which photo a row means, and whose it is."""
    number, cells = row
    text = cells[columns.file]
    names = [cells[at] for at in columns.names]
    written = cells[columns.number] if columns.number is not None else ""
    whose = whom.numbers.find(written)
    there = files.find(text, [cells[at] for at in columns.folders])
    if len(there) != 1:
        return _Line(None, Finding(index, number, _no_file(text, there)), whose.number)
    called = whom.names.called(*names) if names else frozenset()
    if whose.number is None:
        what = f"{text}: {whom.nobody(whose, written, _place(there[0]), *names)}"
    elif called and whose.number not in called:
        what = f"{text}: has the number {written} and the name of {whom.names.shown(called)}: not used"
    else:
        portrait = PortraitFile(whose.number, there[0], joined=whose.joined, written=written, row=number)
        return _Line(portrait, Finding(index, number, text), whose.number, there[0])
    return _Line(None, Finding(index, number, what), whose.number, there[0])


def _no_file(text: str, there: Sequence[Stored]) -> str:
    if not text:
        return "names no file"
    if not there:
        return f"there is no file {text}"
    return f"{text} could be {' or '.join(map(_place, there[:_NAMED]))}: not used"


def _unlisted(
    whom: Whom, listed: Sequence[PortraitFile], others: Sequence[Stored], index: str, findings: list[Finding]
) -> list[PortraitFile]:
    """Join files that no row names by their own, as where a retake lies beside the photo that it replaces.

    Their own names are believed only where they are student numbers: where no photo that a row names has another
    number for a name than its person's.
    """
    stems = [(name_parts(one.name)[0], one.number) for one in listed]
    honest = all(whom.numbers.find(stem).number == number for stem, number in stems if stem.isdecimal())
    people = {one.number for one in listed}
    found = []
    for stored in filter(lambda one: is_picture(one.parts[-1]), others):
        stem = name_parts(stored.parts[-1])[0]
        whose = whom.numbers.find(stem)
        if honest and whose.number is not None and (whom.numbers.known or whose.number in people):
            found.append(PortraitFile(whose.number, stored, joined=whose.joined, written=stem))
            continue
        proposed = "" if whose.number else whom.nobody(whose, stem, _place(stored))
        what = proposed if "may show" in proposed else f"no row of {index} names it: not used"
        findings.append(Finding(_place(stored), None, what))
    return found


def _without_shared(portraits: Sequence[PortraitFile], findings: list[Finding]) -> list[PortraitFile]:
    """Leave out photos that are given to two people, and rows that say the same again."""
    by_file: dict[int, dict[str, PortraitFile]] = defaultdict(dict)
    for one in portraits:
        by_file[id(one.stored)].setdefault(one.number, one)
    for people in by_file.values():
        if len(people) > 1:
            rows = " and ".join(f"{one.number} (row {one.row})" for one in people.values())
            name = next(iter(people.values())).name
            findings.append(Finding(name, None, f"given to {rows}, and shows one person: not used"))
    return [one for people in by_file.values() if len(people) == 1 for one in people.values()]


def _without_doubled(
    portraits: Sequence[PortraitFile], listing: Listing, findings: list[Finding]
) -> list[PortraitFile]:
    """Leave out the people of whom two files of a zip have one name: which of them is meant cannot be told."""
    doubled = {one.number: one for one in portraits if place_key(one.stored.parts) in listing.doubled}
    for number, one in doubled.items():
        what = f"stands twice in the zip: {number} is not enrolled. Remove the wrong one"
        findings.append(Finding(_place(one.stored), None, what))
    return [one for one in portraits if one.number not in doubled]


def _latest(portraits: Sequence[PortraitFile]) -> list[PortraitFile]:
    """Leave out photos that were taken again: of an indexed person, all but those with the highest (2), (3), ..."""
    latest: dict[str, int] = defaultdict(int)
    for one in portraits:
        latest[one.number] = max(latest[one.number], name_parts(one.name)[1])
    indexed = {one.number for one in portraits if one.row is not None}
    return [one for one in portraits if one.number not in indexed or name_parts(one.name)[1] == latest[one.number]]


def _replaced(whom: Whom, count: int) -> Iterator[Finding]:
    if count:
        photos = "1 photo was" if count == 1 else f"{count} photos were"
        yield Finding(whom.source, None, f"{photos} replaced by a retake")


def _told(whom: Whom, evidence: str | None, portraits: Sequence[PortraitFile]) -> Iterator[Finding]:
    """Say how the source was read, and which numbers were joined without their zeros."""
    if evidence:
        yield Finding(whom.source, None, f"read as {evidence}")
    loose = [one for one in portraits if one.joined is Joined.ZEROS]
    if loose:
        examples = ", ".join(f"{one.written} as {one.number}" for one in loose[:_NAMED])
        more = f", and {len(loose) - _NAMED} more" if len(loose) > _NAMED else ""
        what = f"joined with zeros in front left out, since only one person fits: {examples}{more}"
        yield Finding(whom.source, None, what)


def _not_pictures(whom: Whom, others: Iterable[Stored]) -> Iterator[Finding]:
    names = [one.parts[-1] for one in others if not is_picture(one.parts[-1])]
    if names:
        more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield Finding(whom.source, None, f"not pictures, so not looked at: {', '.join(names[:_NAMED])}{more}")


def _ranked(portraits: Iterable[PortraitFile]) -> tuple[PortraitFile, ...]:
    """Number each person's photos in their order."""
    seen: dict[str, int] = defaultdict(int)
    ranked = []
    for portrait in portraits:
        seen[portrait.number] += 1
        ranked.append(replace(portrait, rank=seen[portrait.number]))
    return tuple(ranked)
