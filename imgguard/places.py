"""Places that are not on this computer: `s3://photos/2024` is used like a path, and never taken for one.

A `Remote` is a path by its parts (`/`, `s3:`, `photos`, `2024`), so that whatever joins, compares or takes apart paths
does so with it too. The operating system is never given one: it would look for a folder called `s3:`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import io
import os
import re
import stat
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from imgguard.errors import ImgguardError, SetupError

if TYPE_CHECKING:
    _Base = Path
else:
    _Base = PurePosixPath

# What reads a kind of place: the module, and the package that brings it.
_PACKAGES = {
    "s3": ("s3fs", "s3fs"),
    "az": ("adlfs", "adlfs"),
    "gs": ("gcsfs", "gcsfs"),
    "sftp": ("paramiko", "paramiko"),
    "smb": ("smbclient", "smbprotocol"),
}
SCHEMES = tuple(_PACKAGES)
# Behind their scheme stands a computer, not a bucket. They rename; the others put whole objects.
_HOSTS = {"sftp", "smb"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_AT_ONCE = 64


class Remote(_Base):
    """A place in another store, or one relative to such a place."""

    __slots__ = ()

    def __str__(self) -> str:
        """Give the address, as it was typed."""
        first, *rest = self.parts or ("",)
        if first != "/" or not rest:
            return "/".join(self.parts) or "."
        return f"{rest[0]}//{'/'.join(rest[1:])}"

    def __fspath__(self) -> NoReturn:
        """Refuse to be given to the operating system."""
        raise TypeError(f"{self}: is no file of this computer")

    @property
    def scheme(self) -> str:
        """What kind of store it is in, such as s3."""
        return self.parts[1].removesuffix(":")

    @property
    def renames(self) -> bool:
        """Whether its store has files that are renamed, rather than objects that are put whole."""
        return self.scheme in _HOSTS

    @property
    def key(self) -> str:
        """What its file system calls it."""
        rest = self.parts[3:] if self.renames else self.parts[2:]
        return f"/{'/'.join(rest)}" if self.renames else "/".join(rest)

    @property
    def system(self) -> Any:
        """The fsspec file system that reads and writes it."""
        return _system(self.scheme, self.parts[2] if self.renames else "")

    def resolve(self, strict: bool = False) -> Remote:
        """Give itself: there are no links."""
        return self

    def absolute(self) -> Remote:
        """Give itself."""
        return self

    def is_symlink(self) -> bool:
        """Say no: there are no links."""
        return False

    def is_dir(self) -> bool:
        """Ask the store whether it is a folder."""
        found = self.entry()
        return found is not None and found.is_folder

    def is_file(self) -> bool:
        """Ask the store whether it is a file."""
        found = self.entry()
        return found is not None and not found.is_folder

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Ask the store whether there is anything."""
        return self.entry() is not None

    def entry(self) -> Entry | None:
        """Ask the store what is there; None for nothing.

        Raises:
            OSError: if the store cannot be asked.
        """
        if len(self.parts) <= 3:
            # A bucket or computer by itself: whoever may use it may not always ask about it.
            return Entry(self.name, True, 0, "")
        try:
            with as_os_error():
                return _entry(self.system.info(self.key))
        except FileNotFoundError:
            return None

    def read_bytes(self) -> bytes:
        """Read all of it.

        Raises:
            OSError: if it cannot be read.
        """
        with as_os_error():
            return bytes(self.system.cat_file(self.key))

    def open(self, mode: str = "rb") -> io.BytesIO:  # type: ignore[override]
        """Read all of it, to be read from in turn.

        Raises:
            OSError: if it cannot be read.
        """
        assert mode == "rb"
        return io.BytesIO(self.read_bytes())

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Tell what changes when its bytes do: size, time where the store has one, and a number made of its version.

        Raises:
            OSError: if there is nothing.
        """
        found = _listed(self) or self.entry()
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such file")
        kind = stat.S_IFDIR if found.is_folder else stat.S_IFREG
        version = int.from_bytes(hashlib.sha256(found.version.encode()).digest()[:7], "big")
        at = found.modified
        nanoseconds = {"st_mtime_ns": at * 10**9, "st_ctime_ns": at * 10**9}
        return os.stat_result((kind | 0o600, version, 0, 1, 0, 0, found.size, at, at, at), nanoseconds)

    def entries(self) -> list[Entry]:
        """List a folder, sorted by name.

        Raises:
            OSError: if it cannot be listed.
        """
        with as_os_error():
            found = [_entry(one) for one in self.system.ls(self.key, detail=True)]
        # Some stores have an empty object that stands for the folder itself.
        told = sorted((one for one in found if not self._is_marker(one)), key=lambda one: one.name)
        _keep(self, told)
        return told

    def heads(self, names: Sequence[str], length: int) -> list[bytes | OSError]:
        """Read the first bytes of many files of a folder, many at once where the store allows it."""
        keys = [(self / name).key for name in names]
        starts, ends = [0] * len(keys), [length] * len(keys)
        with as_os_error():
            found = self.system.cat_ranges(keys, starts, ends, on_error="return", batch_size=_AT_ONCE)
        return [_os_error(one) if isinstance(one, Exception) else bytes(one) for one in found]

    def _is_marker(self, entry: Entry) -> bool:
        own = entry.address.strip("/") == self.key.strip("/")
        return not entry.is_folder and entry.size == 0 and (own or entry.address.endswith("/"))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a store says of a file or folder.

    Attributes:
        name: Its name in its folder.
        is_folder: Whether it is one.
        size: In bytes.
        version: What changes when its bytes do: an ETag, or the time at which it was written.
        address: What the store calls it.
        modified: When it was written, in whole seconds; 0 where the version tells more than a time would.
        is_link: Whether it is a link to something else.
    """

    name: str
    is_folder: bool
    size: int
    version: str
    address: str = ""
    modified: int = 0
    is_link: bool = False

    @property
    def is_fit(self) -> bool:
        """Whether a path can have this name: a store may know names such as "" or "..", which no path has."""
        return self.name not in ("", ".", "..") and "\0" not in self.name


def place(given: Path | str) -> Path:
    """Give the place that an address or a path means.

    Raises:
        SetupError: if nothing can be read there, or the address is none.

    >>> str(place("s3://photos/2024/"))
    's3://photos/2024'
    """
    if isinstance(given, Remote):
        return given
    if (
        isinstance(given, Path)
        and given.parts
        and given.parts[0].removesuffix(":") in _PACKAGES
        and ":" in given.parts[0]
    ):
        raise SetupError(f"{given}: is a path of this computer made of an address", "Give the address as text.")
    match = _SCHEME.match(str(given)) if isinstance(given, str) else None
    if match is None:
        return Path(given)
    scheme, rest = match[1].lower(), str(given)[match.end() :].rstrip("/")
    if scheme not in _PACKAGES:
        known = ", ".join(f"{name}://" for name in _PACKAGES)
        raise SetupError(f"{given}: no such kind of place is known", f"Give a folder, or one of {known}.")
    host = rest.partition("/")[0]
    if ":" in host.rpartition("@")[0]:
        told = f"{scheme}://{host.rpartition('@')[2]}"
        raise SetupError(
            f"{told}: the address holds a password, which would be shown and recorded",
            "Leave it out, and use a key, an agent or the settings of fsspec (docs/cluster.md).",
        )
    parts = rest.split("/")
    if not host or any(part in ("", ".", "..") for part in parts):
        raise SetupError(f"{given}: is no address", f"Give one such as {scheme}://photos/2024.")
    return Remote("/", f"{scheme}:", *parts)


# What was listed a short while ago, so that thousands of photos are not asked for one by one.
_recent: OrderedDict[Remote, tuple[float, dict[str, Entry]]] = OrderedDict()
_RECENT_S, _MOST_FOLDERS = 600.0, 32


def _keep(folder: Remote, entries: Sequence[Entry]) -> None:
    _recent[folder] = time.monotonic(), {one.name: one for one in entries}
    while len(_recent) > _MOST_FOLDERS:
        _recent.popitem(last=False)


def _listed(path: Remote) -> Entry | None:
    at, entries = _recent.get(path.parent, (0.0, {}))
    return entries.get(path.name) if time.monotonic() - at < _RECENT_S else None


def forget_listed(path: Remote) -> None:
    """Ask for a file anew the next time, since it is being written or removed."""
    _, entries = _recent.get(path.parent, (0.0, {}))
    entries.pop(path.name, None)


def there(path: Path) -> bool:
    """Say whether there is anything under a name, be it a link that leads nowhere."""
    return path.exists() if isinstance(path, Remote) else os.path.lexists(path)


class Lookout:
    """Tells whether there is anything under a name of an output; another store is asked once a folder."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._folders: dict[Path, frozenset[str]] = {}

    def there(self, path: Path) -> bool:
        """Say whether there is anything, as of when its folder was first asked for."""
        return path.name in self._names(path.parent) if isinstance(path, Remote) else there(path)

    def _names(self, folder: Path) -> frozenset[str]:
        if folder not in self._folders:
            assert isinstance(folder, Remote)
            try:
                self._folders[folder] = frozenset(one.name for one in folder.entries())
            except (FileNotFoundError, NotADirectoryError):
                self._folders[folder] = frozenset()
        return self._folders[folder]


@contextlib.contextmanager
def as_os_error() -> Iterator[None]:
    """Turn what a store's own package raises into an operating system's error, which everybody here knows."""
    try:
        yield
    except (ImgguardError, OSError) as error:
        if isinstance(error, OSError) and error.strerror is None:
            raise _os_error(error) from error
        raise
    except Exception as error:
        raise _os_error(error) from error


_NUMBERS = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    PermissionError: errno.EACCES,
    IsADirectoryError: errno.EISDIR,
}


def _os_error(error: Exception) -> OSError:
    number = next((number for kind, number in _NUMBERS.items() if isinstance(error, kind)), errno.EIO)
    # In one line: what some packages say goes on for many.
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return OSError(number, said)


def _entry(told: dict[str, Any]) -> Entry:
    address, size = str(told["name"]), int(told.get("size") or 0)
    tag = next((str(told[name]).strip('"') for name in ("ETag", "etag", "md5Hash") if told.get(name)), "")
    names = ("LastModified", "last_modified", "updated", "mtime", "last_write_time")
    at = _seconds(next((told[name] for name in names if told.get(name)), 0))
    # With the time, since the tag of bytes that were there before is the same again.
    version = f"{tag} {at}"
    kind, name = told.get("type"), address.rsplit("/", 1)[-1]
    return Entry(name, kind == "directory", size, version, address, 0 if tag else at, kind == "link")


def _seconds(at: Any) -> int:
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return int(at.timestamp() if isinstance(at, datetime) else at)


@cache
def _system(scheme: str, host: str) -> Any:
    module, package = _PACKAGES[scheme]
    try:
        import fsspec

        importlib.import_module(module)
    except ImportError as error:
        raise SetupError(
            f"{scheme}:// needs the package {package}, which is not there", f"pip install fsspec {package}"
        ) from error
    # A listing that is kept would hide what others write meanwhile.
    told = {"use_listings_cache": False} if scheme not in _HOSTS else {}
    if scheme == "sftp":
        from imgguard.known_hosts import KnownHosts

        told = {"host_key_policy": KnownHosts()}
    with as_os_error():
        system, _ = fsspec.url_to_fs(f"{scheme}://{host}/", **told)
    return system
