"""Try files on the scanners, the loader and the whole way of a photo, in a process with bounded memory.

    python -m tests.planted.trial [--whole] < LIST_OF_FILES

Writes one line of JSON a file: what became of it, how long it took, and the most memory that it took. A file that takes
too long, or that kills the decoder, ends the process: it is the first one without a line.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MOST_SECONDS = 10
MOST_MEMORY = 1536 * 2**20
_MOST_WAITING = 60
_TOO_LONG = (-signal.SIGALRM, -signal.SIGPROF)
PUBLISHED, LOADED, OUT_OF_MEMORY = "published", "loaded", "out of memory"
# Larger ones are loaded only: looking for faces in them takes its time, which is no hang.
_MOST_PIXELS_WHOLE = 20_000_000


@dataclass(frozen=True)
class Trial:
    """What became of a file.

    Attributes:
        name: The file's.
        outcome: "published", "loaded", or the kind of the refusal; "crashed: ..." where the process ended.
        leaks: What is left in what would be published.
        seconds: How long it took.
        memory: The most that the process used meanwhile, in bytes.
    """

    name: str
    outcome: str
    leaks: tuple[str, ...]
    seconds: float
    memory: int

    @property
    def crashed(self) -> bool:
        return self.outcome.startswith("crashed")


def try_files(paths: Sequence[Path], *, whole: bool) -> list[Trial]:
    """Try files in child processes; one that ends is followed by another, from the next file on."""
    trials: list[Trial] = []
    while len(trials) < len(paths):
        left = paths[len(trials) :]
        command = [sys.executable, "-m", __spec__.name, *(["--whole"] if whole else [])]
        root = Path(__file__).parent.parent.parent
        done = subprocess.run(
            command, input="\0".join(map(str, left)), capture_output=True, text=True, check=False, cwd=root,
            timeout=120 + _MOST_WAITING * len(left), errors="surrogateescape",
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        told = [json.loads(line) for line in lines]
        trials += [Trial(**{**one, "leaks": tuple(one["leaks"])}) for one in told]
        if len(told) < len(left):
            why = "took too long" if done.returncode in _TOO_LONG else f"ended with {done.returncode}"
            last = done.stderr.strip().splitlines()[-1:]
            trials.append(Trial(left[len(told)].name, f"crashed: {why} {' '.join(last)[:200]}", (), 0.0, 0))
    return trials


def _try(path: Path, whole: bool) -> tuple[str, tuple[str, ...]]:
    from imgguard.errors import PhotoError
    from imgguard.metadata import read_metadata
    from imgguard.photo import load_photo
    from imgguard.sanitize import scan
    from imgguard.types import Format

    content = path.read_bytes()
    for container in Format:
        scan(content, container)
    try:
        photo = load_photo(path)
        read_metadata(content, photo.format)
        if not whole or photo.pixels.size > 3 * _MOST_PIXELS_WHOLE:
            return LOADED, ()
        del photo
        return PUBLISHED, _cleaned(path)
    except PhotoError as error:
        # The limit is this program's own: in a real run the memory would have been taken.
        return OUT_OF_MEMORY if _is_memory(error.__cause__) else error.kind, ()


def _is_memory(cause: BaseException | None) -> bool:
    """OpenCV has an error of its own for it."""
    return isinstance(cause, MemoryError) or any(word in str(cause) for word in ("allocate", "Insufficient memory"))


def _cleaned(path: Path) -> tuple[str, ...]:
    from datetime import date

    from imgguard.photo import load_photo
    from imgguard.pipeline import prepare_photo
    from imgguard.rules import Rules
    from imgguard.sanitize import leftovers
    from imgguard.scales import Search
    from imgguard.types import Style
    from tests.fakes import fake_backends
    from tests.planted.traces import find, traces

    rules = Rules(None, {}, None, date(2026, 11, 23), Style.BLUR, None, Search.FAST)
    cleaned = prepare_photo(path, rules, fake_backends())
    shown = load_photo(path).pixels
    # Damage can move what was hidden into the rows that everybody sees.
    seen = [shown.tobytes(), shown[..., ::-1].tobytes()]
    left = [name for name in find(cleaned.content) if not any(traces().get(name, b"-") in rows for rows in seen)]
    return (*left, *(part.name for part in leftovers(cleaned.content, cleaned.format)))


def main() -> None:
    """Try the files whose names stand on standard input, parted by zeros."""
    whole = "--whole" in sys.argv
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _warm_up()
    for name in sys.stdin.read().split("\0"):
        # Begin to count the peak anew (proc(5)).
        Path("/proc/self/clear_refs").write_text("5")
        # Time that the processor spends on it: what else the machine does is no fault of the file. Waiting counts too.
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        signal.alarm(_MOST_WAITING)
        began = time.process_time()
        outcome, leaks = _try(Path(name), whole)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        told = Trial(Path(name).name, outcome, leaks, round(time.process_time() - began, 3), _peak())
        sys.stdout.write(json.dumps(asdict(told)) + "\n")
        sys.stdout.flush()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _warm_up() -> None:
    """Import what every photo needs, which is no photo's time."""
    import cv2
    import pillow_heif

    from imgguard import photo, pipeline, sanitize
    from tests.planted import traces

    assert all((cv2, pillow_heif, photo, pipeline, sanitize, traces))


if __name__ == "__main__":
    main()
