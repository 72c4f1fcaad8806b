"""What decided how a photo came out, as one digest: where it is the same, nothing has to be done again.

It holds the settings, the models, the gallery, and what roster and procedure say today about those who were recognised
in the photo: as decisions, so that a new day or a new export of the same forms changes nothing, and an expired form
does. How often somebody was published before is left out, or every photo would change with every other; and so are
names of files, since a photo under another name is another file anyway.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

from consent.policy import case_of, faults
from imgguard.backends import default_backends

if TYPE_CHECKING:
    from imgguard.identify import Gallery
    from imgguard.rules import Rules

# Further digits of a threshold are noise of the computer's arithmetic.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Keys:
    """Gives the keys of photos under the rules of a run.

    Attributes:
        rules: What holds.
        base: Digest of everything that is the same for every photo.
    """

    rules: Rules
    base: str
    _standings: dict[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Rules, models: Mapping[str, str] | None = None, version: str | None = None) -> Keys:
        """Prepare.

        Args:
            rules: What holds for the run.
            models: The model files and their SHA-256; None for those in use.
            version: Of imgguard; None for this one.
        """
        from imgguard import __version__

        models = default_backends().weights if models is None else models
        covering = rules.covering
        told = {
            "version": version or __version__,
            "models": models,
            "purpose": rules.purpose,
            # What went to one place is not recorded as published at another.
            "destination": rules.destination,
            "style": rules.style,
            "picture": covering.picture and [_bytes(covering.picture.pixels), _bytes(covering.picture.alpha)],
            "extent": covering.extent,
            "treatment": covering.treatment,
            "format": rules.format,
            "search": rules.search,
            "credit": rules.credit,
            "keep_orientation_tag": rules.keep_orientation_tag,
            "groups": rules.groups,
            "fpir": rules.fpir,
            "policy": rules.policy,
            "gallery": None if rules.gallery is None else _gallery(rules.gallery),
        }
        return cls(rules, digest(told))

    def key(self, sha256: str, people: Collection[str]) -> str:
        """Give the key of a photo.

        Args:
            sha256: Digest of the source.
            people: Who was recognised in it.
        """
        rules = self.rules
        said = [rules.required.get(sha256, ()), rules.marks.get(sha256, ())]
        return digest([self.base, sha256, said, {number: self._standing(number) for number in people}])

    def _standing(self, number: str) -> object:
        """Give what keeps somebody from being shown, apart from what depends on the photo."""
        if number not in self._standings:
            person, purpose = self.rules.subjects.get(number), self.rules.purpose
            if person is None or purpose is None:
                self._standings[number] = None
            else:
                case = case_of(person, purpose, self.rules.on, circumstances=self.rules.circumstances)
                self._standings[number] = list(faults(case, self.rules.policy))
        return self._standings[number]


def _gallery(gallery: Gallery) -> object:
    families = {number: gallery.families.get(number, frozenset()) for number in gallery.subject_ids}
    told = [gallery.subject_ids, _bytes(gallery.templates), gallery.model_id, families]
    return [*told, round(gallery.threshold, _DIGITS)]


def _bytes(array: Any) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest() + str(array.shape)


def digest(value: object) -> str:
    """Give the SHA-256 of plain values, whatever the order of sets and mappings.

    >>> digest({"a": 1, "b": frozenset({"x", "y"})}) == digest({"b": frozenset({"y", "x"}), "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return [type(value).__name__, value.value]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, [[f.name, _plain(getattr(value, f.name))] for f in fields(value)]]
    if isinstance(value, Mapping):
        return ["mapping", sorted(([_plain(key), _plain(one)] for key, one in value.items()), key=json.dumps)]
    if isinstance(value, frozenset | set):
        return ["set", sorted((_plain(one) for one in value), key=json.dumps)]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} cannot be told as plain values")
