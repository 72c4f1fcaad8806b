"""The model files. What is loaded is what was verified: the bytes are read once, hashed, and handed on."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imgguard.errors import WeightsError

_FOLDER = Path(__file__).parent
_REMEDY = "Install imgguard again (pip install --force-reinstall): the installation places the model files."


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A model file as the manifest describes it."""

    name: str
    what: str
    licence: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it has to be."""
        return _FOLDER / self.name


@cache
def manifest() -> dict[str, WeightFile]:
    """Give all model files, by name."""
    entries = tomllib.loads((_FOLDER / "weights.toml").read_text(encoding="utf-8"))["files"]
    return {name: WeightFile(name, e["what"], e["licence"], e["sha256"]) for name, e in entries.items()}


def read_weights(name: str) -> bytes:
    """Read a model file and make sure that it is the right one.

    Raises:
        WeightsError: if it is missing or has other bytes than it should.
    """
    expected = manifest()[name]
    try:
        content = expected.path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"The model file {expected.path} cannot be read ({error.strerror}); expected SHA-256 {expected.sha256}",
            _REMEDY,
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected.sha256:
        raise WeightsError(
            f"The model file {expected.path} was altered: expected SHA-256 {expected.sha256}, found {found}", _REMEDY
        )
    return content
