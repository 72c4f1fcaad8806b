"""Where originals and pictures that are not released lie while they are looked at: encrypted, and gone afterwards.

The key lives in the memory of one process, so that whatever is left of a process that was killed cannot be read; and
the next one deletes it. Which areas are in use is told by locks, which the operating system takes off the dead.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import platformdirs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imgguard.errors import SetupError
from imgguard.locking import hold

_KEY_BITS, _NONCE_BYTES, _TAG_BYTES, _STAMP_BYTES = 256, 12, 16, 16
# A cipher takes less than 2 GiB at once.
_PIECE = 64 * 2**20
_PATIENCE = 10.0
MOST_BYTES = 8 * 2**30
_LOCK = ".lock"
_PREFIX = "area-"


class AreaFull(SetupError):
    """No more can be kept."""


class AreaClosed(SetupError):
    """The session is over."""


@dataclass(frozen=True, slots=True)
class _Kept:
    size: int
    stamp: bytes

    def bound(self, name: str) -> bytes:
        """What the encrypted bytes are bound to."""
        return self.stamp + self.size.to_bytes(8, "big") + name.encode("utf-8", "surrogatepass")


def areas_folder() -> Path:
    """Where areas lie: the user's own cache folder, never beside the photos or the school file."""
    return Path(platformdirs.user_cache_dir("imgguard", appauthor=False)) / "page"


class Area:
    """A folder of encrypted files, whose key lives in this process alone (AES-256-GCM, NIST SP 800-38D).

    Every file is bound to its name and to the stamp of its newest version, so that neither another's nor an older
    one can be put in its place. It can be used from several threads.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        """Use a folder that is nobody else's.

        Args:
            folder: Made if it is not there, for its user alone.
            most_bytes: How much may be kept at once.
        """
        self._folder, self._most = folder, most_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._handle: int | None = hold(folder / _LOCK)
        if self._handle is None:
            raise SetupError("The folder for unreleased pictures is in use", "Close the other page first.")
        self._cipher: AESGCM | None = AESGCM(AESGCM.generate_key(_KEY_BITS))
        # File names tell nothing, not even to somebody who guesses names and hashes them.
        self._salt = secrets.token_bytes(32)
        self._kept: dict[Path, _Kept] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Tell nothing of the key."""
        return f"<Area, {len(self._kept)} files>"

    def __reduce__(self) -> Never:
        """Refuse to be pickled."""
        raise TypeError("a key does not leave its process")

    @property
    def kept_bytes(self) -> int:
        """How much is kept now."""
        return sum(kept.size for kept in tuple(self._kept.values()))

    @property
    def has_room(self) -> bool:
        """Whether there is room for what could be made anew as well."""
        return self.kept_bytes < self._most * 3 // 4

    def put(self, name: str, content: bytes) -> None:
        """Keep bytes under a name, which may be anything; what was there before is gone then.

        Raises:
            AreaFull: if there is no room; what was there before is still there.
            AreaClosed: after the end.
        """
        with self._lock:
            cipher, path = self._open_cipher(), self._path(name)
            others = self.kept_bytes - (self._kept[path].size if path in self._kept else 0)
            if others + len(content) > self._most:
                raise AreaFull("There are too many unreleased pictures", "Release or drop some, then try again.")
            kept = _Kept(len(content), secrets.token_bytes(_STAMP_BYTES))
            _replace(path, _sealed(cipher, content, kept.bound(name)))
            self._kept[path] = kept

    def get(self, name: str) -> bytes | None:
        """Give what was kept under a name; None where nothing was, or it is damaged.

        Raises:
            AreaClosed: after the end.
        """
        with self._lock:
            cipher, path = self._open_cipher(), self._path(name)
            kept = self._kept.get(path)
            if kept is None:
                return None
            try:
                sealed = memoryview(path.read_bytes())
            except OSError:
                return None
        return _opened(cipher, sealed, kept.bound(name))

    def drop(self, name: str) -> None:
        """Delete what was kept under a name."""
        with self._lock:
            path = self._path(name)
            path.unlink(missing_ok=True)
            self._kept.pop(path, None)

    def close(self) -> None:
        """Forget the key and delete everything; nothing is kept or given any more."""
        with self._lock:
            self._cipher, self._kept = None, {}
            handle, self._handle = self._handle, None
            if handle is not None:
                _empty(self._folder)
                # Windows deletes no file that is open; so the lock goes last.
                os.close(handle)
                shutil.rmtree(self._folder, ignore_errors=True)

    def _open_cipher(self) -> AESGCM:
        if self._cipher is None:
            raise AreaClosed("The session is over", "Open the page again.")
        return self._cipher

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(self._salt + name.encode("utf-8", "surrogatepass")).hexdigest()


def fresh_area(parent: Path | None = None) -> Area:
    """Delete the areas of processes that are gone, however they ended, and make one for this process.

    Args:
        parent: Where areas lie; `areas_folder` if not given.

    Raises:
        SetupError: if none can be made.
    """
    parent = parent or areas_folder()
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(parent):
            for left in _left_behind(parent):
                shutil.rmtree(left, ignore_errors=True)
            return Area(parent / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}")
    except OSError as error:
        raise SetupError(
            f"{parent}: unreleased pictures cannot be kept here ({error.strerror})", "Check the folder and its rights."
        ) from error


@contextlib.contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Let one process at a time delete and make areas, so that none takes a new one for one left behind.

    Raises:
        OSError: if another takes too long.
    """
    until = time.monotonic() + _PATIENCE
    while (handle := hold(parent / _LOCK)) is None:
        if time.monotonic() > until:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(handle)


def _left_behind(parent: Path) -> Iterator[Path]:
    """Give the areas that nobody holds; a link is none."""
    for folder in parent.glob(f"{_PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        with contextlib.suppress(OSError):
            handle = hold(folder / _LOCK)
            if handle is not None:
                _empty(folder)
                os.close(handle)
                yield folder


def _sealed(cipher: AESGCM, content: bytes, bound: bytes) -> Iterator[bytes]:
    """Encrypt bytes in pieces, each bound to its place."""
    plain = memoryview(content)
    for at in range(0, max(1, len(plain)), _PIECE):
        nonce = secrets.token_bytes(_NONCE_BYTES)
        yield nonce
        yield cipher.encrypt(nonce, plain[at : at + _PIECE], bound + at.to_bytes(8, "big"))


def _opened(cipher: AESGCM, sealed: memoryview, bound: bytes) -> bytes | None:
    """Decrypt what `_sealed` made; None where a byte of it is another."""
    length, pieces = _NONCE_BYTES + _PIECE + _TAG_BYTES, list[bytes]()
    try:
        for number, at in enumerate(range(0, max(1, len(sealed)), length)):
            piece = sealed[at : at + length]
            place = (number * _PIECE).to_bytes(8, "big")
            pieces.append(cipher.decrypt(piece[:_NONCE_BYTES], piece[_NONCE_BYTES:], bound + place))
    except (InvalidTag, ValueError):
        return None
    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return whole if len(whole) == int.from_bytes(bound[_STAMP_BYTES : _STAMP_BYTES + 8], "big") else None


def _replace(path: Path, pieces: Iterable[bytes]) -> None:
    """Put a whole new file in the place of the old one, or leave that as it is."""
    beginning = path.with_suffix(".new")
    try:
        handle = os.open(beginning, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(pieces)
        beginning.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beginning.unlink()
        raise AreaFull(
            f"Unreleased pictures cannot be kept ({error.strerror})", "Make room on the disk, then try again."
        ) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != _LOCK:
            with contextlib.suppress(OSError):
                path.unlink()
