from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consent import RecordError, Store
from consent.schema import APPLICATION_ID, MIGRATIONS
from consent.store import FaceRecord, NewName, PhotoRecord, Renamed, RunRecord, read_published, read_renamed

RUN = RunRecord("0.1.0", "yearbook", True, "blur", "ab" * 32, 13, 0.58, {"model.onnx": "cd" * 32})
FACE = FaceRecord(1.0, 2.0, 3.0, 4.0, 0.9, "match", 0.7, "cover", "refused", "020485")
PHOTO = PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, (FACE,))


def test_a_run_with_its_photos_and_faces_comes_back(tmp_path: Path) -> None:
    with Store(tmp_path / "a" / "record") as store, store.atomic():
        run = store.add_run(RUN)
        store.add_photo(run, PHOTO)
        store.finish_run(run)
    with Store(tmp_path / "a" / "record") as store:
        assert store.query("SELECT purpose, gallery_size, finished_at IS NOT NULL FROM runs") == [("yearbook", 13, 1)]
        assert store.query("SELECT status, source_sha256 FROM photos") == [("published", "11" * 32)]
        assert store.query("SELECT verdict, reason, subject_id FROM faces") == [("cover", "refused", "020485")]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_inside_a_transaction_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with Store(tmp_path / "record") as store:
        with pytest.raises(error), store.atomic():
            store.add_photo(store.add_run(RUN), PHOTO)
            raise error
        assert store.query("SELECT count(*) FROM photos") == [(0,)]
        assert store.query("SELECT count(*) FROM faces") == [(0,)]


def test_a_published_photo_without_its_digest_is_impossible(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store, pytest.raises(RecordError), store.atomic():
        store.add_photo(store.add_run(RUN), PhotoRecord("published", None, "11" * 32, None, "jpeg", 1, ()))


def test_nothing_of_what_was_done_could_hold_a_persons_name_a_path_or_a_vector(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store:
        columns = {
            str(column)
            for table in ("runs", "photos", "faces", "reliances", "audit")
            for (column,) in store.query("SELECT name FROM pragma_table_info(?)", (table,))
        }
    columns.remove("published_name")
    assert not {c for c in columns if any(word in c for word in ("name", "path", "file", "vector", "template"))}


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE grades (x)")
    db.close()
    with pytest.raises(RecordError, match="not a record"):
        Store(other)
    text = tmp_path / "text"
    text.write_text("not a database, but rather a letter of some length" * 100)
    with pytest.raises(RecordError):
        Store(text)
    assert text.read_text().startswith("not a database")


def test_a_newer_schema_is_refused_politely(tmp_path: Path) -> None:
    Store(tmp_path / "record").close()
    with sqlite3.connect(tmp_path / "record") as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(RecordError, match="newer"):
        Store(tmp_path / "record")


def test_a_place_where_nothing_can_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError):
        Store(tmp_path / "file" / "record")


NAMED = replace(PHOTO, new_name=NewName("Emma/emma.jpg", "folder-0001/photo-0001.jpg"))


def test_both_names_of_a_renamed_photo_come_back_and_of_no_other(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store, store.atomic():
        run = store.add_run(RUN)
        store.add_photo(run, PHOTO)
        store.add_photo(run, NAMED)
    assert read_renamed(tmp_path / "record") == (
        Renamed("11" * 32, "22" * 32, "Emma/emma.jpg", "folder-0001/photo-0001.jpg"),
    )


def test_published_files_are_known_by_the_photos_they_were_made_from(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store, store.atomic():
        run = store.add_run(RUN)
        store.add_photo(run, PHOTO)
        store.add_photo(run, PhotoRecord("published", None, "33" * 32, "22" * 32, "jpeg", 1, ()))
        store.add_photo(run, PhotoRecord("refused", "not_a_photo", "44" * 32, None, None, 0, ()))
    assert read_published(tmp_path / "record") == {"22" * 32: {"11" * 32, "33" * 32}}
    assert read_published(tmp_path / "nowhere") == {}


def test_reading_names_changes_and_makes_nothing(tmp_path: Path) -> None:
    assert read_renamed(tmp_path / "nowhere") == ()
    (tmp_path / "text").write_text("no database" * 100)
    assert read_renamed(tmp_path / "text") == ()
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_a_record_of_the_first_schema_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with sqlite3.connect(path) as db:
        db.executescript(MIGRATIONS[0])
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    db.close()
    assert read_renamed(path) == ()
    with Store(path) as store, store.atomic():
        run = store.add_run(RUN)
        store.add_photo(run, NAMED)
    assert len(read_renamed(path)) == 1


def test_names_go_when_their_run_goes(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store:
        with store.atomic():
            run = store.add_run(RUN)
            store.add_photo(run, NAMED)
            store.query("DELETE FROM runs")
        assert store.query("SELECT count(*) FROM renamed") == [(0,)]


def test_another_program_s_database_stays_byte_for_byte_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()
    with pytest.raises(RecordError, match="not a record"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the open files of the process")
def test_writing_the_file_anew_leaves_no_copy_in_a_folder_for_temporary_files(tmp_path: Path) -> None:
    """SQLite's copy there is deleted but not overwritten."""
    opened: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for link in Path("/proc/self/fd").iterdir():
                with contextlib.suppress(OSError):
                    opened.add(str(link.readlink()))

    with Store(tmp_path / "school.imgguard") as store:
        with store.atomic():
            rows = ((str(n), "", "Amina " * 5000) for n in range(400))
            store.insert_rows("mappings", ("name", "saved_at", "content"), rows)
        watching = threading.Thread(target=watch)
        watching.start()
        try:
            store.compact()
        finally:
            done.set()
            watching.join()
    assert not [name for name in opened if "etilqs" in name]
