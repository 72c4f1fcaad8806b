"""OpenCV, imported when it is first used: it takes 0.2 s, which `imgguard --help` should not wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cv2 as cv2
else:
    import importlib

    class _LazyModule:
        """Stands for a module until one of its attributes is asked for."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> object:
            return getattr(importlib.import_module(self._name), attribute)

    cv2 = _LazyModule("cv2")
