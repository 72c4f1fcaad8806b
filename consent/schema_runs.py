"""The tables by which a run goes on where it stopped, whatever stopped it.

`intents` holds a photo that is about to be published, until its record is committed: whoever finds one there after a
crash can tell whether the file is under its name already, and then records it. `seen` holds digests of files that did
not change since they were read, by the digest of their place, so that thousands of photos need not be read again.
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
ALTER TABLE photos ADD COLUMN key TEXT;
ALTER TABLE photos ADD COLUMN source_place TEXT;
"""
