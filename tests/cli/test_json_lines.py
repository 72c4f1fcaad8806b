"""What a run tells to scripts: every line is JSON, the numbers agree with the report, and nobody is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene
from tests.watched import COMMAND, until

posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
WHO = [
    "--roster",
    str(SAMPLES / "roster.csv"),
    "--id-photos",
    str(SAMPLES / "id_photos"),
    "--purpose",
    "school_website",
]


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        picture = Image.fromarray(scene(160, 120, number))
        (folder / name).write_bytes(as_bytes(picture, "JPEG", quality=90))
    return folder


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def cleaned(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "clean", str(folder), "-o", str(folder.with_name("out")), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_lines_agree_with_the_report_and_name_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "amina.jpg").write_bytes((SAMPLES / "event" / "event_09_one.jpg").read_bytes())
    (folder / "theo.jpg").write_bytes((SAMPLES / "event" / "event_05_two.jpg").read_bytes())
    (folder / "broken nadia.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    run = cleaned(folder, *WHO, "--report", tmp_path / "report.json", "--json-lines")
    assert run.returncode == 3
    told = lines(run.stdout)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    photos = [one for one in told if one["event"] == "photo"]
    assert [one["number"] for one in photos] == [1, 2, 3]
    for one, reported in zip(photos, report["photos"], strict=True):
        for name in ("source_sha256", "output_sha256", "status"):
            assert one[name] == reported[name]
        assert one["refusal"] == (reported["refusal"] and reported["refusal"]["kind"])
        verdicts = Counter(face["verdict"] for face in reported["faces"])
        assert (one["faces"]["kept"], one["faces"]["covered"]) == (verdicts["keep"], verdicts["cover"])
    begin, end = told[0], told[-1]
    assert (begin["event"], begin["photos"], begin["findings"]) == ("begin", 3, len(report["findings"]))
    assert (end["event"], end["reason"], end["error"]) == ("end", "finished", None)
    assert (end["published"], end["refused"], end["done"], end["done_before"]) == (2, 1, 3, 0)
    assert end["faces_kept"] + end["faces_covered"] == sum(len(one["faces"]) for one in report["photos"]) > 0
    assert any(one["event"] == "progress" and one["to_look_at"] == 3 for one in told)
    names = {"amina", "theo", "nadia", ".jpg", "roster.csv", str(tmp_path)}
    for row in (SAMPLES / "roster.csv").read_text(encoding="utf-8").splitlines()[1:]:
        names |= set(row.split(",")[:3])
    everything = (run.stdout + run.stderr).lower()
    assert not [name for name in names if name.lower() in everything]
    assert "nadia" in (tmp_path / "report.json").read_text(encoding="utf-8"), "the control: there is a name to leak"


def test_what_was_done_before_is_told_so(tmp_path: Path) -> None:
    folder = put(tmp_path / "in", "a.jpg", "b.jpg")
    options = ("--no-recognition", "--json-lines", "--school", tmp_path / "school")
    assert cleaned(folder, *options).returncode == 0
    again = cleaned(folder, *options)
    assert again.returncode == 0
    end = lines(again.stdout)[-1]
    assert (end["done"], end["published"], end["done_before"], end["refused"]) == (2, 0, 2, 0)


def test_a_run_that_cannot_begin_has_an_end_too(tmp_path: Path) -> None:
    run = cleaned(tmp_path / "nowhere", "--no-recognition", "--json-lines", "--school", tmp_path / "school")
    assert run.returncode == 4
    (end,) = lines(run.stdout)
    assert (end["event"], end["reason"], end["error"]) == ("end", "failed", "setup_error")
    assert "nowhere" in run.stderr and "nowhere" not in run.stdout


@posix
def test_an_interrupted_run_has_an_end_that_counts_what_was_published(tmp_path: Path) -> None:
    folder, out = put(tmp_path / "in", *(f"{n:02}.jpg" for n in range(30))), tmp_path / "out"
    command = [*COMMAND, "clean", str(folder), "-o", str(out), "--no-recognition", "--json-lines", "--workers", "1"]
    places = ["--school", str(tmp_path / "school")]
    run = subprocess.Popen([*command, *places], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: list(out.glob("*.jpg")))
    run.send_signal(signal.SIGTERM)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    told = lines(output)
    published = len(list(out.glob("*.jpg")))
    assert told[-1]["event"] == "end" and told[-1]["reason"] == "interrupted"
    assert [one["event"] for one in told].count("photo") == told[-1]["published"] == published < 30


@posix
def test_a_reader_that_goes_away_does_not_stop_the_cleaning(tmp_path: Path) -> None:
    folder = put(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")
    command = [*COMMAND, "clean", str(folder), "-o", str(tmp_path / "out"), "--no-recognition", "--json-lines"]
    places = ["--school", str(tmp_path / "school")]
    run = subprocess.Popen([*command, *places], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None and run.stderr is not None
    assert json.loads(run.stdout.readline())["event"] == "begin"
    run.stdout.close()
    said = run.stderr.read()
    run.stderr.close()
    assert run.wait(120) == 0
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert said == "Nobody reads the JSON lines any more; the photos are cleaned all the same.\n"


def test_quiet_says_what_was_refused_and_nothing_else(tmp_path: Path) -> None:
    folder = put(tmp_path / "in", "a.jpg")
    school = ("--no-recognition", "--quiet", "--school", tmp_path / "school")
    good = cleaned(folder, *school)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    bad = cleaned(folder, *school)
    assert (bad.returncode, bad.stdout) == (3, "")
    assert "bad.jpg: the file is cut off" in bad.stderr and len(bad.stderr.splitlines()) == 1


def test_quiet_and_json_lines_do_not_go_together(tmp_path: Path) -> None:
    run = cleaned(put(tmp_path / "in", "a.jpg"), "--no-recognition", "--quiet", "--json-lines")
    assert run.returncode == 2
    assert "--quiet" in run.stderr
