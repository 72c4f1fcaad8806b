"""Import a library without the modules that it imports and nobody here uses; they come when they are used after all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType


class _StandIn(ModuleType):
    """Takes the place of a module until one of its attributes is asked for."""

    def __getattr__(self, attribute: str) -> object:
        _leave(tuple(sys.modules))
        return getattr(importlib.import_module(self.__name__), attribute)


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Let modules be imported in name only while something else is imported.

    What was imported before stays as it is, and whoever imports one of them afterwards gets the real one.

    Args:
        names: The modules; packages before what is in them. Of a package that is not left out itself, only those that
            it takes from itself (`from . import name`).
    """
    absent = [name for name in names if name.partition(".")[0] not in sys.modules]
    for name in absent:
        sys.modules[name] = standing_in = _StandIn(name)
        package, _, last = name.rpartition(".")
        if package in sys.modules:
            setattr(sys.modules[package], last, standing_in)
    try:
        yield
    finally:
        _leave(absent)


def _leave(names: Iterable[str]) -> None:
    for name in names:
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]
