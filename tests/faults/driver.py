"""Runs the real batch over fake models in a process of its own, which may be killed at any moment.

A process that has imported everything waits for jobs, one line of JSON each, and forks for each, so that a run takes a
fraction of a second and two hundred can be killed within minutes. Its worker processes are forked as well, or spawned
as imgguard does it: a spawned one imports this module anew, and with it the fake models.
"""

from __future__ import annotations

import imgguard.backends
import imgguard.digests


def _fake() -> imgguard.backends.Backends:
    from tests.faults.school import backends

    return backends()


# Before anything takes the name from there; and only in processes of its own, spawned ones too: pytest looks for
# examples in every module, and would run all other tests with the fakes.
if __name__ in ("__main__", "__mp_main__"):
    imgguard.backends.default_backends = _fake
    # Photos that were drawn a moment ago have settled, so that every run of the same photos takes the same steps.
    imgguard.digests._RACY_NS = 20_000_000

import faulthandler  # noqa: E402
import json  # noqa: E402
import multiprocessing  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import traceback  # noqa: E402
from pathlib import Path  # noqa: E402

import cv2  # noqa: E402

import imgguard.batch  # noqa: E402
import imgguard.guard  # noqa: E402
from consent.errors import ConsentError  # noqa: E402
from imgguard import ImgguardError  # noqa: E402
from tests.faults import school  # noqa: E402
from tests.faults.injecting import Injection, Job, inject, stop_injecting  # noqa: E402

_CONTEXT = multiprocessing.get_context


def clean(job: Job) -> dict[str, object]:
    """Carry out a job as a program that uses the library would, and tell what came of it."""
    results = []
    try:
        with school.guard_of(Path(job.school)) as guard:
            for result in guard.clean_folder(job.photos, job.out, overwrite=job.overwrite, workers=job.workers):
                results.append([Path(result.source).name, result.status.value, getattr(result.refusal, "kind", None)])
    except (ImgguardError, ConsentError) as error:
        return {"results": results, "error": type(error).__name__, "what": str(error)}
    except KeyboardInterrupt:
        return {"results": results, "error": "interrupted"}
    return {"results": results, "error": None}


def carry_out(job: Job) -> None:
    """Do a job in this process, and end it."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Path(job.log).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
    code = 1
    try:
        if not job.spawn:
            # As in a spawned one.
            os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
            multiprocessing.get_context = lambda method=None: _CONTEXT("fork")  # type: ignore[assignment,misc]
        steps = inject(job)
        told = clean(job)
        stop_injecting(steps)
        Path(job.answer).write_text(json.dumps({**told, "steps": steps.names}), encoding="utf-8")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def serve() -> None:
    """Fork for each job; tell its process id, and, when it has ended, how."""
    cv2.setNumThreads(1)
    for line in sys.stdin:
        told = json.loads(line)
        job = Job(**{**told, "injections": tuple(Injection(**one) for one in told["injections"])})
        pid = os.fork()
        if pid == 0:
            carry_out(job)
        _tell({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _tell({"status": status})


def _tell(answer: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
