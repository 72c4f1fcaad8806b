"""The tables by which a run goes on where it stopped, whatever stopped it.

`intents` holds a photo that is about to be published, until its record is committed: whoever finds one there after a
crash can tell whether the file is under its name already, and then records it. `seen` holds digests of files that did
not change since they were read, by the digest of their place, so that thousands of photos need not be read again.

Of a published photo `decided_by` stands for everything that decided how it came out; `source_place` and `target_place`
are digests of where it was read and written, by which a photo that was changed is known again.
"""

from __future__ import annotations

RUNS = """
CREATE TABLE intents (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    target TEXT NOT NULL,
    output_sha256 TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE seen (
    place TEXT PRIMARY KEY,
    stamp TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE photos ADD COLUMN decided_by TEXT;
ALTER TABLE photos ADD COLUMN source_place TEXT;
ALTER TABLE photos ADD COLUMN target_place TEXT;
CREATE INDEX photos_by_target ON photos (target_place);
"""
