"""The tables of the record, as numbered migrations: number N of the list brings version N-1 to N.

Ids, digests, numbers and reasons. No vector and no picture has a column here: a photo is known by the SHA-256 of its
bytes, so the file at hand finds its record.

One table holds names: where a photo or its folder got a neutral name, since its own told something, `renamed` keeps
both, so that the school can find the original again. Such a name may be a child's. No other name of a person, file or
folder is kept.
"""

from __future__ import annotations

APPLICATION_ID = 0x696D6767

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        imgguard_version TEXT NOT NULL,
        purpose TEXT,
        recognition INTEGER NOT NULL CHECK (recognition IN (0, 1)),
        style TEXT NOT NULL,
        roster_sha256 TEXT,
        gallery_size INTEGER NOT NULL,
        threshold REAL,
        models TEXT NOT NULL
    ) STRICT;
    CREATE TABLE photos (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        recorded_at TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('published', 'refused')),
        refusal TEXT,
        source_sha256 TEXT,
        output_sha256 TEXT,
        format TEXT,
        rounds INTEGER NOT NULL,
        CHECK ((status = 'published') = (output_sha256 IS NOT NULL)),
        CHECK ((status = 'refused') = (refusal IS NOT NULL))
    ) STRICT;
    CREATE INDEX photos_by_source ON photos (source_sha256);
    CREATE INDEX photos_by_output ON photos (output_sha256);
    CREATE TABLE faces (
        id INTEGER PRIMARY KEY,
        photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
        x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
        detection_score REAL NOT NULL,
        outcome TEXT NOT NULL,
        match_score REAL,
        verdict TEXT NOT NULL CHECK (verdict IN ('keep', 'cover')),
        reason TEXT NOT NULL,
        subject_id TEXT
    ) STRICT;
    CREATE INDEX faces_by_photo ON faces (photo_id);
    CREATE INDEX faces_by_subject ON faces (subject_id);
    """,
    """
    CREATE TABLE renamed (
        photo_id INTEGER PRIMARY KEY REFERENCES photos (id) ON DELETE CASCADE,
        source_name TEXT NOT NULL,
        published_name TEXT NOT NULL
    ) STRICT;
    """,
)
