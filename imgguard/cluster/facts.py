"""What two computers must have in common to come to the same results, bit for bit."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from imgguard.backends import default_backends

_PACKAGES = ("numpy", "opencv-contrib-python", "onnxruntime", "mediapipe", "pillow", "pillow-heif", "jpeglib")
# These may be other ones at the client, which computes nothing: only the workers have to agree on them.
AMONG_WORKERS = ("processor", "how it computes")


def own_facts() -> dict[str, str]:
    """Tell what results depend on here, with the models loaded and their files checked."""
    from imgguard import __version__

    backends = default_backends()
    told = {"imgguard": __version__, "Python": ".".join(platform.python_version_tuple()[:2])}
    told |= {name: version(name) for name in _PACKAGES}
    told |= {f"model {name}": sha256[:16] for name, sha256 in backends.weights.items()}
    return {**told, "processor": platform.machine().lower(), "how it computes": _proof()}


def differences(expected: Mapping[str, str], found: Mapping[str, str], *, among_workers: bool) -> tuple[str, ...]:
    """List what differs, in words.

    Args:
        expected: What it should be.
        found: What a worker told.
        among_workers: Compare what only workers have to agree on, rather than the rest.

    >>> differences({"imgguard": "1.0"}, {"imgguard": "1.1"}, among_workers=False)
    ('imgguard is 1.1, not 1.0',)
    """
    names = sorted({*expected, *found})
    return tuple(
        f"{name} is {found.get(name, 'not there')}, not {expected.get(name, 'there')}"
        for name in names
        if (name in AMONG_WORKERS) is among_workers and expected.get(name) != found.get(name)
    )


def _proof() -> str:
    """Search and embed a drawn pattern: processors whose instructions differ may round otherwise."""
    rows, columns = np.mgrid[0:112, 0:112]
    pattern = np.stack([rows * 2, columns * 2, (rows * columns) % 256], axis=-1).astype(np.uint8)
    backends = default_backends()
    # With no least score, so that there is something to compare.
    found = sorted((one.score, one.box.x1, one.box.y1) for one in backends.primary.detect(pattern, 0.0))
    computed = np.array(found, np.float32).tobytes() + backends.embedder.embed(pattern).tobytes()
    return hashlib.sha256(computed).hexdigest()[:16]
