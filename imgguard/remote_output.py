"""Publish into another store: an object is put whole under its final name, a file is renamed to it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imgguard.errors import OutputUnsafe
from imgguard.output import as_output_error, exists_already, inside
from imgguard.places import Lookout, Remote, as_os_error


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """Where photos are published, in another store; see `imgguard.output.OutputFolder`, which does the same here.

    Attributes:
        root: The folder; nothing is ever written outside of it.
        overwrite: Whether a file that is there already is replaced.
        inputs: All inputs, which are never written to.
    """

    root: Remote
    overwrite: bool
    inputs: Collection[Path] = ()
    _lookout: Lookout = field(default_factory=Lookout, repr=False)

    def check(self, target: Path) -> None:
        """Make sure that a file may be published at `target`; see `publishing`."""
        inside(target, self.root)
        if target in self.inputs:
            raise OutputUnsafe(
                f"{target}: is an input, and originals are never changed", "Choose another output folder."
            )
        with as_output_error(target):
            # Only a first look: the store itself has the last word when something is put there.
            if not self.overwrite and self._lookout.there(target):
                raise exists_already(target)

    @contextlib.contextmanager
    def publishing(self, content: bytes, target: Path) -> Iterator[None]:
        """Write a file under its final name, wholly or not at all; what fails inside the block takes it back.

        Raises:
            OutputExists: if there is a file already and `overwrite` is off.
            OutputUnsafe: if the target is an input, or outside of the root.
            OutputImpossible: if nothing can be written there.
        """
        self.check(target)
        assert isinstance(target, Remote)
        with as_output_error(target):
            before = target.read_bytes() if self.overwrite and target.exists() else None
            put(content, target, overwrite=self.overwrite)
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                remove(target) if before is None else put(before, target, overwrite=True)
            raise

    def publish(self, content: bytes, target: Path) -> None:
        """Write a file under its final name, wholly or not at all; see `publishing`."""
        with self.publishing(content, target):
            pass


def put(content: bytes, target: Remote, *, overwrite: bool) -> None:
    """Write all bytes under a name at once: whoever reads sees all of them, or what was there before.

    Raises:
        OutputExists: if there is something, and it may not be replaced.
        OSError: if it cannot be written.
    """
    try:
        with as_os_error():
            (_rename_to if target.renames else _put_object)(content, target, overwrite)
    except FileExistsError as error:
        raise exists_already(target) from error


def remove(target: Remote) -> None:
    """Take a file away.

    Raises:
        OSError: if it cannot be removed.
    """
    with as_os_error():
        target.system.rm_file(target.key)


def _put_object(content: bytes, target: Remote, overwrite: bool) -> None:
    # The store itself refuses a name that is taken, so that there is no gap for another writer; a large object
    # appears when its last part is confirmed.
    target.system.pipe_file(target.key, content, mode="overwrite" if overwrite else "create")


def _rename_to(content: bytes, target: Remote, overwrite: bool) -> None:
    system, staged = target.system, target.with_name(f".imgguard-{secrets.token_hex(8)}.part")
    system.makedirs(target.parent.key, exist_ok=True)
    try:
        system.pipe_file(staged.key, content)
        _renamer(target, overwrite)(staged.key, target.key)
    except BaseException:
        with contextlib.suppress(Exception):
            system.rm_file(staged.key)
        raise


def _renamer(target: Remote, overwrite: bool) -> Callable[[str, str], None]:
    """Choose the renaming that replaces, or the one that the server refuses where there is a file."""
    system = target.system
    if target.scheme == "sftp":
        return system.ftp.posix_rename if overwrite else system.ftp.rename  # type: ignore[no-any-return]
    if not overwrite:
        return system.mv  # type: ignore[no-any-return]
    import smbclient

    host = target.system.host
    return lambda old, new: smbclient.replace(*(rf"\\{host}{one}".replace("/", "\\") for one in (old, new)))
