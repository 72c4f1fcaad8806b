from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from cli.main import run
from consent.model import Subject
from imgguard import Guard, SetupError
from imgguard.backends import default_backends
from imgguard.portrait_files import Joined, PortraitSource
from imgguard.portrait_sources import find_portraits, home_of
from imgguard.selftest import run_selftest
from tests import portrait_layouts as layouts
from tests.conftest import SAMPLES, TODAY
from tests.portrait_layouts import IDS, LAYOUTS, NUMBERS, PEOPLE, by_number, lines, photo, pspa, zipped


def found_in(source: Path, numbers: Iterable[str] = NUMBERS, people: Iterable[Subject] | None = None) -> PortraitSource:
    return find_portraits(source, numbers, PEOPLE.values() if people is None else people)


def told(found: PortraitSource) -> str:
    return "\n".join(map(str, (*found.findings, *found.remarks)))


def tiny(folder: Path, *names: str) -> Path:
    """A folder of files whose contents are their own names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def joined(found: PortraitSource) -> dict[str, list[str]]:
    """Which files are whose, by what is in them."""
    people: dict[str, list[str]] = {}
    for one in found.portraits:
        people.setdefault(one.number, []).append(one.read().decode())
    return people


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda make: make.__name__)
def test_every_layout_gives_each_person_their_own_photo(layout: Callable[[Path], Path], tmp_path: Path) -> None:
    found = found_in(layout(tmp_path))
    first = {one.number: one.read() for one in reversed(found.portraits)}
    by_names = {"020411", "020448"} if layout is layouts.arbor else set()
    latest = {"020411": "020411(2)"} if layout is layouts.pspa_with_retakes else {}
    if layout is layouts.idlink:
        latest = {number: max(p.stem for p in IDS.glob(f"{number}*")) for number in NUMBERS}
        assert latest["020411"] == "020411(3)"
    assert set(first) == set(NUMBERS) - by_names
    for number, content in first.items():
        assert content == photo(latest.get(number, number))
    assert len(found.findings) == len(by_names)


@pytest.mark.parametrize(
    ("layout", "kind", "evidence"),
    [
        (by_number, "folder", "31 files named by number"),
        (pspa, "PSPA", "2 = folder, 3 = image file, 5 = last name, 6 = first name, 8 = student number; not used: 1, 4"),
        (layouts.pspa_with_retakes, "PSPA", "MASTER.TXT (comma, without headings): 1 = student number, 2 = name, 4"),
        (layouts.idlink, "IDLINK", "IDLINK.TXT (comma, without headings): 1 = student number, 2 = image file"),
        (layouts.powerschool_with_headings, "list", "map.txt (tab, under headings): 1 = student number, 2 = last name"),
        (layouts.principalm, "list", "list.csv (comma, without headings): 1 = image file, 2 = student number"),
        (layouts.infinite_campus, "zip", "14 files named by number"),
        (layouts.bcesis, "BCeSIS zip", "14 files named by number"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_was_recognised_and_inferred_is_told(
    layout: Callable[[Path], Path], kind: str, evidence: str, tmp_path: Path
) -> None:
    found = found_in(layout(tmp_path))
    assert found.kind == kind and evidence in found.evidence
    assert kind == "folder" or found.evidence in told(found), "and is a remark that every command shows"


def test_all_photos_of_a_folder_are_used_and_a_retake_of_an_index_replaces_the_earlier_one(tmp_path: Path) -> None:
    tiny(tmp_path, "7.jpg", "7(2).jpg", "7(10).jpg", "8.jpg")
    found = find_portraits(tmp_path, ["7", "8"])
    assert [(one.name, one.rank) for one in found.portraits if one.number == "7"] == [
        ("7.jpg", 1), ("7(2).jpg", 2), ("7(10).jpg", 3)
    ]  # fmt: skip
    (tmp_path / "IDLINK.TXT").write_text('"7","7.jpg"\n"8","8.jpg"\n"7","7(2).jpg"\n')
    found = find_portraits(tmp_path, ["7", "8"])
    assert joined(found) == {"7": ["7(10).jpg"], "8": ["8.jpg"]}
    assert "2 photos were replaced by a retake" in told(found)


def test_a_retake_in_master_holds_before_the_index_which_holds_for_everybody_else(tmp_path: Path) -> None:
    tiny(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    (tmp_path / "index.txt").write_text("A\t1.jpg\t501\nA\t2.jpg\t502\n")
    (tmp_path / "MASTER.txt").write_text("A\t3.jpg\t501\n")
    found = find_portraits(tmp_path, ["501", "502"])
    assert joined(found) == {"501": ["3.jpg"], "502": ["2.jpg"]}
    assert "1 photo was replaced by a retake" in told(found) and not found.findings


def test_zeros_in_front_are_left_out_only_where_one_person_fits_and_that_is_told(tmp_path: Path) -> None:
    tiny(tmp_path, "411.jpg", "007.jpg", "12.jpg")
    found = find_portraits(tmp_path, ["0411", "7", "07", "12", "0012"])
    assert [(one.number, one.written, one.joined) for one in found.portraits] == [
        ("12", "12", Joined.EXACT),
        ("0411", "411", Joined.ZEROS),
    ]
    assert [str(f) for f in found.findings] == [
        "007.jpg: the number 007 fits 07 and 7, and which it is cannot be told: not used"
    ]
    assert "only one person fits: 411 as 0411" in told(found)


@pytest.mark.parametrize(
    "name", ["TheoMarchetti.jpg", "TMarchetti.png", "marchetti theo.jpg", "THÉO MARCHETTI(2).jpg", "Marchetti, T.jpg"]
)
def test_a_name_proposes_a_person_and_never_joins(name: str, tmp_path: Path) -> None:
    shutil.copy(IDS / "020448.jpg", tmp_path / name)
    found = found_in(tmp_path)
    (finding,) = found.findings
    assert found.portraits == ()
    assert "may show Theo Marchetti (020448)" in finding.what and "IDLINK.TXT" in finding.what
    (tmp_path / "IDLINK.TXT").write_text(finding.what.rpartition(": ")[2], encoding="utf-8")
    confirmed = found_in(tmp_path)
    assert [one.number for one in confirmed.portraits] == ["020448"] and not confirmed.findings


def test_a_name_that_several_people_have_is_told_with_all_of_them(tmp_path: Path) -> None:
    people = [Subject("1", "Ann", "Lee"), Subject("2", "Amy", "Lee")]
    found = find_portraits(tiny(tmp_path, "ALee.jpg"), ["1", "2"], people)
    assert found.portraits == () and "Ann Lee (1) or Amy Lee (2)" in told(found)


def test_an_index_of_names_joins_nobody_until_a_list_of_numbers_confirms(tmp_path: Path) -> None:
    home = pspa(tmp_path)
    rows = [line.split("\t")[:-1] for line in (home / "INDEX.TXT").read_text().splitlines()]
    (home / "INDEX.TXT").write_text(lines(rows))
    found = found_in(home)
    assert found.portraits == () and len(found.findings) == len(NUMBERS)
    assert "6 = first name, none = student number" in found.evidence
    assert "INDEX.TXT, row 2: 0000.JPG: not used: it may show Theo Marchetti (020448)" in told(found)
    (row,) = (one.what.rpartition(": ")[2] for one in found.findings if "(020448)" in one.what)
    assert row == "020448,FOLDER2/0000.JPG"
    (home / "IDLINK.TXT").write_text(row)
    confirmed = found_in(home)
    assert [(one.number, one.read()) for one in confirmed.portraits] == [("020448", photo("020448"))]
    assert len(confirmed.findings) == len(NUMBERS) - 1 and "020448" not in "".join(f.what for f in confirmed.findings)


def test_a_list_that_confirms_names_leaves_the_photos_named_by_number_joined(tmp_path: Path) -> None:
    tiny(tmp_path, "501.jpg", "501(2).jpg", "Anna.jpg")
    (tmp_path / "IDLINK.TXT").write_text("502,Anna.jpg\n")
    found = find_portraits(tmp_path, ["501", "502"])
    assert joined(found) == {"502": ["Anna.jpg"], "501": ["501.jpg", "501(2).jpg"]}


def test_names_of_files_that_an_index_shows_to_be_no_numbers_are_not_believed(tmp_path: Path) -> None:
    tiny(tmp_path, "501.jpg", "502.jpg")
    (tmp_path / "IDLINK.TXT").write_text("502,501.jpg\n")
    found = find_portraits(tmp_path, ["501", "502"])
    assert joined(found) == {"502": ["501.jpg"]}, "502.jpg is the lab's picture 502, whoever that is"
    assert "502.jpg: no row of IDLINK.TXT names it" in told(found)


ROWS = "A\t1.jpg\t501\nA\t2.jpg\t502\nA\t3.jpg\t503\n"
SCHOOL = ["501", "502", "503", "504"]


@pytest.mark.parametrize(
    ("more", "row", "what", "people"),
    [
        ("A\t9.jpg\t504\n", 4, "there is no file 9.jpg", {"501", "502", "503"}),
        ("A\t\t504\n", 4, "names no file", {"501", "502", "503"}),
        ("A\t4.jpg\n", 4, "not 3 cells as the other rows have", {"501", "502", "503"}),
        ("A\t1.jpg\t502\n", None, "given to 501 (row 1) and 502 (row 4)", {"502", "503"}),
        ("A\t1.jpg\t501\n", None, "", {"501", "502", "503"}),
        ("A\t..\\..\\secret.jpg\t504\n", 4, "there is no file", {"501", "502", "503"}),
        ("A\t/etc/passwd\t504\n", 4, "there is no file", {"501", "502", "503"}),
    ],
)
def test_a_row_that_is_not_clear_is_told_with_its_number_and_joins_nobody(
    more: str, row: int | None, what: str, people: set[str], tmp_path: Path
) -> None:
    tiny(tmp_path, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    (tmp_path / "INDEX.TXT").write_text(ROWS + more)
    found = find_portraits(tmp_path, SCHOOL)
    assert set(joined(found)) == people
    rows = [f for f in found.findings if "4.jpg: no row" not in str(f)]
    assert [(f.row, what in f.what) for f in rows] == ([(row, True)] if what else [])
    assert any("4.jpg: no row of INDEX.TXT names it" in str(f) for f in found.findings), "nothing is silently skipped"


def test_a_number_of_nobody_is_told_and_so_is_one_whose_row_names_somebody_else(tmp_path: Path) -> None:
    home = pspa(tmp_path)
    text = (home / "INDEX.TXT").read_text()
    (home / "INDEX.TXT").write_text(
        text.replace("\t020448", "\t777777").replace("Vanderhoek\tEllis", "Oyelaran\tNadia")
    )
    found = found_in(home)
    assert "row 2: 0000.JPG: not used: it may show Theo Marchetti (020448)" in told(found)
    assert "row 4: 0001.JPG: has the number 020522 and the name of Nadia Oyelaran (020485): not used" in told(found)
    assert {one.number for one in found.portraits} == set(NUMBERS) - {"020448", "020522"}


def test_photos_of_one_name_are_told_apart_by_the_column_of_folders_or_not_at_all(tmp_path: Path) -> None:
    home = pspa(tmp_path)
    rows = [line.split("\t") for line in (home / "INDEX.TXT").read_text().splitlines()]
    (home / "INDEX.TXT").write_text(lines(row[2:] for row in rows))
    found = found_in(home)
    assert found.portraits == ()
    assert "0000.JPG could be FOLDER1/0000.JPG or FOLDER2/0000.JPG: not used" in told(found)
    (home / "INDEX.TXT").write_text(lines([f"D:\\CD1\\{row[1]}\\{row[2]}", *row[3:]] for row in rows))
    assert {one.number for one in found_in(home).portraits} == set(NUMBERS), "a whole path does as well"


@pytest.mark.parametrize("names", [("INDEX.TXT", "sub/index.csv"), ("a.txt", "b.csv")])
def test_two_indexes_of_which_either_could_hold_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    tiny(tmp_path, "1.jpg", "sub/2.jpg")
    for name in names:
        (tmp_path / name).write_text("1.jpg,501\n2.jpg,502\n")
    with pytest.raises(SetupError, match="are both an index"):
        find_portraits(tmp_path, ["501", "502"])
    chosen = find_portraits(tmp_path / names[0], ["501", "502"])
    assert joined(chosen) == {"501": ["1.jpg"], "502": ["sub/2.jpg"]}
    assert names[1].rpartition("/")[2] in told(chosen), "the other is told not to be looked at"


def test_an_index_that_does_not_belong_to_the_photos_is_refused(tmp_path: Path) -> None:
    (tiny(tmp_path, "501.jpg", "502.jpg") / "INDEX.TXT").write_text("a.jpg\tA\t501\nb.jpg\tB\t502\n")
    with pytest.raises(SetupError, match=r"no column names files that are there, such as a\.jpg"):
        find_portraits(tmp_path, ["501", "502"])
    (tmp_path / "INDEX.TXT").rename(tmp_path / "old.txt")
    found = find_portraits(tmp_path, ["501", "502"])
    assert set(joined(found)) == {"501", "502"} and "old.txt: no row" in told(found)


def test_a_later_index_that_cannot_be_told_is_a_finding_and_the_first_one_an_error(tmp_path: Path) -> None:
    (tiny(tmp_path, "1.jpg") / "INDEX.TXT").write_text("1.jpg\tA\tB\n")
    with pytest.raises(SetupError, match="none of its 3 columns holds different numbers of the roster"):
        find_portraits(tmp_path, ["501"])
    (tmp_path / "IDLINK.TXT").write_text("501,1.jpg\n")
    found = find_portraits(tmp_path, ["501"])
    assert set(joined(found)) == {"501"} and "INDEX.TXT: not used: none of its 3 columns" in told(found)


@pytest.mark.parametrize("name", ["photo.jpg", "gone", "gone.zip", "gone.txt"])
def test_what_is_no_source_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo("020411"))
    with pytest.raises(SetupError):
        found_in(tmp_path / name)


def test_two_files_of_one_name_in_a_zip_leave_that_person_out(tmp_path: Path) -> None:
    members = [("020411.jpg", b"1"), ("020448.jpg", b"2"), ("020448.JPG", b"3"), ("020448(2).jpg", b"4")]
    found = found_in(zipped(tmp_path / "ids.zip", members))
    assert joined(found) == {"020411": ["1"]}
    assert "020448.jpg: stands twice in the zip: 020448 is not enrolled" in told(found)
    rows = ("list.txt", b"020411\t020411.jpg\n020448\t020448.jpg\n")
    indexed = found_in(zipped(tmp_path / "ids.zip", [*members[:3], rows]))
    assert joined(indexed) == {"020411": ["1"]}
    with pytest.raises(SetupError, match="both an index"):
        found_in(zipped(tmp_path / "ids.zip", [*members[:2], ("INDEX.TXT", rows[1]), ("index.txt", rows[1])]))


def test_enroll_shows_how_a_zip_was_read_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = layouts.powerschool_zip(tmp_path)
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    command = ["enroll", "--roster", str(SAMPLES / "roster.csv"), "--id-photos", str(source)]
    assert run(command) == 0, "libraries that are loaded for the first time try out the temp folder"
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert run(command) == 0
    shown = capsys.readouterr().out
    assert "Enrolled: 13 of 13" in shown
    assert "read as photos.txt (tab, without headings): 1 = student number, 2 = image file" in shown
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_a_photo_in_a_zip_that_cannot_be_used_is_named_as_one_in_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zipped(tmp_path / "ids.zip", {"a/020411.jpg": b"no picture", "a/020448.jpg": photo("020448")})
    assert run(["enroll", "--roster", str(SAMPLES / "roster.csv"), "--id-photos", str(tmp_path / "ids.zip")]) == 3
    shown = capsys.readouterr().out
    assert "020411.jpg: not used: not a photo" in shown and "Enrolled: 1 of 13" in shown
    assert run(["selftest", "--id-photos", str(tmp_path / "ids.zip")]) == 3
    assert "020411.jpg: not used: not a photo" in capsys.readouterr().out


def test_selftest_takes_zips_and_lists_of_numbers_but_cannot_tell_columns_without_a_roster(tmp_path: Path) -> None:
    two = {f"{name}.jpg": photo(name) for name in ("020411", "020411(2)", "020448")}
    found = run_selftest(zipped(tmp_path / "ids.zip", two), default_backends())
    assert (found.people, found.photos, found.again.known) == (2, 3, 1)
    listed = run_selftest(layouts.principalm(tmp_path), default_backends())
    assert listed.people == len(NUMBERS)
    with pytest.raises(SetupError, match="only a roster tells"):
        run_selftest(pspa(tmp_path), default_backends())


def test_a_guard_takes_a_zip_and_keeps_id_photos_apart_from_event_photos(tmp_path: Path) -> None:
    school = {"roster": SAMPLES / "roster.csv", "purpose": "school_website", "on": TODAY, "school": tmp_path / "s"}
    guard = Guard(id_photos=layouts.infinite_campus(tmp_path), **school)  # type: ignore[arg-type]
    assert guard.rules.gallery is not None and len(guard.rules.gallery) == 13
    index = layouts.idlink(tmp_path) / "IDLINK.TXT"
    assert home_of(index) == index.parent
    guard = Guard(id_photos=index, **school)  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="lie inside each other"):
        guard.plan([index.parent / "020411.jpg"], tmp_path / "out")
