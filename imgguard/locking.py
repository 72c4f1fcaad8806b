"""Let one process do a thing at a time, on this computer; the lock goes with the process, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Hold a lock file, or say that another process does.

    Args:
        path: The lock file, which stays.

    Yields:
        Whether this process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = hold(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def hold(path: Path) -> int | None:
    """Hold a lock file until the handle is closed or the process ends; None if another holds it.

    Args:
        path: The lock file, in a folder that is there; it stays. A link is not followed.
    """
    handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
