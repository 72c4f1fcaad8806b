"""Walk through each division's procedure with the real commands, and write what they say into docs/policies.md.

python docs/walks.py

Each file of docs/walks/ is one walk: the school's files, and the commands with what is to be seen in their output.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from consent.policy_files import policy_names, read_policy
from consent.procedures import Rule

FOLDER = Path(__file__).parent
SAMPLES = FOLDER.parent / "sample_images"
PAGE = FOLDER / "policies.md"
# The day on which the walks are walked: forms run out, and what is said of them must not change with the calendar.
_BEGIN = "2026-11-23T15:{minute:02}:00+00:00"
_COMMAND = """
import sys
import time_machine
with time_machine.travel(sys.argv.pop(1)):
    from cli.main import main
    main()
"""
# What differs from run to run and machine to machine.
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "…"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\+00:00|Z)?"), "(time)"),
    (re.compile(r"\d\d:\d\d:\d\d"), "(time)"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a walk.

    Attributes:
        says: What the reader is told before it.
        run: The command, as typed.
        exit_code: What it has to end with.
        shows: Texts that have to be in its output.
        hides: Texts that must not be in it.
    """

    says: str
    run: str
    exit_code: int = 0
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk through one procedure.

    Attributes:
        policy: The policy's name.
        title: The heading.
        about: What the school is like, and where its export comes from.
        files: The school's files, by name.
        steps: The commands, in order.
    """

    policy: str
    title: str
    about: str
    files: dict[str, str]
    steps: tuple[Step, ...]


def walks() -> tuple[Walk, ...]:
    """Read every walk, in the order of their files."""
    return tuple(read(path) for path in sorted((FOLDER / "walks").glob("*.toml")))


def read(path: Path) -> Walk:
    """Read one walk."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    steps = tuple(
        Step(
            step["says"],
            step["run"],
            step.get("exit", 0),
            tuple(step.get("shows", ())),
            tuple(step.get("hides", ())),
        )
        for step in told["step"]
    )
    files = {file["name"]: file["content"] for file in told["file"]}
    return Walk(told["policy"], told["title"], told["about"], files, steps)


def prepare(walk: Walk, folder: Path) -> None:
    """Lay out the school's files: its export, three event photos, the ID photos, and a passphrase."""
    for name, content in walk.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    shutil.copytree(SAMPLES / "id_photos", folder / "ids")
    (folder / "concert").mkdir()
    for number, name in enumerate(("event_01_class_photo.jpg", "event_05_two.jpg", "event_09_one.jpg"), 1):
        shutil.copyfile(SAMPLES / "event" / name, folder / "concert" / f"IMG_{number:04}.jpg")
    secret = folder / "passphrase.txt"
    secret.touch(mode=0o600)
    secret.write_text("a passphrase for the walk only\n", encoding="utf-8")


def follow(walk: Walk, folder: Path) -> list[tuple[Step, int, str]]:
    """Carry out a walk in an empty folder; give each step's exit code and output, as a person would see it."""
    prepare(walk, folder)
    return [(step, *carried_out(step.run, folder, minute)) for minute, step in enumerate(walk.steps)]


def carried_out(command: str, folder: Path, minute: int) -> tuple[int, str]:
    """Run one command as typed, without a shell; give its exit code and what it says."""
    program, *arguments = shlex.split(command.replace("\\\n", " "))
    assert program == "imgguard", command
    mine = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TEMP", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")
    environment = {name: value for name, value in os.environ.items() if name in mine}
    environment |= {"IMGGUARD_SCHOOL": "school.imgguard", "COLUMNS": "110", "PYTHONIOENCODING": "utf-8"}
    told = subprocess.run(
        [sys.executable, "-c", _COMMAND, _BEGIN.format(minute=minute), *arguments],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=600,
    )  # fmt: skip
    return told.returncode, steady((told.stdout + told.stderr).replace(f"{folder.resolve()}{os.sep}", ""))


def steady(text: str) -> str:
    """Replace what differs from run to run: digests and times of day."""
    for pattern, stands_for in _CHANGING:
        text = pattern.sub(stands_for, text)
    # The bar is for who waits.
    return "\n".join(line.rstrip() for line in text.splitlines() if "━" not in line).strip()


def page(walk: Walk, steps: list[tuple[Step, int, str]]) -> str:
    """Write a walk as Markdown."""
    parts = [f"### {walk.title}\n\n{walk.about.strip()}\n"]
    for name, content in walk.files.items():
        parts.append(f"`{name}`:\n\n```text\n{content.strip()}\n```\n")
    for step, code, said in steps:
        ending = "" if code == 0 else f"\n(exit code {code})"
        parts.append(f"{step.says.strip()}\n\n```text\n$ {step.run}\n{said}{ending}\n```\n")
    return "\n".join(parts)


def clauses() -> str:
    """Write every clause as a table: what it asks for, what keeps it and which tests show that; or what is not done."""
    parts = []
    for name in policy_names():
        file = read_policy(name)
        parts.append(f"### {file.policy.title}\n\n`{name}`, {file.policy.version}. {file.source}.\n")
        rows = [(rule.clause, _kept(rule), ", ".join(map(_test, rule.tests))) for rule in file.policy.rules]
        rows += [(one.clause, f"**Not done.** {one.says}", "") for one in file.not_done]
        lines = [f"| {clause} | {what} | {tests} |" for clause, what, tests in rows]
        parts.append("\n".join(["| clause | what holds | tests |", "|---|---|---|", *lines]) + "\n")
    return "\n".join(parts)


def _kept(rule: Rule) -> str:
    switched = "" if not rule.optional else " (can be switched off)" if rule.usual else " (can be switched on)"
    by = f" By {', '.join(f'`{one}`' for one in rule.held_by)}." if rule.held_by else ""
    return f"`{rule.id}`{switched}: {' '.join(rule.says.split())}{by}"


def _test(place: str) -> str:
    file, _, test = place.partition("::")
    return f"[{test or Path(file).stem}](../{file})"


def put(text: str, name: str, section: str) -> str:
    """Put a section between its marks."""
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    assert found, f"no marks for {name}"
    return f"{head}{begin}\n\n{section}\n{end}{tail}"


def main() -> None:
    """Write every walk into the page."""
    text = put(PAGE.read_text(encoding="utf-8"), "clauses", clauses())
    for walk in walks():
        with tempfile.TemporaryDirectory() as scratch:
            text = put(text, walk.policy, page(walk, follow(walk, Path(scratch))))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
