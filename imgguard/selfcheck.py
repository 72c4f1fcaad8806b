"""Check an installation: versions, model files, and the whole way of a sample picture."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from consent.keychain import usable_backend
from imgguard.errors import ImgguardError
from imgguard.weights import manifest, read_weights

SAMPLE = Path(__file__).parent / "data" / "selftest.jpg"

_LIBRARIES = (
    "imgguard", "opencv-contrib-python", "mediapipe", "numpy", "pillow", "pillow-heif", "piexif", "jpeglib",
    "cryptography", "keyring", "openpyxl", "click",
)  # fmt: skip
_OPENCV_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    told: str
    ok: bool


def run_checks() -> Iterator[Check]:
    """Look at everything, one check after the other; none raises."""
    yield Check("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", True)
    yield Check("Processor", f"{os.cpu_count()} cores", True)
    yield from (Check(name, _version(name) or "not installed", bool(_version(name))) for name in _LIBRARIES)
    yield _one_opencv()
    yield _keyring()
    yield from (_weights(name) for name in manifest())
    yield _sample_picture()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _one_opencv() -> Check:
    wheels = [name for name in _OPENCV_WHEELS if _version(name)]
    told = ", ".join(wheels)
    if len(wheels) > 1:
        told += ": they overwrite each other; uninstall all and install opencv-contrib-python again"
    return Check("OpenCV wheels", told, wheels == ["opencv-contrib-python"])


def _keyring() -> Check:
    """No keyring is no fault: the key of the templates can be made of a passphrase."""
    backend = usable_backend()
    return Check("Keyring", backend or "none that can be used: give imgguard init --passphrase", True)


def _weights(name: str) -> Check:
    try:
        read_weights(name)
    except ImgguardError as error:
        return Check(name, str(error), False)
    return Check(name, f"SHA-256 {manifest()[name].sha256}", True)


def _sample_picture() -> Check:
    """Clean the sample picture with recognition off: one face, covered, nothing else left."""
    from imgguard.backends import default_backends
    from imgguard.pipeline import prepare_photo
    from imgguard.rules import Rules
    from imgguard.types import Style

    began = time.perf_counter()
    try:
        backends = default_backends()
        cleaned = prepare_photo(SAMPLE, Rules(None, {}, None, date.today(), Style.BLUR, None), backends)
    except Exception as error:
        return Check("Sample picture", f"{type(error).__name__}: {error}", False)
    took = time.perf_counter() - began
    covered = sum(face.cover is not None for face in cleaned.faces)
    told = f"{covered} of 1 faces covered, {len(cleaned.removed)} parts removed, {took:.1f} s with loading"
    return Check("Sample picture", told, covered == len(cleaned.faces) == 1 and bool(cleaned.removed))
