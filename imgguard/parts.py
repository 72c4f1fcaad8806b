"""Names of files that are not finished yet, and what to do with those that a killed process has left."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import re
import secrets
import sys
import time
from collections.abc import Iterable
from pathlib import Path

# PROCESS_QUERY_LIMITED_INFORMATION, ERROR_ACCESS_DENIED and STILL_ACTIVE of Windows.
_MAY_ASK, _DENIED, _STILL_ACTIVE = 0x1000, 5, 259
# Of another computer nobody can tell here whether its processes are alive.
_LONG_S = 24 * 3600
_NAME = re.compile(r"\.imgguard-(?:([0-9a-f]{8})-(\d+)-)?[0-9a-z_]+\.part")


def part_name() -> str:
    """Give a name for a file that is not finished yet, which tells whose it is."""
    return f".imgguard-{_host()}-{os.getpid()}-{secrets.token_hex(8)}.part"


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def remove_left(folders: Iterable[Path]) -> int:
    """Remove unfinished files of processes that have ended; give how many.

    Args:
        folders: Where to look, not below them; those that are not there have none.
    """
    removed = 0
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".imgguard-") and _is_left(entry):
                    with contextlib.suppress(OSError):
                        Path(entry.path).unlink()
                        removed += 1
    return removed


def _is_left(entry: os.DirEntry[str]) -> bool:
    named = _NAME.fullmatch(entry.name)
    if named is None or not entry.is_file(follow_symlinks=False):
        return False
    host, process = named.groups()
    if host == _host():
        return not _is_alive(int(process))
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _LONG_S


def is_left_here(name: str) -> bool:
    """Say whether a name is an unfinished file's whose process ran on this computer and has ended."""
    named = _NAME.fullmatch(name)
    return named is not None and named[1] == _host() and not _is_alive(int(named[2]))


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        return _is_alive_on_windows(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _is_alive_on_windows(process: int) -> bool:
    """A finished part is closed before it gets its name: that nobody has it open tells nothing."""
    if sys.platform != "win32":
        return True
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.OpenProcess(_MAY_ASK, False, process))
    if not handle:
        # Of another account, such as a service's.
        return ctypes.get_last_error() == _DENIED
    code = ctypes.c_ulong()
    known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return not known or code.value == _STILL_ACTIVE
