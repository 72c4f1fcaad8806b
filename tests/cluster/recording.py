"""Preloaded into scheduler and workers: writes down every message as it is before TLS encrypts it."""

from __future__ import annotations

import os
from pathlib import Path

import distributed.comm.tcp as tcp

FOLDER = "IMGGUARD_TEST_FRAMES"


def record(folder: Path) -> None:
    """Write down from now on what this process sends."""
    plain = tcp.to_frames
    if getattr(plain, "records", False):
        return

    async def to_frames(*arguments: object, **options: object) -> list[bytes]:
        frames: list[bytes] = await plain(*arguments, **options)
        with (folder / f"frames-{os.getpid()}").open("ab") as stream:
            for frame in frames:
                stream.write(bytes(frame))
        return frames

    to_frames.records = True  # type: ignore[attr-defined]
    tcp.to_frames = to_frames


def poison() -> None:
    """Let a worker be killed by every photo of this name, as a broken decoder would."""
    import signal

    from imgguard.cluster import worker

    plain = worker.perform

    def perform(task, rules, backends):  # type: ignore[no-untyped-def]
        if task.source.name == "poison.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(task, rules, backends)

    worker.perform = perform


def dask_setup(server: object) -> None:
    """Begin, as Dask asks of what is preloaded."""
    if FOLDER in os.environ:
        record(Path(os.environ[FOLDER]))
    if "IMGGUARD_TEST_POISON" in os.environ:
        poison()
    if "IMGGUARD_TEST_VERSION" in os.environ:
        import imgguard

        imgguard.__version__ = os.environ["IMGGUARD_TEST_VERSION"]
    if "IMGGUARD_TEST_LEASE" in os.environ:
        from imgguard.cluster import worker

        worker.LEASE_S = float(os.environ["IMGGUARD_TEST_LEASE"])
