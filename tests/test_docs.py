"""The documents tell the truth: commands, options, exit codes, samples and dependencies are held against what is."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import click
import pytest

from cli.main import EXIT_CODES, cli
from consent import Purpose
from consent.roster import OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from imgguard import Format, Style, __version__
from imgguard.types import Extent, Names, Treatment
from tests.conftest import ROOT, SAMPLES

README = (ROOT / "README.md").read_text(encoding="utf-8")
# What a school does once a year, or after publishing, the page, the watch and clusters have a document each.
MANUAL = README + "".join(
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("consent", "page", "watch", "cluster")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def commands(group: click.Group, path: tuple[str, ...] = ("imgguard",)) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
        else:
            found.append((" ".join((*path, name)), command))
    return found


@pytest.mark.parametrize(("name", "command"), commands(cli), ids=[name for name, _ in commands(cli)])
def test_every_command_and_option_is_in_the_readme_and_has_help(name: str, command: click.Command) -> None:
    assert name in MANUAL
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help
            assert max(parameter.opts, key=len) in MANUAL or name == "imgguard roster template"


def test_every_option_that_the_readme_names_exists() -> None:
    known = {option for _, command in commands(cli) for p in command.params for option in (*p.opts, *p.secondary_opts)}
    named = set(re.findall(r"`(--[a-z-]+)`", MANUAL))
    assert named <= known


def test_every_exit_code_is_in_the_readme_and_in_the_help() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", README, re.MULTILINE))
    assert told == {str(code): meaning for code, meaning in EXIT_CODES.items()}
    assert cli.epilog is not None
    assert all(meaning in cli.epilog for meaning in EXIT_CODES.values())


def test_every_choice_and_column_is_in_the_readme() -> None:
    styles = [f"{style}:FILE" if style is Style.IMAGE else style for style in Style]
    for value in (*Purpose, *styles, *Extent, *Treatment, *Names, *Format, *REQUIRED_COLUMNS, *OPTIONAL_COLUMNS):
        assert f"`{value}`" in README, value


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(r for group in extras.values() for r in group)]
    wanted = [requirement for requirement in wanted if not requirement.startswith("imgguard[")]
    names = {re.split(r"[<>=!~\[ ]", requirement)[0] for requirement in wanted}
    table = README[README.index("### Dependencies") : README.index("### Models")]
    assert not [name for name in names if name not in table]
    assert all(re.search(r"[<=]", requirement) for requirement in wanted), "pinned to a compatible range"


def test_only_one_opencv_wheel_is_asked_for() -> None:
    assert [r for r in PROJECT["project"]["dependencies"] if "opencv" in r] == ["opencv-contrib-python>=5.0,<6"]


def test_every_sample_has_its_row() -> None:
    table = (SAMPLES / "README.md").read_text(encoding="utf-8")
    pictures = [path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.jpg")]
    assert len(pictures) == 41
    assert not [picture for picture in pictures if picture not in table]
    assert "CC0 1.0" in table


def test_every_file_that_a_document_links_to_exists() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


@pytest.mark.parametrize("page", ["accuracy", "covers", "metadata"])
def test_every_table_is_what_the_bench_wrote(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert tables["filled"](page) == text
    assert set(re.findall(r"<!-- (?!end)(\S+) -->", text)) == set(tables["PAGES"][page])


def test_the_two_commands_use_what_exists() -> None:
    clean, test = re.findall(r"^python3 -m venv .+$", README, re.MULTILINE)
    for path in re.findall(r"sample_images/\S+", clean):
        assert (ROOT / path).exists()
    assert 'pip install ".[page]" ' in clean and "imgguard clean" in clean
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'install -e ".[page,test]"' in test and 'install --quiet -e ".[page,test]"' in ci
    assert test.endswith("python -m pytest") and '/python" -m pytest' in ci


def test_version_and_weights_are_told_once() -> None:
    assert PROJECT["project"]["version"] == __version__
    assert "[Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    weights = tomllib.loads((ROOT / "imgguard" / "weights" / "weights.toml").read_text(encoding="utf-8"))
    assert all(name in notices for name in weights["files"])


def test_the_python_examples_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    shutil.copy(SAMPLES / "roster.csv", tmp_path / "roster.csv")
    shutil.copytree(SAMPLES / "id_photos", tmp_path / "ids")
    shutil.copy(SAMPLES / "event" / "event_05_two.jpg", tmp_path / "photo.jpg")
    (tmp_path / "sports_day").mkdir()
    shutil.copy(SAMPLES / "event" / "event_09_one.jpg", tmp_path / "sports_day" / "1.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("imgguard.guard.default_school", lambda: tmp_path / "record")
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "README.md", "exec"), {"__name__": "__main__"})
    assert sorted(path.name for path in (tmp_path / "cleaned").iterdir()) == ["1.jpg", "photo.jpg"]
