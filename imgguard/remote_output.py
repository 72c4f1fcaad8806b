"""Publish into another store: an object is put whole under its final name, a file is renamed to it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consent.publishing import LOCAL, Files
from imgguard.errors import OutputExists, OutputUnsafe, SetupError
from imgguard.output import as_output_error, exists_already, inside
from imgguard.parts import is_left_here, part_name
from imgguard.places import SCHEMES, Lookout, Remote, as_os_error, forget_listed, place
from imgguard.types import Staged


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

    def address(self, target: Path) -> str:
        """See `imgguard.handing.Sink`."""
        return str(target)

    def check(self, target: Path, ours: Collection[str] = ()) -> None:
        """Make sure that a file may be published at `target`, as far as a first look tells; see `publishing`."""
        with as_output_error(target):
            self._check_place(target)
            if self._lookout.there(target) and not (self.overwrite or _digest(target) in ours):
                raise exists_already(target)

    @contextlib.contextmanager
    def publishing(
        self, content: bytes | Staged, target: Path, ours: Collection[str] = ()
    ) -> Iterator[Callable[[], None]]:
        """Write a file under its final name, wholly or not at all; what fails inside the block takes it back.

        Args:
            content: The finished bytes, or where a worker has put them; from there they are gone afterwards.
            target: Where they go, inside of the root.
            ours: Digests of files that may be replaced, since the record knows them as earlier versions.

        Yields:
            What is to be called inside the block to give the file its final name, once.

        Raises:
            OutputExists: if there is any other file already and `overwrite` is off.
            OutputUnsafe: if the target is an input, or outside of the root.
            OutputImpossible: if nothing can be written there.
        """
        assert isinstance(target, Remote)
        with as_output_error(target):
            self._check_place(target)
            before = target.read_bytes() if (self.overwrite or ours) and target.exists() else None
            if before is not None and not (self.overwrite or hashlib.sha256(before).hexdigest() in ours):
                raise exists_already(target)
        begun: list[Remote] = []

        def finish() -> None:
            with as_output_error(target):
                begun.append(target)
                try:
                    _write(content, target, overwrite=before is not None)
                except OutputExists:
                    # What is there is somebody else's.
                    begun.clear()
                    raise

        try:
            yield finish
        except BaseException:
            for _ in begun:
                _take_back(_sha256_of(content), before, target)
            raise
        finally:
            if isinstance(content, Staged) and isinstance(content.place, Remote):
                with contextlib.suppress(OSError):
                    remove(content.place)

    def publish(self, content: bytes, target: Path) -> None:
        """Write a file under its final name, wholly or not at all; see `publishing`."""
        with self.publishing(content, target) as finish:
            finish()

    def _check_place(self, target: Path) -> None:
        relative = inside(target, self.root)
        if self.root.renames and "\\" in str(relative):
            # Windows takes it for a slash, which would lead out of the folder.
            raise OutputUnsafe(f"{target}: a name with a backslash is not written there", "Give it another name.")
        if target in self.inputs:
            raise OutputUnsafe(
                f"{target}: is an input, and originals are never changed", "Choose another output folder."
            )


class RemoteFiles:
    """Published files of other stores, as `consent.publishing.recover` asks for them."""

    def digest(self, address: str) -> str | None:
        """Give a file's SHA-256; None where there is none."""
        with _known_store():
            return _digest(place(address))

    def remove(self, address: str) -> None:
        """Take a file away."""
        with _known_store():
            target = place(address)
            assert isinstance(target, Remote)
            remove(target)


PLACES: Mapping[str, Files] = {**LOCAL, **dict.fromkeys(SCHEMES, RemoteFiles())}


def _write(content: bytes | Staged, target: Remote, *, overwrite: bool) -> None:
    if isinstance(content, Staged):
        move(content, target, overwrite=overwrite)
    else:
        put(content, target, overwrite=overwrite)


def put(content: bytes, target: Remote, *, overwrite: bool) -> None:
    """Write all bytes under a name at once: whoever reads sees all of them, or what was there before.

    Raises:
        OutputExists: if there is something, and it may not be replaced.
        OSError: if it cannot be written.
    """
    forget_listed(target)
    try:
        with as_os_error():
            (_rename_to if target.renames else _put_object)(content, target, overwrite)
    except FileExistsError as error:
        raise exists_already(target) from error


def move(staged: Staged, target: Remote, *, overwrite: bool) -> None:
    """Give staged bytes their final name inside of the store; they do not come here for it.

    Raises:
        OutputExists: if there is something, and it may not be replaced.
        OSError: if it cannot be done.
    """
    assert isinstance(staged.place, Remote)
    forget_listed(target)
    # S3 refuses a name that is taken while it copies; the others have to be asked before.
    if not overwrite and target.exists():
        raise exists_already(target)
    try:
        with as_os_error():
            if target.renames:
                target.system.makedirs(target.parent.key, exist_ok=True)
                _renamer(target, overwrite)(staged.place.key, target.key)
            else:
                told = {"IfNoneMatch": "*"} if target.scheme == "s3" and not overwrite else {}
                target.system.cp_file(staged.place.key, target.key, **told)
    except FileExistsError as error:
        raise exists_already(target) from error


def remove(target: Remote) -> None:
    """Take a file away.

    Raises:
        OSError: if it cannot be removed.
    """
    forget_listed(target)
    with as_os_error():
        target.system.rm_file(target.key)


def remove_folder(folder: Remote) -> None:
    """Take a folder away with all that is in it; one that is not there stays away.

    Raises:
        OSError: if it cannot be removed.
    """
    # One by one, since fsspec takes brackets in the name of a folder to be removed for a pattern.
    with contextlib.suppress(FileNotFoundError), as_os_error():
        for file in folder.system.find(folder.key):
            folder.system.rm_file(file)
        if folder.renames:
            folder.system.rmdir(folder.key)


def remove_left_there(folders: Iterable[Remote]) -> None:
    """Remove unfinished files that killed processes of this computer have left in other stores."""
    for folder in folders:
        with contextlib.suppress(OSError):
            for entry in folder.entries():
                if is_left_here(entry.name):
                    (remove_folder if entry.is_folder else remove)(folder / entry.name)


@contextlib.contextmanager
def _known_store() -> Iterator[None]:
    """Take a store that cannot be used here, such as for want of a package, for one that does not answer."""
    try:
        yield
    except SetupError as error:
        raise OSError(error.what) from error


def _digest(target: Path) -> str | None:
    try:
        return hashlib.sha256(target.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _sha256_of(content: bytes | Staged) -> str:
    return content.sha256 if isinstance(content, Staged) else hashlib.sha256(content).hexdigest()


def _take_back(sha256: str, before: bytes | None, target: Remote) -> None:
    """Leave what was there before; what somebody else has put there meanwhile stays."""
    with contextlib.suppress(OSError):
        if _digest(target) != sha256:
            return
        remove(target) if before is None else put(before, target, overwrite=True)


def _put_object(content: bytes, target: Remote, overwrite: bool) -> None:
    # Some stores do not know the condition and would replace what is there, whoever has put it there since we looked.
    if not overwrite and target.exists():
        raise FileExistsError(f"{target}: there is a file")
    # The store itself refuses a name that is taken, so that there is no gap for another writer; a large object
    # appears when its last part is confirmed.
    target.system.pipe_file(target.key, content, mode="overwrite" if overwrite else "create")


def _rename_to(content: bytes, target: Remote, overwrite: bool) -> None:
    system, staged = target.system, target.with_name(part_name())
    system.makedirs(target.parent.key, exist_ok=True)
    try:
        system.pipe_file(staged.key, content)
        _renamer(target, overwrite)(staged.key, target.key)
    except BaseException:
        there = target.exists() and not overwrite
        with contextlib.suppress(Exception):
            system.rm_file(staged.key)
        if there:
            raise FileExistsError(f"{target}: there is a file") from None
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
