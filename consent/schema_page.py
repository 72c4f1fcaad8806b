"""The tables of what people say on the page: over published photos, and over folders that are looked through."""

from __future__ import annotations

PAGE = """
CREATE TABLE overrides (
    id INTEGER PRIMARY KEY,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('cover', 'nobody', 'person')),
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
    subject_id TEXT, operator TEXT NOT NULL, marked_at TEXT NOT NULL
) STRICT;
CREATE INDEX overrides_by_photo ON overrides (photo_id);
CREATE INDEX overrides_by_subject ON overrides (subject_id);
CREATE TABLE reviews (
    id INTEGER PRIMARY KEY,
    begun_at TEXT NOT NULL,
    folder TEXT NOT NULL,
    told TEXT NOT NULL,
    operator TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'paused', 'stopped', 'releasing', 'released', 'dropped')),
    out TEXT NOT NULL DEFAULT '',
    again_of INTEGER REFERENCES runs (id),
    run_id INTEGER REFERENCES runs (id)
) STRICT;
CREATE TABLE review_photos (
    review_id INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    source_sha256 TEXT NOT NULL,
    PRIMARY KEY (review_id, source_sha256)
) STRICT;
CREATE TABLE review_marks (
    id INTEGER PRIMARY KEY,
    review_id INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cover', 'nobody', 'person', 'back', 'confirmed', 'left_out', 'open')),
    x1 REAL, y1 REAL, x2 REAL, y2 REAL,
    subject_id TEXT,
    operator TEXT NOT NULL,
    marked_at TEXT NOT NULL,
    CHECK ((kind IN ('cover', 'nobody', 'person', 'back')) = (x1 IS NOT NULL))
) STRICT;
CREATE INDEX review_marks_by_photo ON review_marks (review_id, source_sha256);
CREATE INDEX review_marks_by_subject ON review_marks (subject_id);
CREATE TABLE releases (
    review_id INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    operator TEXT NOT NULL,
    role TEXT NOT NULL,
    choices TEXT NOT NULL,
    released_at TEXT NOT NULL,
    PRIMARY KEY (review_id, role)
) STRICT;
"""
