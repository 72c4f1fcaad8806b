from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from imgguard import OutputExists, OutputFailed, OutputImpossible, OutputUnsafe
from imgguard.output import OutputFolder


def folder(root: Path, **options: object) -> OutputFolder:
    return OutputFolder(root, **{"overwrite": False, **options})  # type: ignore[arg-type]


def test_a_file_appears_whole_with_its_folders(tmp_path: Path) -> None:
    folder(tmp_path).publish(b"picture", tmp_path / "a" / "b.jpg")
    assert (tmp_path / "a" / "b.jpg").read_bytes() == b"picture"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.jpg"], "no temporary file is left"


def test_nothing_is_overwritten_unless_told_to(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(b"old")
    with pytest.raises(OutputExists):
        folder(tmp_path).publish(b"new", target)
    assert target.read_bytes() == b"old"
    folder(tmp_path, overwrite=True).publish(b"new", target)
    assert target.read_bytes() == b"new"


def test_a_file_that_appears_at_the_last_moment_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.jpg"
    out = folder(tmp_path)
    theirs = b"somebody else's"
    monkeypatch.setattr(OutputFolder, "_may_replace", lambda self, _, target, ours: not target.write_bytes(theirs))
    with pytest.raises(OutputExists):
        out.publish(b"new", target)
    assert target.read_bytes() == b"somebody else's"


def test_a_newer_version_of_another_process_is_not_replaced_by_an_older_one(tmp_path: Path) -> None:
    target, ours = tmp_path / "a.jpg", {hashlib.sha256(b"old").hexdigest()}
    target.write_bytes(b"old")
    with pytest.raises(OutputExists), folder(tmp_path).publishing(b"decided before", target, ours) as put:
        target.write_bytes(b"decided since")
        put()
    assert target.read_bytes() == b"decided since"
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL])
def test_without_hard_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_links(source: object, target: object) -> None:
        raise OSError(number, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "a.jpg"
    folder(tmp_path).publish(b"one", target)
    assert target.read_bytes() == b"one"
    with pytest.raises(OutputExists):
        folder(tmp_path).publish(b"two", target)
    assert target.read_bytes() == b"one"


@pytest.mark.parametrize("where", ["outside", "../up.jpg", "in/../../up.jpg"])
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, where: str) -> None:
    root = tmp_path / "out"
    target = tmp_path / "elsewhere.jpg" if where == "outside" else root / where
    with pytest.raises(OutputUnsafe):
        folder(root).publish(b"x", target)
    assert list(tmp_path.rglob("*.jpg")) == []


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    root, outside = tmp_path / "out", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "linked").symlink_to(outside)
    victim = outside / "victim.jpg"
    victim.write_bytes(b"mine")
    (root / "direct.jpg").symlink_to(victim)
    for target in (root / "linked" / "a.jpg", root / "direct.jpg"):
        with pytest.raises(OutputUnsafe, match="link"):
            folder(root, overwrite=True).publish(b"x", target)
    assert victim.read_bytes() == b"mine"
    assert [path.name for path in outside.iterdir()] == ["victim.jpg"]


def test_an_input_is_never_written_to(tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(b"original")
    with pytest.raises(OutputUnsafe, match="input"):
        folder(tmp_path, overwrite=True, inputs={source.resolve()}).publish(b"x", source)
    assert source.read_bytes() == b"original"


@pytest.mark.parametrize("step", ["write", "fsync", "link", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_or_broken_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    if step == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    elif step == "write":
        real = os.fdopen

        class FullDisk:
            def __init__(self, handle: int, mode: str) -> None:
                self.stream = real(handle, mode)

            def __enter__(self) -> FullDisk:
                return self

            def __exit__(self, *args: object) -> None:
                self.stream.close()

            def write(self, content: bytes) -> None:
                self.stream.write(content[: len(content) // 2])
                fail()

        monkeypatch.setattr(os, "fdopen", FullDisk)
    else:
        monkeypatch.setattr(os, step, fail)
    out = folder(tmp_path, overwrite=step == "replace")
    with pytest.raises(OutputImpossible) as caught:
        out.publish(b"picture" * 100, tmp_path / "a.jpg")
    assert "a.jpg" in caught.value.what
    assert ("space" in caught.value.remedy) == (code == errno.ENOSPC)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputFailed):
        folder(tmp_path).publish(b"x", tmp_path / "file" / "a.jpg")
    with pytest.raises(OutputImpossible):
        folder(tmp_path / "file").publish(b"x", tmp_path / "file" / "a.jpg")
    with pytest.raises(OutputFailed):
        folder(tmp_path).publish(b"x", tmp_path / ("x" * 300))


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_fails_afterwards_takes_the_file_back(tmp_path: Path, overwrite: bool, error: type[BaseException]) -> None:
    old, new = tmp_path / "old.jpg", tmp_path / "new.jpg"
    old.write_bytes(b"old")
    out = folder(tmp_path, overwrite=overwrite)
    for target in (old, new) if overwrite else (new,):
        with pytest.raises(error), out.publishing(b"changed", target) as put:
            put()
            assert target.read_bytes() == b"changed"
            raise error
    assert old.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["old.jpg"]


def test_a_file_system_that_cannot_sync_folders_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def only_files(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not for folders")
        real(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    folder(tmp_path).publish(b"x", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"x"


def test_times_are_those_of_writing_and_nothing_attached_to_the_source_comes_along(tmp_path: Path) -> None:
    from PIL import Image

    from imgguard import Guard
    from tests.pictures import as_bytes, scene

    source = tmp_path / "in.png"
    source.write_bytes(as_bytes(Image.fromarray(scene()), "PNG"))
    os.utime(source, (86_400, 86_400))
    marked = _mark(source)
    source.chmod(0o640)
    with Guard(recognition=False, school=tmp_path / "record") as guard:
        before = time.time()
        target = guard.clean(source, tmp_path / "out").target
    assert target is not None
    status = target.stat()
    assert min(status.st_mtime, status.st_atime, status.st_ctime) >= before - 2, "a file system may round"
    assert source.stat().st_mtime == 86_400, "the control"
    assert stat.S_IMODE(status.st_mode) == 0o666 & ~_umask(), "no permissions come along"
    if not marked:
        pytest.skip("this file system keeps no extended attributes")
    assert os.listxattr(source) and not os.listxattr(target)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes here")
def test_what_is_overwritten_leaves_nothing_attached_either(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(b"old")
    os.utime(target, (86_400, 86_400))
    if not _mark(target):
        pytest.skip("this file system keeps no extended attributes")
    folder(tmp_path, overwrite=True).publish(b"new", target)
    assert os.listxattr(target) == []
    assert target.stat().st_mtime > 86_400


def _mark(path: Path) -> bool:
    """Attach something to a file, where the file system allows."""
    try:
        os.setxattr(path, "user.xdg.origin.url", b"https://photos.example/emma-nguyen")
    except (AttributeError, OSError):
        return False
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
