"""Find the ID photos of a roster's people where schools keep them: in folders, beside an index, in a zip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

from consent.model import Subject
from imgguard.errors import PhotoError, SetupError
from imgguard.portrait_files import DiskFile, PortraitSource, Stored
from imgguard.portrait_index import FileNames, Table, is_picture, names_files, read_table
from imgguard.portrait_joining import Whom, by_indexes, by_own_names
from imgguard.portrait_people import Names, Numbers
from imgguard.portrait_zips import Listing, is_zip, list_zip, place_key
from imgguard.portraits import name_parts, portrait_files

# The first that speaks of a person holds: what the school wrote itself, the list with the retakes, the list without.
_KNOWN_INDEXES = ("idlink", "master", "index")
_INDEX_SUFFIXES = {".txt", ".tsv", ".csv"}
_MAX_INDEX_BYTES = 16 * 2**20
# More text files than this belong to something else than ID photos.
_MOST_UNNAMED = 20


def find_portraits(source: Path, numbers: Iterable[str] | None, people: Iterable[Subject] = ()) -> PortraitSource:
    """Find out which file shows whom. No picture is opened.

    Args:
        source: A folder, a zip, or an index inside of a folder: PSPA INDEX.TXT or MASTER.TXT, IDLINK.TXT, or any
            text file with a column of numbers and one of file names.
        numbers: The roster's numbers; None where there is no roster to ask, and every number is somebody's.
        people: The roster's people, to check names by; a name alone only proposes whose a photo is.

    Raises:
        SetupError: if the source cannot be read, or what its columns mean cannot be told.
    """
    whom = Whom(source.name, Numbers(numbers), Names(people))
    listing, chosen = _listed(source)
    indexes = _indexes(listing.files, chosen)
    for stored, _ in indexes.values():
        if place_key(stored.parts) in listing.doubled:
            raise _several([stored, stored])
    if not indexes:
        return by_own_names(whom, listing, in_zip=source.is_file())
    files = tuple(one for one in listing.files if one not in [stored for stored, _ in indexes.values()])
    return by_indexes(whom, replace(listing, files=files), [table for _, table in indexes.values()])


def home_of(source: Path) -> Path:
    """Give what holds the photos of a source: the folder or the zip; of an index, the folder that it is in."""
    return source.parent if source.is_file() and not is_zip(source) else source


def _listed(source: Path) -> tuple[Listing, Stored | None]:
    """List a source's files, and say which of them was given as the index."""
    if source.is_file() and is_zip(source):
        listing = list_zip(source)
        return replace(listing, files=tuple(sorted(listing.files, key=_order))), None
    home = home_of(source)
    files = tuple(DiskFile(path, path.relative_to(home).parts) for path in portrait_files(home))
    if home == source:
        return Listing(files), None
    chosen = DiskFile(source, (source.name,))
    if is_picture(source.name):
        raise SetupError(f"{source}: one picture", "Give the folder that it is in, a zip, or an index.")
    return Listing(tuple(one for one in files if one != chosen)), chosen


def _order(stored: Stored) -> tuple[tuple[str, ...], str, int, str]:
    return stored.parts[:-1], *name_parts(stored.parts[-1]), stored.parts[-1]


def _indexes(files: Sequence[Stored], chosen: Stored | None) -> dict[str, tuple[Stored, Table]]:
    """Find the indexes of a source, the most trusted first, by kind.

    Raises:
        SetupError: if one cannot be read, or several could be meant.
    """
    if chosen is not None:
        return {_stem(chosen): (chosen, _table(chosen))}
    texts = [one for one in files if PurePosixPath(one.parts[-1]).suffix.lower() in _INDEX_SUFFIXES]
    known = [one for stem in _KNOWN_INDEXES for one in texts if _stem(one) == stem]
    for one, other in pairwise(known):
        if _stem(one) == _stem(other) or place_key(one.parts[:-1]) != place_key(other.parts[:-1]):
            raise _several([one, other])
    if known:
        return {_stem(one): (one, _table(one)) for one in known}
    return _unnamed_index(files, texts)


def _unnamed_index(files: Sequence[Stored], texts: Sequence[Stored]) -> dict[str, tuple[Stored, Table]]:
    """Find a text file of any name in which a column names the photos, as PowerSchool and Principalm write them."""
    names = FileNames(one for one in files if is_picture(one.parts[-1]))
    found = []
    for one in texts if len(texts) <= _MOST_UNNAMED else ():
        try:
            table = _table(one)
        except SetupError:
            continue
        if names_files(table, names):
            found.append((one, table))
    if len(found) > 1:
        raise _several([one for one, _ in found])
    return {_stem(one): (one, table) for one, table in found}


def _several(files: Sequence[Stored]) -> SetupError:
    names = " and ".join("/".join(one.parts) for one in files)
    return SetupError(f"{names} are both an index of ID photos", "Give the one that holds, or remove the other.")


def _stem(stored: Stored) -> str:
    return PurePosixPath(stored.parts[-1]).stem.casefold()


def _table(stored: Stored) -> Table:
    try:
        content = stored.read()
    except PhotoError as error:
        raise SetupError(error.what, error.remedy) from error
    if len(content) > _MAX_INDEX_BYTES:
        raise SetupError(f"{stored.path}: larger than {_MAX_INDEX_BYTES // 2**20} MB", "Give the index of the photos.")
    return read_table(stored.parts[-1], content)
