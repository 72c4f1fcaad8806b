"""The walls: who may import whom, how large a module may get, and that libraries do not print."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

ALLOWED = {"consent": {"consent"}, "imgguard": {"imgguard", "consent"}, "cli": {"cli", "imgguard", "consent"}}
IMAGING = {"cv2", "PIL", "mediapipe", "numpy", "pillow_heif", "piexif"}
# Docstrings do not count: a module of well described types is long, and not large.
MAX_LINES = 260
MODULES = sorted(path for package in ALLOWED for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


def lines_of_code(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    ]
    silent = {line for doc in docstrings for line in range(doc.lineno, (doc.end_lineno or doc.lineno) + 1)}
    return sum(bool(line.strip()) and number not in silent for number, line in enumerate(text.splitlines(), 1))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = imported(path) & set(ALLOWED)
    assert ours <= ALLOWED[package], f"{path} imports {ours - ALLOWED[package]}"
    if package == "consent":
        assert not imported(path) & IMAGING


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small_and_quiet(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert lines_of_code(path) <= MAX_LINES
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in {"print", "exit", "input"}]


def test_the_control_sees_a_wrong_import(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from imgguard.types import Photo\nimport cv2.dnn\n")
    assert imported(wrong) == {"imgguard", "cv2"}


def test_only_the_command_line_knows_the_command_line() -> None:
    users = {path.relative_to(ROOT).parts[0] for path in MODULES if {"click", "rich"} & imported(path)}
    assert users == {"cli"}


def test_the_lazy_names_are_the_public_names() -> None:
    import imgguard
    import imgguard.api

    public = {name for name in vars(imgguard.api) if not name.startswith("_")}
    missing = set(imgguard.__all__) - public - {"__version__"}
    assert not missing
    assert {name for name in public if name[0].isupper()} - {"Iterator", "Path"} <= set(imgguard.__all__)
    assert all(getattr(imgguard, name) is not None for name in imgguard.__all__)
