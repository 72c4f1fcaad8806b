"""Write the sample school's ID photos as photographers and student systems deliver them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from consent import read_roster
from consent.model import Subject
from tests.conftest import SAMPLES

IDS = SAMPLES / "id_photos"
PEOPLE: Mapping[str, Subject] = read_roster(SAMPLES / "roster.csv").subjects
NUMBERS = tuple(PEOPLE)


def zipped(path: Path, members: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(name, content)
    return path


def photo(name: str) -> bytes:
    return (IDS / f"{name}.jpg").read_bytes()


def lines(rows: Iterable[Iterable[str]], delimiter: str = "\t", quote: str = "") -> str:
    return "".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) + "\r\n" for row in rows)


def by_number(folder: Path) -> Path:
    shutil.copytree(IDS, folder / "ids")
    return folder / "ids"


def pspa(folder: Path) -> Path:
    """Two image folders in which numbering begins anew, a retake list, and no heading."""
    rows = []
    for at, number in enumerate(NUMBERS):
        person, place = PEOPLE[number], f"FOLDER{at % 2 + 1}"
        (folder / "pspa" / place).mkdir(parents=True, exist_ok=True)
        name = f"{at // 2:04}.JPG"
        shutil.copy(IDS / f"{number}.jpg", folder / "pspa" / place / name)
        grade = person.group.removeprefix("Grade ")
        rows.append(["CD0001", place, name, grade, person.family_name, person.given_name, "101", number])
    (folder / "pspa" / "INDEX.TXT").write_text(lines(rows), newline="")
    return folder / "pspa"


def pspa_with_retakes(folder: Path) -> Path:
    """As `pspa`, and MASTER.TXT in another order of columns, by which one person was photographed again."""
    home = pspa(folder)
    (home / "RETAKES").mkdir()
    shutil.copy(IDS / "020411(2).jpg", home / "RETAKES" / "0001.JPG")
    index = [line.split("\t") for line in (home / "INDEX.TXT").read_text().splitlines()]
    rows = [[r[7], f"{r[5]} {r[4]}", r[3], r[1], r[2]] for r in index]
    rows[0][3:] = ["RETAKES", "0001.JPG"]
    (home / "MASTER.TXT").write_text(lines(rows, ",", '"'), newline="")
    return home


def idlink(folder: Path) -> Path:
    """IDs without zeros and quoted names, retakes as id(2).jpg."""
    by_number(folder)
    rows = [[number.lstrip("0"), f"{number}.jpg"] for number in NUMBERS]
    (folder / "ids" / "IDLINK.TXT").write_text(lines(rows, ",", '"'))
    return folder / "ids"


def powerschool_zip(folder: Path) -> Path:
    rows = [[number, f"P{at:03}.jpg"] for at, number in enumerate(NUMBERS)]
    photos = {name: photo(number) for number, name in rows}
    return zipped(folder / "powerschool.zip", {"photos.txt": lines(rows).encode(), **photos})


def powerschool_with_headings(folder: Path) -> Path:
    rows = [
        [number, PEOPLE[number].family_name, PEOPLE[number].given_name, f"P{at:03}.jpg"]
        for at, number in enumerate(NUMBERS)
    ]
    photos = {row[3]: photo(row[0]) for row in rows}
    text = lines([["Student_Number", "Last_Name", "First_Name", "Photo"], *rows])
    return zipped(folder / "powerschool2.zip", {"map.txt": text.encode("utf-16"), **photos})


def infinite_campus(folder: Path) -> Path:
    places = [f"{PEOPLE[number].group}/{number.lstrip('0')}.JPG" for number in NUMBERS]
    members = dict(zip(places, map(photo, NUMBERS), strict=True))
    return zipped(folder / "campus.zip", {"__MACOSX/._x.jpg": b"x", **members})


def principalm(folder: Path) -> Path:
    home = folder / "principalm"
    home.mkdir()
    rows = []
    for at, number in enumerate(NUMBERS):
        shutil.copy(IDS / f"{number}.jpg", home / f"DSC{at}.jpg")
        rows.append([f"DSC{at}.jpg", number.lstrip("0")])
    (home / "list.csv").write_text(lines(rows, ","))
    return home / "list.csv"


def bcesis(folder: Path) -> Path:
    return zipped(folder / "bcesis.zip", {f"students/{number}.jpg": photo(number) for number in NUMBERS})


def arbor(folder: Path) -> Path:
    """By numbers, and two by names."""
    named = {"020411": "AminaBaptisteRowe", "020448": "TMarchetti"}
    return zipped(folder / "arbor.zip", {f"{named.get(number, number)}.jpg": photo(number) for number in NUMBERS})


LAYOUTS: tuple[Callable[[Path], Path], ...] = (
    by_number,
    pspa,
    pspa_with_retakes,
    idlink,
    powerschool_zip,
    powerschool_with_headings,
    infinite_campus,
    principalm,
    bcesis,
    arbor,
)
