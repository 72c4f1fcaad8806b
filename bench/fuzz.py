"""Damage files at random, and see that scanners, loader and the whole way of a photo refuse or clean them.

    python bench/fuzz.py [--seconds 300] [--seed 0] [--whole 0.2] [--keep crashes/]

The corpus are the files of tests/planted, and those of metadata/ and hostile/ where IMGGUARD_BENCH_DATA names a folder
that holds them. Each batch runs in a process of its own with 1.5 GB and 10 seconds a file; what crashes, hangs, eats
the memory or comes out unclean is kept in a folder and listed.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from common import DATA, SCREEN, show_table

from tests.pictures import scene
from tests.planted import PLACES
from tests.planted.hostile import hostile_files
from tests.planted.png import SIGNATURE, chunks, join
from tests.planted.trial import LOADED, OUT_OF_MEMORY, PUBLISHED, Trial, try_files

BATCH = 100
LARGEST = 2 * 2**20
NUMBERS = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\1",
    b"\x80\0\0\0",
    b"\0\1",
)


KINDS = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".mpo": "jpeg", ".png": "png", ".apng": "png", ".webp": "webp", ".gif": "gif",
    ".tif": "tiff", ".tiff": "tiff", ".bmp": "bmp", ".heic": "heic", ".heif": "heic", ".avif": "avif",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to damage, and the kind of file it is."""

    kind: str
    content: bytes


@dataclass(slots=True)
class Tally:
    """What became of the files of one kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    slowest: float = 0.0
    memory: int = 0

    def add(self, trial: Trial) -> None:
        """Count one."""
        self.outcomes["crashed" if trial.crashed else trial.outcome] += 1
        self.bad += is_bad(trial)
        self.slowest, self.memory = max(self.slowest, trial.seconds), max(self.memory, trial.memory)


def is_bad(trial: Trial) -> bool:
    """Say whether it is what must never happen."""
    return trial.crashed or bool(trial.leaks) or trial.outcome in (OUT_OF_MEMORY, "internal_fault")


def corpus() -> list[Sample]:
    """Gather the files, none of them large: what a file's length does to a reader is for the tests."""
    drawn = [Sample(kind.split("-")[0], build(scene(96, 64))) for (kind, _), build in PLACES.items()]
    drawn += [Sample("hostile", content) for _, content in hostile_files()]
    root = os.environ.get(DATA)
    paths = [path for part in ("metadata", "hostile") for path in Path(root, part).rglob("*")] if root else []
    found = [Sample(KINDS.get(path.suffix.lower(), "others"), path.read_bytes()) for path in paths if path.is_file()]
    return [sample for sample in (*drawn, *found) if 0 < len(sample.content) <= LARGEST]


def flip(content: bytearray, chance: random.Random, other: bytes) -> None:
    """Change single bits."""
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def write_number(content: bytearray, chance: random.Random, other: bytes) -> None:
    """Write a number that lengths and counts do not expect."""
    for _ in range(chance.randint(1, 4)):
        number, at = chance.choice(NUMBERS), chance.randrange(len(content))
        content[at : at + len(number)] = number


def drop(content: bytearray, chance: random.Random, other: bytes) -> None:
    """Leave a piece out."""
    at = chance.randrange(len(content))
    del content[at : at + chance.randint(1, 1 + len(content) // 4)]


def repeat(content: bytearray, chance: random.Random, other: bytes) -> None:
    """Put a piece in again, once or often."""
    at = chance.randrange(len(content))
    piece = content[at : at + chance.randint(1, 200)]
    content[at:at] = piece * chance.choice((1, 2, 10, 500))


def mix(content: bytearray, chance: random.Random, other: bytes) -> None:
    """Put in a piece of another file."""
    begin, at = chance.randrange(len(other)), chance.randrange(len(content))
    content[at : at + chance.choice((0, 50))] = other[begin : begin + chance.randint(1, 2000)]


def cut(content: bytearray, chance: random.Random, other: bytes) -> None:
    """End early."""
    del content[chance.randrange(len(content)) :]


DAMAGES: Sequence[Callable[[bytearray, random.Random, bytes], None]] = (flip, write_number, drop, repeat, mix, cut)


def damaged(sample: Sample, samples: Sequence[Sample], chance: random.Random) -> bytes:
    """Damage a file once or a few times; half of the time in its first part, where its structure is."""
    content = bytearray(sample.content)
    head = bytearray(content[: chance.choice((len(content), 600))])
    tail = content[len(head) :]
    for _ in range(chance.choice((1, 1, 2, 4))):
        if head:
            chance.choice(DAMAGES)(head, chance, chance.choice(samples).content)
    made = bytes(head + tail)
    # Nearly every damage to a PNG would otherwise end at the first sum that is wrong.
    return join(list(chunks(made))) if made.startswith(SIGNATURE) and chance.random() < 0.7 else made


def batch(folder: Path, samples: Sequence[Sample], chance: random.Random, whole: bool) -> list[tuple[Sample, Trial]]:
    """Try a batch of damaged files."""
    chosen = [chance.choice(samples) for _ in range(BATCH)]
    paths = [folder / f"{number:03d}" for number in range(BATCH)]
    for path, sample in zip(paths, chosen, strict=True):
        path.write_bytes(damaged(sample, samples, chance))
    return list(zip(chosen, try_files(paths, whole=whole), strict=True))


@click.command()
@click.option("--seconds", default=300.0, show_default=True, help="How long to go on.")
@click.option("--seed", default=0, show_default=True, help="Where chance begins.")
@click.option("--whole", default=0.2, show_default=True, help="Share of the batches that are cleaned, not only loaded.")
@click.option("--keep", type=click.Path(path_type=Path), default=Path("crashes"), help="Where to keep what goes wrong.")
def main(seconds: float, seed: int, whole: float, keep: Path) -> None:
    """Damage, try, count."""
    chance, samples = random.Random(seed), corpus()
    tallies: dict[str, Tally] = defaultdict(Tally)
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as made:
        while time.monotonic() < until:
            for sample, trial in batch(Path(made), samples, chance, chance.random() < whole):
                tallies[sample.kind].add(trial)
                if is_bad(trial):
                    keep.mkdir(parents=True, exist_ok=True)
                    kept = keep / f"{seed}-{sum(tally.outcomes.total() for tally in tallies.values())}"
                    kept.write_bytes((Path(made) / trial.name).read_bytes())
                    SCREEN.print(f"{kept}: {sample.kind}: {trial.outcome} {trial.leaks}", markup=False)
    report(tallies)


def report(tallies: dict[str, Tally]) -> None:
    """Print what became of what."""
    heads = ("files", "cases", "published", "loaded", "refused", "as", "bad", "slowest", "memory")
    show_table("Damaged files", heads, [row(kind, tally) for kind, tally in sorted(tallies.items())])


def row(kind: str, tally: Tally) -> tuple[str, ...]:
    """One line of the table."""
    refused = tally.outcomes - Counter({PUBLISHED: 10**9, LOADED: 10**9})
    kinds = ", ".join(f"{name} {count}" for name, count in refused.most_common(4))
    counts = (tally.outcomes.total(), tally.outcomes[PUBLISHED], tally.outcomes[LOADED], refused.total())
    limits = (str(tally.bad), f"{tally.slowest:.1f} s", f"{tally.memory / 2**20:.0f} MB")
    return (kind, *map(str, counts), kinds, *limits)


if __name__ == "__main__":
    main()
