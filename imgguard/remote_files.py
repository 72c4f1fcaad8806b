"""Find the files below a remote folder, in the order and under the rules of a local one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from imgguard.errors import PhotoError, PhotoUnreadable, SetupError, link_refused, unreadable
from imgguard.formats import HEAD_BYTES
from imgguard.places import Remote
from imgguard.sidecars import Aside, is_aside_folder

# As `imgguard.planning.Entry` has it.
Found = tuple[Path, Path, PhotoError | None, Aside | None, bytes | None]
_Sidecars = Callable[[Sequence[str]], Callable[[Path], Aside | None]]


def find_remote(given: Remote, base: Path, sidecars: _Sidecars) -> Iterator[Found]:
    """Yield each file below a remote folder, or a remote file; a store is asked for one folder at a time.

    Args:
        given: A folder or file.
        base: What places begin with.
        sidecars: Given the names of a folder's files, tells by a path what lies beside photos.
    """
    if given.is_file():
        _require_no_folder(given)
        yield from _files(given.parent, Path(), [given.name], lambda path: None, set())
        return
    folders = [(given, base)]
    while folders:
        here, relative = folders.pop()
        try:
            entries = here.entries()
        except OSError as error:
            yield here, Path(), unreadable(here, error), None, None
            continue
        for one in entries:
            if not one.is_fit:
                yield here, Path(), _unfit(here, one.address), None, None
            elif one.is_link:
                yield here / one.name, relative / one.name, link_refused(here / one.name), None, None
        entries = [one for one in entries if one.is_fit and not one.is_link]
        aside = [one.name for one in entries if one.is_folder and is_aside_folder(one.name)]
        files = [one for one in entries if not one.is_folder]
        tell = sidecars([one.name for one in files])
        empty = {one.name for one in files if one.size == 0}
        yield from _files(here, relative, sorted([*(one.name for one in files), *aside]), tell, empty)
        below = [one.name for one in entries if one.is_folder and one.name not in aside]
        folders += [(here / name, relative / name) for name in reversed(below)]


_BATCH = 512


def _files(
    here: Remote, relative: Path, names: list[str], tell: Callable[[Path], Aside | None], empty: set[str]
) -> Iterator[Found]:
    for start in range(0, len(names), _BATCH):
        batch = names[start : start + _BATCH]
        told = {name: tell(here / name) for name in batch}
        wanted = [name for name in batch if told[name] is None and name not in empty]
        heads = dict(zip(wanted, here.heads(wanted, HEAD_BYTES), strict=True)) if wanted else {}
        for name in batch:
            head, path = heads.get(name, b""), here / name
            failed = unreadable(path, head) if isinstance(head, OSError) else None
            yield path, relative / name, failed, told[name], None if isinstance(head, OSError) else head


def _require_no_folder(file: Remote) -> None:
    """Make sure that an object is not a folder, too, whose photos would not be seen.

    Raises:
        SetupError: if it is.
    """
    if not file.renames and any(one.address.strip("/") != file.key for one in file.entries()):
        raise SetupError(f"{file}: is an object and a folder at once", "Give one of them another name in the store.")


def _unfit(folder: Remote, address: str) -> PhotoUnreadable:
    return PhotoUnreadable(
        f"{folder}: what the store calls {address!r} has a name that no path can have", "Give it another name there."
    )
