from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgguard import Guard, Status
from imgguard.cluster.security import Tls
from tests.cluster.machines import make_certificates, s3_store
from tests.conftest import SAMPLES


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An S3 store in which a bucket `photos` holds the sample event, and which everything here finds by itself."""
    import s3fs

    with pytest.MonkeyPatch.context() as patch, s3_store(tmp_path_factory.mktemp("s3")) as address:
        for name, value in (
            ("AWS_ENDPOINT_URL", address),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            patch.setenv(name, value)
        system = s3fs.S3FileSystem()
        for bucket in ("photos", "clean"):
            system.mkdir(bucket)
        for photo in sorted((SAMPLES / "event").iterdir()):
            system.pipe_file(f"photos/2024/{photo.name}", photo.read_bytes())
        yield


@pytest.fixture(scope="session")
def one_machine(make_guard: Callable[..., Guard], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process on one machine publishes of the sample event."""
    guard, out = make_guard(names="keep"), tmp_path_factory.mktemp("one") / "out"
    results = list(guard.clean_folder(SAMPLES / "event", out, workers=1))
    guard.close()
    assert {result.status for result in results} == {Status.PUBLISHED}
    return below(out)


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
