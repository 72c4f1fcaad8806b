"""Publish bytes atomically: a reader sees the whole file or none.

Never overwrites unless told to, never writes through a link or out of the output folder, never onto an input.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from consent.publishing import address_of
from imgguard.errors import OutputError, OutputExists, OutputFailed, OutputImpossible, OutputUnsafe
from imgguard.parts import part_name
from imgguard.torn import is_torn, may_be_torn

_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM}
_NOT_WRITABLE = {*_NOT_ALLOWED, errno.EROFS, errno.EIO, errno.ENOENT}
# Windows says that the function is invalid, as on FAT and on some network drives.
_NO_HARD_LINKS = {
    errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV, errno.EINVAL
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Where photos are published.

    Attributes:
        root: The folder; nothing is ever written outside of it.
        overwrite: Whether a file that is there already is replaced.
        inputs: Resolved paths of all inputs, which are never written to.
        private: Whether only the operator may read what is written: reports, and pictures with uncovered faces.
    """

    root: Path
    overwrite: bool
    inputs: Collection[Path] = ()
    private: bool = False

    @contextlib.contextmanager
    def publishing(self, content: bytes, target: Path, ours: Collection[str] = ()) -> Iterator[Callable[[], None]]:
        """Write a file under its final name, wholly or not at all; what fails inside the block takes it back.

        Args:
            content: The finished bytes.
            target: Where they go, inside of the root.
            ours: Digests of files that may be replaced, since the record knows them as earlier versions. What is left
                of these very bytes after the power failed is replaced as well.

        Yields:
            What is to be called inside the block to give the file its final name, once.

        Raises:
            OutputExists: if there is any other file already and `overwrite` is off.
            OutputUnsafe: if the target is a link, an input, or outside of the root.
            OutputImpossible: if nothing can be written there: disk full, no permission.
        """
        with as_output_error(target):
            self._check_place(target)
            replacing = self._may_replace(content, target, ours)
        moved: list[Path | None] = []
        with contextlib.ExitStack() as temporary:
            with as_output_error(target):
                _make_folder(target.parent)
                staged = temporary.enter_context(_staged(content, target.parent, self.private))
            with as_output_error(target, in_good_folder=True):
                before = temporary.enter_context(_kept_aside(target)) if replacing else None

            def put() -> None:
                with as_output_error(target, in_good_folder=True):
                    if replacing:
                        # Another process may have published a newer version meanwhile, which covers more.
                        self._may_replace(content, target, ours)
                    self._move(staged, target, replacing)
                    moved.append(before)
                _sync_folder(target.parent)

            try:
                yield put
            except BaseException:
                with contextlib.suppress(OSError):
                    for kept in moved:
                        _put_back(kept, target)
                raise

    def publish(self, content: bytes, target: Path) -> None:
        """Write a file under its final name, wholly or not at all; see `publishing`."""
        with self.publishing(content, target) as put:
            put()

    def address(self, target: Path) -> str:
        """See `imgguard.handing.Sink`."""
        return address_of(target)

    def check(self, target: Path, ours: Collection[str] = ()) -> None:
        """Make sure that a file may be published at `target`, without knowing its bytes; see `publishing`."""
        with as_output_error(target):
            self._check_place(target)
            if target.exists() and not (self.overwrite or _digest(target) in ours or may_be_torn(target)):
                raise exists_already(target)

    def _check_place(self, target: Path) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise OutputImpossible(f"{self.root}: cannot be written to, it is a file", "Choose another output folder.")
        relative = inside(target, self.root)
        place = self.root
        for part in relative.parts:
            place = place / part
            if place.is_symlink():
                raise OutputUnsafe(f"{place}: is a link; imgguard does not write through links", "Remove the link.")
        if target.resolve() in self.inputs:
            raise OutputUnsafe(
                f"{target}: is an input, and originals are never changed", "Choose another output folder."
            )

    def _may_replace(self, content: bytes, target: Path, ours: Collection[str]) -> bool:
        """Say whether there is a file that may be replaced.

        Raises:
            OutputExists: if there is one that may not.
        """
        if not target.exists():
            return self.overwrite
        if self.overwrite or _digest(target) in ours or (target.is_file() and is_torn(target.read_bytes(), content)):
            return True
        raise exists_already(target)

    def _move(self, staged: Path, target: Path, replacing: bool) -> None:
        if replacing:
            staged.replace(target)
            return
        try:
            # A hard link appears under its name at once and fails where there is a file: no gap for another writer.
            os.link(staged, target)
        except FileExistsError as error:
            raise exists_already(target) from error
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _replace_reserved(staged, target)


def _replace_reserved(staged: Path, target: Path) -> None:
    """Where there are no hard links: reserve the name, then rename over it."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError as error:
        raise exists_already(target) from error
    try:
        staged.replace(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def as_output_error(target: Path, *, in_good_folder: bool = False) -> Iterator[None]:
    """Turn an operating system's error about a target into ours.

    Args:
        target: The file.
        in_good_folder: Whether something could just be written beside it, so that it alone may be to blame.
    """
    try:
        yield
    except OSError as error:
        raise _impossible(target, error, in_good_folder=in_good_folder) from error


@contextlib.contextmanager
def _kept_aside(target: Path) -> Iterator[Path | None]:
    """Keep what is there already under another name, until it is certain that it is replaced."""
    if not target.exists():
        yield None
        return
    aside = target.with_name(part_name())
    try:
        try:
            os.link(target, aside)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            shutil.copy2(target, aside)
        yield aside
    finally:
        _clear(aside)


def _put_back(before: Path | None, target: Path) -> None:
    if before is None:
        target.unlink(missing_ok=True)
    else:
        before.replace(target)


@contextlib.contextmanager
def _staged(content: bytes, folder: Path, private: bool) -> Iterator[Path]:
    """A complete, synced temporary file beside the target, gone afterwards whatever happens."""
    path = folder / part_name()
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if not private:
            path.chmod(0o666 & ~_umask())
        yield path
    finally:
        _clear(path)


def _clear(part: Path) -> None:
    """Remove a temporary file; what a failing disk does not let go of is no reason to take anything back."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _make_folder(folder: Path) -> None:
    """Make a folder so that it is there for good, and with it what is written into it."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync_folder(made.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    # Best effort: not every file system can, and the file itself is synced already.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def inside(target: Path, root: Path) -> Path:
    """Give a target's place below the root.

    Raises:
        OutputUnsafe: if it is not below it.
    """
    try:
        relative = target.relative_to(root)
    except ValueError:
        relative = None
    if relative is None or ".." in relative.parts or not relative.parts:
        raise OutputUnsafe(f"{target}: outside of the output folder {root}", "Choose a name inside of it.")
    return relative


def exists_already(target: Path) -> OutputExists:
    """Give the error of a target where there is a file."""
    remedy = "Delete it, choose another place, or allow overwriting (imgguard clean --overwrite)."
    return OutputExists(f"{target}: there is a file already, which may be another photo's", remedy)


def _impossible(target: Path, error: OSError, *, in_good_folder: bool) -> OutputError:
    what = f"{target}: cannot be written ({error.strerror})"
    if in_good_folder and error.errno in _NOT_ALLOWED:
        # What Windows says of a file that another program has open.
        return OutputFailed(what, "Close whatever shows this file, make sure that it may be changed, and run again.")
    if error.errno in _NO_SPACE:
        return OutputImpossible(what, "Free some space and run again.")
    if error.errno in _NOT_WRITABLE:
        return OutputImpossible(what, "Check the output folder and its permissions, and run again.")
    return OutputFailed(what, "Check the file's name and its folder, and run again.")
