"""Give every photo of a run a place of its own in the output, under its own name or a neutral one."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from consent.store import Renamed, read_published, read_renamed
from imgguard.digests import Digests, place_of
from imgguard.known_names import KnownNames
from imgguard.naming import telling_in
from imgguard.places import Lookout
from imgguard.sanitize import SUFFIXES
from imgguard.torn import may_be_torn
from imgguard.types import Format, Names

# In bytes, on the usual file systems.
_LONGEST_NAME = 255
SAME_FORMAT = {
    Format.JPEG: {".jpg", ".jpeg", ".jpe", ".jfif"},
    Format.PNG: {".png"},
    Format.WEBP: {".webp"},
    Format.GIF: {".gif"},
    Format.TIFF: {".tif", ".tiff"},
    Format.BMP: {".bmp", ".dib"},
    Format.HEIF: {".heic", ".heif", ".hif"},
    Format.AVIF: {".avif"},
}
# A neutral name has at least so many digits; one more where they could be taken for a year.
_DIGITS, _LIKE_A_YEAR = 4, 1900


@dataclass(frozen=True, slots=True)
class Naming:
    """How the photos of a run are named.

    Attributes:
        names: What becomes of names.
        known: The people of the roster.
        earlier: Gives the neutral names of earlier runs; asked only where a name has to be replaced.
        published: Gives the digests of the photos from which each published file was made, and of their places, by
            the file's; asked only where there is a file already.
        digest: Gives a file's digest; None where it cannot be read.
    """

    names: Names = Names.AUTO
    known: KnownNames = field(default_factory=KnownNames)
    earlier: Callable[[], Sequence[Renamed]] = tuple
    published: Callable[[], Mapping[str, frozenset[str]]] = dict
    digest: Callable[[Path], str | None] = Digests(None).of

    @classmethod
    def recorded_in(cls, school: Path, names: Names) -> Self:
        """Name photos so that what a school file has of earlier runs stays as it is; it need not be there."""
        return cls(names, earlier=partial(read_renamed, school), published=partial(read_published, school))

    def replaces(self, name: str) -> bool:
        """Say whether a name, given without its ending, is replaced by a neutral one."""
        if self.names is Names.AUTO:
            return bool(telling_in(name, self.known))
        return self.names is Names.NEUTRAL


@dataclass(frozen=True, slots=True)
class Wish:
    """A photo that needs a place.

    Attributes:
        source: Where it is.
        relative: Its place in the tree of the input, or its name.
        container: What will be written.
    """

    source: Path
    relative: Path
    container: Format


class Targets:
    """The places of one run; no two are the same, also where a file system ignores case or normalises names.

    A neutral name has the number that the photo has among all photos of the run, so that the same input leads to the
    same names. A name that an earlier run gave is given again to the same photo, known by its digest, and the published
    file by its own; a number whose file is there already and is not known belongs to another photo and is passed over.
    Of the other names one is passed over where the record knows the file that is there as made from another photo.
    """

    def __init__(self, root: Path, naming: Naming, wishes: Sequence[Wish]) -> None:
        """Prepare the places below `root`."""
        self._root = root
        self._naming = naming
        self._lookout = Lookout()
        self._wishes = wishes
        parents = {folder for wish in wishes for folder in wish.relative.parents}
        self._folders = sorted(parents - {Path()}, key=lambda folder: (len(folder.parts), folder.parts))
        self._taken = {_key(folder) for folder in self._folders}
        self._digests: dict[Path, str | None] = {}
        self._made: dict[Path, frozenset[str]] = {}
        self._digits = _DIGITS + (len(wishes) >= _LIKE_A_YEAR)

    @cached_property
    def _earlier(self) -> tuple[Renamed, ...]:
        """What earlier runs published here under a neutral name, and is still here as they made it."""
        return tuple(
            renamed for renamed in self._naming.earlier() if self._is_as_made(renamed) or self._was_changed(renamed)
        )

    def _is_as_made(self, renamed: Renamed) -> bool:
        """Say whether a file is as it was published, or what the power has left of it."""
        path = self._root / renamed.published_name
        there = self._digest_of(path)
        return there == renamed.output_sha256 or (there is not None and may_be_torn(path))

    def _was_changed(self, renamed: Renamed) -> bool:
        """Say whether somebody changed a file where it was published: a cover of theirs must not come off beside it."""
        path, place = self._root / renamed.published_name, Path(renamed.published_name)
        here = renamed.target_place == place_of(path) and self._digest_of(path) is not None
        return here and not self._makers(place)

    @cached_property
    def _published(self) -> Mapping[str, frozenset[str]]:
        return self._naming.published()

    def assign(self) -> tuple[Path, ...]:
        """Give each photo its place, relative to the root, in the order of the wishes."""
        places: dict[int, Path] = {}
        folders = self._name_folders()
        neutral = [n for n, wish in enumerate(self._wishes) if self._naming.replaces(wish.relative.stem)]
        for n in sorted(set(range(len(self._wishes))) - set(neutral)):
            places[n] = self._own(self._wishes[n], folders)
        # First the names that photos have already, so that no other photo gets one of them.
        for n in neutral:
            known = self._given_before(self._wishes[n], folders)
            if known is not None:
                places[n] = known
        for n in neutral:
            if n not in places:
                places[n] = self._numbered(self._wishes[n], folders, n + 1)
        return tuple(places[n] for n in range(len(self._wishes)))

    def is_neutral(self, wish: Wish) -> bool:
        """Say whether the name of a photo or of a folder above it is replaced."""
        folders = (folder.name for folder in wish.relative.parents if folder.name)
        return any(map(self._naming.replaces, (wish.relative.stem, *folders)))

    def is_unknown(self, place: Path) -> bool:
        """Say whether there is a file already of which the record does not know from which photo it was made."""
        return not self._makers(place) and self._lookout.there(self._root / place)

    def _name_folders(self) -> dict[Path, Path]:
        named = {Path(): Path()}
        before = self._folders_before() if any(map(self._replaced, self._folders)) else {}
        # Folders that keep their names first: a neutral name must not be one of theirs.
        ordered = sorted(
            enumerate(self._folders, 1), key=lambda one: (len(one[1].parts), self._replaced(one[1]), one[0])
        )
        for number, folder in ordered:
            parent = named[folder.parent]
            if not self._replaced(folder):
                named[folder] = parent / folder.name
                self._taken.add(_key(named[folder]))
                continue
            again = before.get(folder)
            if again is None or again.parent != parent or not self._claim(again):
                again = next(filter(self._is_fit, (parent / f"folder-{n:04}" for n in itertools.count(number))))
                self._claim(again)
            named[folder] = again
        return named

    def _replaced(self, folder: Path) -> bool:
        return self._naming.replaces(folder.name)

    def _folders_before(self) -> dict[Path, Path]:
        """Read off earlier runs which folder got which name."""
        found: dict[Path, Path] = {}
        for renamed in self._earlier:
            sources, published = Path(renamed.source_name).parents, Path(renamed.published_name).parents
            found |= dict(zip(sources, published, strict=False)) if len(sources) == len(published) else {}
        return found

    def _own(self, wish: Wish, folders: dict[Path, Path]) -> Path:
        keeps = wish.relative.suffix.lower() in SAME_FORMAT[wish.container]
        suffix = wish.relative.suffix if keeps else SUFFIXES[wish.container]
        parent = folders[wish.relative.parent]
        places = (parent / name for name in _variants(wish.relative.stem, suffix))
        return next(place for place in places if not self._is_another_s(place, wish) and self._claim(place))

    def _is_another_s(self, place: Path, wish: Wish) -> bool:
        makers = self._makers(place)
        return bool(makers) and makers.isdisjoint({self._digest_of(wish.source), place_of(wish.source)})

    def _makers(self, place: Path) -> frozenset[str]:
        """Give the photos from which the file that is there already was made, as far as the record knows."""
        if place not in self._made:
            self._made[place] = self._makers_of(self._root / place)
        return self._made[place]

    def _makers_of(self, path: Path) -> frozenset[str]:
        # A link is refused later, whatever it points to, and a pipe would never be read to its end.
        if not self._published or not self._lookout.there(path) or path.is_symlink() or not path.is_file():
            return frozenset()
        return self._published.get(self._digest_of(path) or "", frozenset())

    def _digest_of(self, path: Path) -> str | None:
        if path not in self._digests:
            self._digests[path] = self._naming.digest(path)
        return self._digests[path]

    def _given_before(self, wish: Wish, folders: dict[Path, Path]) -> Path | None:
        if not self._earlier:
            return None
        names = map(Path, self._names_before(wish.source))
        parent, suffix = folders[wish.relative.parent], SUFFIXES[wish.container]
        fitting = (name for name in names if name.parent == parent and name.suffix == suffix)
        return next(filter(self._claim, fitting), None)

    def _names_before(self, source: Path) -> list[str]:
        """Give the neutral names that a photo had: by what is in it, and then by its place, if it was changed."""
        digest = self._digest_of(source)
        return [*self._by_digest.get(digest or "", ()), *self._by_place.get(place_of(source), ())]

    @cached_property
    def _by_digest(self) -> Mapping[str, Sequence[str]]:
        return _grouped((renamed.source_sha256, renamed.published_name) for renamed in self._earlier)

    @cached_property
    def _by_place(self) -> Mapping[str, Sequence[str]]:
        return _grouped((renamed.source_place or "", renamed.published_name) for renamed in self._earlier)

    def _numbered(self, wish: Wish, folders: dict[Path, Path], number: int) -> Path:
        parent, suffix = folders[wish.relative.parent], SUFFIXES[wish.container]
        places = (parent / f"photo-{n:0{self._digits}}{suffix}" for n in itertools.count(number))
        return next(filter(self._claim, filter(self._is_fit, places)))

    def _is_fit(self, place: Path) -> bool:
        """Say whether a neutral name is free, and not by chance somebody's number."""
        return self._is_free(place) and self._naming.known.number_in(place.stem) is None

    def _is_free(self, place: Path) -> bool:
        return _key(place) not in self._taken and not self._lookout.there(self._root / place)

    def _claim(self, place: Path) -> bool:
        key = _key(place)
        if key in self._taken:
            return False
        self._taken.add(key)
        return True


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        found[key].append(name)
    return found


def _key(place: Path) -> str:
    return unicodedata.normalize("NFC", str(place)).casefold()


def _variants(stem: str, suffix: str) -> Iterator[str]:
    for number in itertools.count(1):
        tail = suffix if number == 1 else f"-{number}{suffix}"
        yield _shortened(stem, _LONGEST_NAME - len(os.fsencode(tail))) + tail


def _shortened(stem: str, longest: int) -> str:
    return os.fsdecode(os.fsencode(stem)[:longest]) if len(os.fsencode(stem)) > longest else stem
