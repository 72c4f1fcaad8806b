"""The tables of the school file, as numbered migrations: number N of the list brings version N-1 to N.

Three kinds of data, kept apart. What the school's roster says: `subjects`, `consents` and `withdrawals`, with names.
Who can be known again: `templates`, encrypted with a key that is not in the file, and only of people in the view
`recognisable`: the triggers hold that, whoever writes. What was done: `runs`, `photos`,
`faces`, `overrides` and `audit`, in ids, digests, numbers and reasons; a photo is known by the SHA-256 of its bytes.
No picture and no readable vector has a column here.

The audit trail names people by their alias, a random number of `aliases` that goes when the person is forgotten: what
cannot be edited must not hold what has to be erasable. A salted digest of a student number would not do, for there
are few enough numbers to try them all.

`renamed` keeps a photo's own name and its neutral one, where its own told something, so that the school can find the
original again; `photos` keeps the name under which a photo was published. Such a name may be a child's.
"""

from __future__ import annotations

from consent.schema_page import PAGE
from consent.schema_runs import RUNS

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
    """
    CREATE TABLE school (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        school_id TEXT NOT NULL,
        title TEXT NOT NULL,
        policy TEXT NOT NULL,
        made_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE policy_options (
        rule_id TEXT PRIMARY KEY,
        switched_on INTEGER NOT NULL CHECK (switched_on IN (0, 1))
    ) STRICT;
    CREATE TABLE rosters (
        id INTEGER PRIMARY KEY,
        imported_at TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        layout TEXT NOT NULL,
        purposes TEXT NOT NULL,
        declared TEXT NOT NULL,
        people INTEGER NOT NULL,
        findings INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE mappings (
        name TEXT PRIMARY KEY,
        saved_at TEXT NOT NULL,
        content TEXT NOT NULL
    ) STRICT;
    CREATE TABLE subjects (
        subject_id TEXT PRIMARY KEY,
        roster_id INTEGER NOT NULL REFERENCES rosters (id),
        present INTEGER NOT NULL CHECK (present IN (0, 1)),
        given_name TEXT NOT NULL,
        family_name TEXT NOT NULL,
        role TEXT NOT NULL,
        group_name TEXT NOT NULL,
        biometric_ok INTEGER NOT NULL CHECK (biometric_ok IN (0, 1)),
        holds TEXT NOT NULL,
        birth_date TEXT,
        independent INTEGER NOT NULL CHECK (independent IN (0, 1)),
        guardians TEXT NOT NULL
    ) STRICT;
    CREATE VIEW recognisable AS SELECT subject_id FROM subjects
        WHERE biometric_ok = 1 AND present = 1 AND holds NOT LIKE '%"do_not_publish"%' AND NOT EXISTS (
            SELECT 1 FROM withdrawals WHERE withdrawals.subject_id = subjects.subject_id AND purpose IS NULL
                AND lifted_on IS NULL);
    CREATE TABLE aliases (
        subject_id TEXT PRIMARY KEY,
        alias TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE consents (
        id INTEGER PRIMARY KEY,
        subject_id TEXT NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
        answers TEXT NOT NULL,
        signed_by TEXT NOT NULL,
        signer_role TEXT NOT NULL,
        signed_on TEXT,
        valid_from TEXT,
        valid_until TEXT,
        form_id TEXT NOT NULL,
        source_row INTEGER NOT NULL,
        source_sha256 TEXT NOT NULL
    ) STRICT;
    CREATE INDEX consents_by_subject ON consents (subject_id);
    CREATE TABLE roster_changes (
        id INTEGER PRIMARY KEY,
        roster_id INTEGER NOT NULL REFERENCES rosters (id) ON DELETE CASCADE,
        subject_id TEXT NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        what TEXT NOT NULL
    ) STRICT;
    CREATE INDEX roster_changes_by_roster ON roster_changes (roster_id);
    CREATE INDEX roster_changes_by_subject ON roster_changes (subject_id);
    CREATE TABLE withdrawals (
        id INTEGER PRIMARY KEY,
        subject_id TEXT NOT NULL,
        purpose TEXT,
        withdrawn_on TEXT NOT NULL,
        because TEXT NOT NULL,
        lifted_on TEXT,
        lifted_because TEXT,
        CHECK ((lifted_on IS NULL) = (lifted_because IS NULL))
    ) STRICT;
    CREATE INDEX withdrawals_by_subject ON withdrawals (subject_id);
    CREATE TABLE destinations (
        name TEXT PRIMARY KEY,
        purpose TEXT NOT NULL,
        address TEXT NOT NULL,
        manager TEXT NOT NULL,
        second_administrator TEXT NOT NULL,
        approved_by TEXT NOT NULL,
        approved_on TEXT NOT NULL,
        closed_on TEXT
    ) STRICT;
    CREATE TABLE keys (
        id INTEGER PRIMARY KEY,
        made_at TEXT NOT NULL,
        kept_in TEXT NOT NULL CHECK (kept_in IN ('keyring', 'passphrase')),
        parameters TEXT NOT NULL,
        nonce BLOB NOT NULL,
        proof BLOB NOT NULL,
        retired_at TEXT
    ) STRICT;
    CREATE TABLE templates (
        id INTEGER PRIMARY KEY,
        subject_id TEXT NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
        key_id INTEGER NOT NULL REFERENCES keys (id),
        model_id TEXT NOT NULL,
        nonce BLOB NOT NULL,
        ciphertext BLOB NOT NULL,
        photo_sha256 TEXT NOT NULL,
        taken_on TEXT,
        enrolled_on TEXT NOT NULL,
        expires_on TEXT NOT NULL,
        UNIQUE (subject_id, model_id, photo_sha256)
    ) STRICT;
    CREATE TRIGGER templates_need_consent BEFORE INSERT ON templates
    WHEN NOT EXISTS (SELECT 1 FROM recognisable WHERE subject_id = NEW.subject_id)
    BEGIN SELECT RAISE(ABORT, 'only people who may be recognised have templates'); END;
    CREATE TRIGGER templates_end_with_consent AFTER UPDATE OF biometric_ok, holds ON subjects
    WHEN NOT EXISTS (SELECT 1 FROM recognisable WHERE subject_id = NEW.subject_id)
    BEGIN DELETE FROM templates WHERE subject_id = NEW.subject_id; END;
    ALTER TABLE runs ADD COLUMN operator TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN policy TEXT NOT NULL DEFAULT 'strict';
    ALTER TABLE runs ADD COLUMN policy_version TEXT NOT NULL DEFAULT '1';
    ALTER TABLE runs ADD COLUMN destination TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN sign_offs TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE runs ADD COLUMN attested INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN declared TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE runs ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE photos ADD COLUMN published_name TEXT;
    ALTER TABLE photos ADD COLUMN replaces INTEGER REFERENCES photos (id);
    ALTER TABLE faces ADD COLUMN clause TEXT NOT NULL DEFAULT '';
    CREATE TABLE reliances (
        face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
        form_id TEXT NOT NULL,
        source_sha256 TEXT NOT NULL,
        source_row INTEGER NOT NULL,
        signed_on TEXT NOT NULL,
        valid_until TEXT NOT NULL
    ) STRICT;
    CREATE INDEX reliances_by_face ON reliances (face_id);
    CREATE TABLE takedowns (
        photo_id INTEGER PRIMARY KEY REFERENCES photos (id) ON DELETE CASCADE,
        done_on TEXT NOT NULL
    ) STRICT;
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        prev TEXT NOT NULL,
        digest TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
    CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
    """,
    PAGE,
    RUNS,
)
