"""Photos from and to other stores: a real S3 endpoint and a real SFTP server, each a process or thread of its own."""

from __future__ import annotations

import builtins
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from consent import Store
from imgguard import OutputExists, OutputUnsafe, SetupError, Status
from imgguard.errors import LinkRefused
from imgguard.parts import part_name
from imgguard.places import Remote, _system, place
from imgguard.planning import plan_run
from imgguard.remote_output import PLACES, RemoteFolder, put, remove_folder
from imgguard.types import Staged
from tests.cluster.conftest import below
from tests.cluster.sftp_server import sftp_server
from tests.cluster.test_engine import covering, draw
from tests.conftest import ROOT


@pytest.fixture
def bucket(s3: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """A bucket of the test's own."""
    import s3fs

    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]
    s3fs.S3FileSystem().mkdir(name)
    yield f"s3://{name}"


def remote(address: str) -> Remote:
    found = place(address)
    assert isinstance(found, Remote)
    return found


def fill(folder: Remote, **files: bytes) -> None:
    for name, content in files.items():
        folder.system.pipe_file((folder / name.replace("__", "/").replace("_dot_", ".")).key, content)


def photo(tmp_path: Path, seed: int = 1) -> bytes:
    draw(tmp_path / f"drawn{seed}.png", seed)
    return (tmp_path / f"drawn{seed}.png").read_bytes()


@pytest.mark.parametrize("address", ["s3://photos/2024", "gs://a/b c/d", "sftp://me@host:22/home/me"])
def test_an_address_stays_what_was_typed_and_behaves_like_a_path(address: str) -> None:
    import pickle

    folder = remote(address)
    file = folder / "sub" / "a.jpg"
    assert (str(file), file.name, file.suffix) == (f"{address}/sub/a.jpg", "a.jpg", ".jpg")
    assert str(file.parent.parent) == address and file.is_relative_to(folder)
    assert file.relative_to(folder).as_posix() == "sub/a.jpg"
    assert pickle.loads(pickle.dumps(file)) == file


def test_the_operating_system_is_never_given_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = remote("s3://photos/a.jpg")
    for call in (os.path.lexists, os.stat, builtins.open):
        with pytest.raises(TypeError, match="no file of this computer"):
            call(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://host/a", "no such kind of place"),
        ("s3://", "no address"),
        ("s3://photos/../x", "no address"),
        ("s3://photos//x", "no address"),
        ("sftp://me:secret@host/a", "holds a password"),
        ("s3://key:secret@photos/a", "holds a password"),
    ],
)
def test_what_is_no_address_is_refused(address: str, reason: str) -> None:
    with pytest.raises(SetupError, match=reason) as error:
        place(address)
    assert "secret" not in str(error.value)


def test_an_address_that_was_made_a_path_is_not_taken_for_a_folder_here() -> None:
    with pytest.raises(SetupError, match="as text"):
        place(Path("s3://photos/2024"))
    assert place(Path("s3")) == Path("s3")


def test_a_missing_package_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    _system.cache_clear()
    with pytest.raises(SetupError, match=r"gs:// needs the package gcsfs, .*pip install fsspec gcsfs"):
        remote("gs://photos/a").is_file()


def test_a_remote_folder_is_planned_as_a_local_one(bucket: str, tmp_path: Path) -> None:
    picture = photo(tmp_path)
    files = {
        "b.png": picture, "a.png": picture, "sub/c.png": picture, "sub/._c.png": b"x", "thumbs.db": b"x", "a.xmp": b"x",
        "notes.txt": b"hello", "empty.jpg": b"", "text.jpg": b"no photo at all", "@eaDir/a.png": picture,
    }  # fmt: skip
    local, folder = tmp_path / "in", remote(f"{bucket}/in")
    for name, content in files.items():
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes(content)
        folder.system.pipe_file((folder / name).key, content)
    ours, theirs = plan_run([local], tmp_path / "out", None), plan_run([folder], tmp_path / "out", None)
    assert len(ours.jobs) == 3 and len(ours.refused) == 2 and len(ours.others) == 5

    def told(plan: Any, root: Path) -> object:
        name = lambda path: path.relative_to(root).as_posix()  # noqa: E731
        return (
            [(name(job.source), job.target) for job in plan.jobs],
            [(name(path), type(problem)) for path, problem in plan.refused],
            [(name(one.path), one.what) for one in plan.others],
        )

    assert told(theirs, folder) == told(ours, local)


def test_a_name_that_no_path_can_have_is_refused_and_not_left_out(bucket: str, tmp_path: Path) -> None:
    folder = remote(f"{bucket}/in")
    fill(folder, **{"a.png": photo(tmp_path)})
    # A store takes keys apart at slashes alone; botocore would tidy such a key up, so it is put as it is.
    import boto3

    client = boto3.client("s3")
    client.put_object(Bucket=bucket[5:], Key="in/sub//x.png", Body=photo(tmp_path))
    plan = plan_run([folder], tmp_path / "out", None)
    assert [job.source.name for job in plan.jobs] == ["a.png"]
    assert len(plan.refused) == 1 and "no path can have" in plan.refused[0][1].what


def test_a_name_that_holds_a_zero_byte_is_refused_and_keeps_nobody_else_back(bucket: str, tmp_path: Path) -> None:
    folder = remote(f"{bucket}/in")
    fill(folder, **{"a.png": photo(tmp_path), "b\0.png": photo(tmp_path, 2)})
    with covering(tmp_path) as guard:
        results = {result.source.name: result.status for result in guard.clean_folder(folder, tmp_path / "out")}
    assert sorted(results.values()) == [Status.PUBLISHED, Status.REFUSED]


def test_an_object_that_is_a_folder_too_is_not_taken_for_a_single_photo(bucket: str, tmp_path: Path) -> None:
    fill(remote(bucket), **{"in": photo(tmp_path), "in/a.png": photo(tmp_path)})
    with pytest.raises(SetupError, match="an object and a folder at once"):
        plan_run([remote(f"{bucket}/in")], tmp_path / "out", None)


def test_a_folder_whose_name_looks_like_a_pattern_is_removed_and_no_other(bucket: str) -> None:
    ours, other = remote(f"{bucket}/class [5a]/stage"), remote(f"{bucket}/class 5/stage")
    for folder in (ours, other):
        fill(folder, **{"rules": b"x"})
    remove_folder(ours)
    assert not (ours / "rules").exists() and (other / "rules").exists()


def test_a_store_that_knows_no_condition_is_asked_right_before(bucket: str) -> None:
    target = remote(f"{bucket}/out/a.jpg")
    folder = RemoteFolder(target.parent, overwrite=False)
    folder.check(target)
    put(b"somebody else's", target, overwrite=False)

    def forget_condition(params: dict[str, Any], **_: object) -> None:
        params["headers"].pop("If-None-Match", None)

    events = target.system.s3.meta.events
    events.register("before-call.s3.PutObject", forget_condition)
    try:
        with pytest.raises(OutputExists):
            folder.publish(b"ours", target)
    finally:
        events.unregister("before-call.s3.PutObject", forget_condition)
    assert target.read_bytes() == b"somebody else's"


def test_a_name_with_a_backslash_is_not_written_where_it_may_be_a_slash() -> None:
    root = remote("smb://host/share/out")
    with pytest.raises(OutputUnsafe, match="backslash"):
        RemoteFolder(root, overwrite=True).publish(b"x", root / "..\\..\\a.jpg")


def test_what_is_there_is_never_overwritten_unless_told_to(bucket: str) -> None:
    root = remote(f"{bucket}/out")
    target = root / "a.jpg"
    first, second = RemoteFolder(root, overwrite=False), RemoteFolder(root, overwrite=False)
    second.check(target)
    first.publish(b"first", target)
    # Somebody else was faster, after we had looked: the store itself refuses.
    with pytest.raises(OutputExists), second.publishing(b"second", target) as finish:
        finish()
    assert target.read_bytes() == b"first"
    RemoteFolder(root, overwrite=True).publish(b"third", target)
    assert target.read_bytes() == b"third"


def test_what_we_published_is_replaced_and_anything_else_is_not(bucket: str) -> None:
    root = remote(f"{bucket}/out")
    target, ours = root / "a.jpg", [hashlib.sha256(b"ours").hexdigest()]
    folder = RemoteFolder(root, overwrite=False)
    folder.publish(b"ours", target)
    with folder.publishing(b"new", target, ours) as finish:
        finish()
    assert target.read_bytes() == b"new"
    with pytest.raises(OutputExists), folder.publishing(b"newer", target, ours) as finish:
        finish()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("before", [None, b"before"])
def test_what_cannot_be_recorded_is_taken_back(bucket: str, before: bytes | None) -> None:
    root = remote(f"{bucket}/out")
    target, folder = root / "a.jpg", RemoteFolder(root, overwrite=True)
    if before is not None:
        folder.publish(before, target)
    with pytest.raises(ZeroDivisionError), folder.publishing(b"after", target) as finish:
        finish()
        assert target.read_bytes() == b"after"
        raise ZeroDivisionError
    assert (target.read_bytes() if target.exists() else None) == before


@pytest.mark.parametrize("name", ["../elsewhere.jpg", "../out2/a.jpg", ""])
def test_nothing_is_written_outside_of_the_root(bucket: str, name: str) -> None:
    root = remote(f"{bucket}/out")
    with pytest.raises(OutputUnsafe):
        RemoteFolder(root, overwrite=True).publish(b"x", root / name if name else root)


def test_an_input_is_never_written_to(bucket: str) -> None:
    root = remote(f"{bucket}/out")
    with pytest.raises(OutputUnsafe, match="is an input"):
        RemoteFolder(root, overwrite=True, inputs={root / "a.jpg"}).publish(b"x", root / "a.jpg")


def test_the_second_run_over_a_store_does_nothing(bucket: str, tmp_path: Path) -> None:
    folder, out = remote(f"{bucket}/in"), remote(f"{bucket}/out")
    fill(folder, **{f"{n}.png": photo(tmp_path, n) for n in range(3)})
    with covering(tmp_path) as guard:
        first = list(guard.clean_folder(folder, out, workers=1))
    fill(folder, **{"1.png": photo(tmp_path, 9)})
    with covering(tmp_path) as guard:
        second = {result.source.name: result.status for result in guard.clean_folder(folder, out, workers=1)}
    assert [result.status for result in first] == [Status.PUBLISHED] * 3
    assert second == {"0.png": Status.DONE_BEFORE, "1.png": Status.PUBLISHED, "2.png": Status.DONE_BEFORE}


def test_what_a_killed_run_left_in_a_store_is_removed_by_the_next(bucket: str, tmp_path: Path) -> None:
    folder, out = remote(f"{bucket}/in"), remote(f"{bucket}/out")
    # No photo goes right into the output, where a cluster stages.
    fill(folder, **{"sub/a.png": photo(tmp_path)})
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine, left = part_name(), part_name().replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    fill(out, **{f"{left}/rules": b"x", f"{left}/0123-4": b"x", f"{mine}/rules": b"x"})
    with covering(tmp_path) as guard:
        list(guard.clean_folder(folder, out, workers=1))
    assert [entry.name for entry in out.entries()] == [mine, "sub"]


KILLED = """
import os, signal, sys
from pathlib import Path
import imgguard.remote_output as remote_output
from tests.cluster.test_engine import covering
from imgguard.places import place
plain = remote_output.put
def put(content, target, *, overwrite):
    if sys.argv[4] == "before": os.kill(os.getpid(), signal.SIGKILL)
    plain(content, target, overwrite=overwrite)
    os.kill(os.getpid(), signal.SIGKILL)
remote_output.put = put
if __name__ == "__main__":
    list(covering(Path(sys.argv[1])).clean_folder(place(sys.argv[2]), place(sys.argv[3]), workers=1))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_client_killed_around_the_put_leaves_record_and_store_in_agreement(
    bucket: str, tmp_path: Path, when: str
) -> None:
    folder, out = remote(f"{bucket}/in"), remote(f"{bucket}/out")
    fill(folder, **{"a.png": photo(tmp_path)})
    told = [sys.executable, "-c", KILLED, str(tmp_path), str(folder), str(out), when]
    killed = subprocess.run(told, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (out / "a.png").exists() is (when == "after")
    with covering(tmp_path) as guard:
        (result,) = guard.clean_folder(folder, out, workers=1)
    assert result.status is (Status.DONE_BEFORE if when == "after" else Status.PUBLISHED)
    with Store(tmp_path / "school.imgguard") as store:
        rows = store.query("SELECT output_sha256 FROM photos WHERE status = 'published'")
        assert store.query("SELECT 1 FROM intents") == []
    assert rows == [(hashlib.sha256((out / "a.png").read_bytes()).hexdigest(),)]


def test_staged_bytes_get_their_name_inside_of_the_store_and_only_where_it_is_free(bucket: str) -> None:
    root = remote(f"{bucket}/out")
    folder, target = RemoteFolder(root, overwrite=False), root / "a.jpg"

    def staged(content: bytes) -> Staged:
        sha256 = hashlib.sha256(content).hexdigest()
        fill(root, **{f"stage/{sha256}": content})
        return Staged(root / "stage" / sha256, sha256)

    with folder.publishing(staged(b"first"), target) as finish:
        finish()
    assert target.read_bytes() == b"first"
    with pytest.raises(OutputExists), folder.publishing(staged(b"second"), target) as finish:
        finish()
    assert target.read_bytes() == b"first"
    with pytest.raises(ZeroDivisionError), folder.publishing(staged(b"third"), root / "b.jpg") as finish:
        finish()
        raise ZeroDivisionError
    # Whatever became of it, nothing is left where it was staged.
    assert [entry.name for entry in root.entries()] == ["a.jpg"]


def test_an_address_of_the_record_is_read_and_taken_away(bucket: str) -> None:
    target = remote(f"{bucket}/out/a.jpg")
    fill(target.parent, **{"a.jpg": b"x"})  # type: ignore[arg-type]
    assert PLACES["s3"].digest(str(target)) == hashlib.sha256(b"x").hexdigest()
    PLACES["s3"].remove(str(target))
    assert PLACES["s3"].digest(str(target)) is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, in which fsspec is told the password, as it may be of any store."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setitem(fsspec.config.conf, "sftp", {"password": "let me in", "allow_agent": False})
    return tmp_path / "home"


def test_photos_go_from_and_to_a_computer_by_sftp(home: Path, tmp_path: Path) -> None:
    for n in range(2):
        draw(tmp_path / "in" / "sub" / f"{n}.png", n)
    with sftp_server(home) as address, covering(tmp_path) as guard:
        there = [f"{address}{tmp_path}/{name}" for name in ("in", "out")]
        results = list(guard.clean_folder(*there, workers=1))
        assert [result.status for result in results] == [Status.PUBLISHED] * 2
        list(guard.clean_folder(tmp_path / "in", tmp_path / "ours", workers=1))
        # As in any other store: never over a file, and nothing unfinished is left.
        with pytest.raises(OutputExists):
            put(b"x", remote(f"{there[1]}/sub/0.png"), overwrite=False)
        put(b"x", remote(f"{there[1]}/sub/1.png"), overwrite=True)
    made = below(tmp_path / "ours")
    assert below(tmp_path / "out") == {**made, "sub/1.png": b"x"}


def test_a_link_on_another_computer_is_refused_as_a_local_one(home: Path, tmp_path: Path) -> None:
    draw(tmp_path / "private.png", 1)
    draw(tmp_path / "in" / "a.png", 2)
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "private.png")
    with sftp_server(home) as address:
        plan = plan_run([remote(f"{address}{tmp_path}/in")], tmp_path / "out", None)
    assert [job.source.name for job in plan.jobs] == ["a.png"]
    assert [(path.name, type(problem)) for path, problem in plan.refused] == [("link.png", LinkRefused)]


def test_a_computer_whose_key_is_not_known_is_not_spoken_to(home: Path, tmp_path: Path) -> None:
    with sftp_server(home, is_known=False) as address, pytest.raises(OSError, match=r"is not in .*known_hosts"):
        remote(f"{address}{tmp_path}/in").is_dir()
