"""The report of a run, to be shown to a principal or a privacy officer: one HTML page to print, or JSON.

People are numbers unless names are asked for. Nothing of it comes from the photos: only what was recorded about them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from consent import markup
from consent.markup import Markup, element, text
from consent.procedures import Policy
from consent.reasons import BY_OPERATOR, Reason, Unidentified, Verdict
from consent.run_facts import FaceFacts, PhotoFacts, RunFacts, reason_words
from consent.store import Override, Reliance

REPORT_VERSION = 1
_NOBODY, _FORGOTTEN = "nobody known", "forgotten since"
_NONE = "none"
_NAMELESS = {*Unidentified, *BY_OPERATOR}
_SAID = {"cover": "covered", "nobody": "no face", "person": "named"}


def run_html(run: RunFacts, names: Mapping[str, str] | None = None, policy: Policy | None = None) -> str:
    """Give the report as a page.

    Args:
        run: What is known of the run.
        names: Names by number, where they are to be told; None for numbers alone.
        policy: The procedure with all of its rules, to tell what the clauses ask for; None where it is not known.

    Returns:
        HTML that asks for nothing from outside and runs nothing.
    """
    title = f"{run.school}: run {run.run_id}" if run.school else f"Run {run.run_id}"
    photos = [_photo(photo, names) for photo in run.published]
    return markup.page(
        title,
        element("h1", run.school or "Publication of photos"),
        element("p", f"Report of run {run.run_id}, {_when(run.started_at)}. {_WHOSE[names is None]}", cls="lead"),
        _declared(run),
        _counts(run),
        element("h2", "Who, where and what for"), markup.facts(_who(run)),
        element("h2", "Why faces were kept or covered"), _reasons(run, policy),
        element("h2", "Refused photos"), _refused(run.refused), _left_alone(len(run.there_already)),
        element("h2", "How it was made"), markup.facts(_how(run)),
        element("section", element("h2", "Published photos"), _LEFT_TO_RIGHT, *photos, cls="page"),
    )  # fmt: skip


_WHOSE = {True: "People are told by number alone.", False: "It holds names: handle it like the school's forms."}


_LEFT_TO_RIGHT = element("p", "The faces of a photo are numbered from left to right.", cls="small")


def run_json(run: RunFacts, names: Mapping[str, str] | None = None) -> str:
    """Give the report as JSON; see `run_html`."""
    told = {
        "report_version": REPORT_VERSION,
        **asdict(run),
        "photos": [_photo_json(photo, names) for photo in run.photos],
    }
    counts = {
        "published": len(run.published),
        "refused": len(run.refused),
        "there_already": len(run.there_already),
        "faces_kept": sum(face.kept for face in run.faces),
        "faces_covered": sum(face.covered for face in run.faces),
        "no_faces": sum(face.no_face for face in run.faces),
        "overrides": sum(len(photo.overrides) for photo in run.published),
    }
    keys = ("verdict", "reason", "clause", "faces")
    reasons = [dict(zip(keys, row, strict=True)) for row in run.reasons()]
    return json.dumps({**told, "counts": counts, "reasons": reasons}, indent=2, ensure_ascii=False, default=str) + "\n"


def _photo_json(photo: PhotoFacts, names: Mapping[str, str] | None) -> dict[str, object]:
    told = asdict(photo)
    if names is not None:
        for who in (*told["faces"], *told["overrides"]):
            who["name"] = names.get(who["subject_id"] or "")
    return told


def _declared(run: RunFacts) -> Markup:
    if not run.declared:
        return Markup()
    told = element("ul", *(element("li", line) for line in run.declared))
    return element("div", element("b", "Declared about the roster by the operator"), told, cls="note")


def _counts(run: RunFacts) -> Markup:
    kept = sum(face.kept for face in run.faces)
    shown = {face.subject_id for face in run.faces if face.kept and face.subject_id}
    told: tuple[tuple[int, str], ...] = (
        (len(run.published), "photos published"), (len(run.refused), "photos refused"), (kept, "faces kept"),
        (sum(face.covered for face in run.faces), "faces covered"), (len(shown), "different people shown"),
    )  # fmt: skip
    said = sum(len(photo.overrides) for photo in run.published)
    told += ((said, "things changed by hand"),) if said else ()
    return element("div", *(element("div", element("b", count), what) for count, what in told), cls="counts")


def _who(run: RunFacts) -> Iterable[tuple[str, object]]:
    where, ended = run.destination, run.finished_at
    yield "Purpose", run.purpose.replace("_", " ") if run.purpose else "none: everybody was covered"
    yield "Destination", where.name or "not told"
    if where.name:
        yield "Address or account", where.address or "not in the registry of destinations"
        yield "Managed by", where.manager or "not told"
        yield "Approved", " ".join(filter(None, (where.approved_by, where.approved_on))) or "not told"
    yield "Procedure", f"{run.policy}, version {run.policy_version}"
    yield "Operator", run.operator or "not told"
    yield "Operator's attestation", "given" if run.attested else "not given"
    yield "Sign-offs", ", ".join(run.sign_offs) or _NONE
    yield "Begun", _when(run.started_at)
    yield "Ended", _when(ended) if ended else "not ended: it was stopped, or is still going on"


_SETTINGS = {
    "cover": "How much a cover takes",
    "covered": "Where somebody must not be seen",
    "search": "Search for faces",
    "fpir": "Strangers left visible, accepted",
    "groups": "Groups enrolled",
    "credit": "Line of credit",
    "rules": "Optional rules in force",
}


def _how(run: RunFacts) -> Iterable[tuple[str, object]]:
    yield "imgguard", run.imgguard_version
    yield "Recognition", f"on, {run.gallery_size} people enrolled" if run.recognition else "off: nothing biometric"
    if run.threshold is not None:
        yield "Score that a match needed", f"{run.threshold:.3f}"
    yield "Covers", run.style
    for name, value in run.settings.items():
        if value:
            yield _SETTINGS.get(name, name.replace("_", " ").capitalize()), value
    yield "Roster (SHA-256)", element("code", run.roster_sha256) if run.roster_sha256 else _NONE
    models = (markup.joined((name, Markup("<br>"), element("code", digest))) for name, digest in run.models.items())
    yield "Model files (SHA-256)", markup.joined(models, Markup("<br>"))


def _reasons(run: RunFacts, policy: Policy | None) -> Markup:
    rows = [
        (_verdict(verdict, reason), reason_words(reason), _clause(policy, clause, reason), count)
        for verdict, reason, clause, count in run.reasons()
    ]
    return markup.table(("", "Why", "Clause", "Faces"), rows, (3,)) if rows else element("p", "There were no faces.")


def _clause(policy: Policy | None, clause: str, reason: str) -> Markup:
    return markup.joined((clause, *(element("div", says, cls="small") for says in _says(policy, clause, reason))))


def _says(policy: Policy | None, clause: str, reason: str) -> Iterator[str]:
    """What a clause asks for: one clause may stand behind several rules, and then the reason tells which is meant."""
    if policy is None:
        return
    cited = [rule for rule in policy.rules if policy.cited(rule) == clause]
    meant = [rule for rule in cited if reason in rule.reasons] or [rule for rule in cited if rule.condition] or cited
    yield from (rule.says for rule in meant)
    yield from _says(policy.base, clause, reason)


def _refused(photos: tuple[PhotoFacts, ...]) -> Markup:
    rows = [(photo.photo_id, (photo.refusal or "").replace("_", " "), _code(photo.source_sha256)) for photo in photos]
    if not rows:
        return element("p", "None.")
    told = element("p", "The record knows them by the digest of the original alone: it keeps no names of files.")
    return markup.joined((told, markup.table(("No.", "Why", "Original (SHA-256)"), rows)))


def _left_alone(count: int) -> Markup:
    told = f"Left alone, because a file was in the output folder under their names already: {count}."
    return element("p", told) if count else Markup()


def _photo(photo: PhotoFacts, names: Mapping[str, str] | None) -> Markup:
    rows = [_face(place, face, names) for place, face in enumerate(photo.faces, 1)]
    header = ("No.", "", "Who", "Why", "Stands on")
    head = element(
        "div",
        element("h3", photo.published_name or f"photo {photo.photo_id}"),
        _small(f"No. {photo.photo_id}, {_when(photo.recorded_at)}{_versions(photo)}"),
        _small("original ", _code(photo.source_sha256), Markup("<br>"), "published ", _code(photo.output_sha256)),
        cls="head",
    )
    faces = markup.table(header, rows, cls="faces") if rows else element("p", "No face was found.")
    return element("section", head, faces, _by_hand(photo.overrides, names), cls="photo")


def _by_hand(overrides: Iterable[Override], names: Mapping[str, str] | None) -> Markup:
    """What a person said of a photo, and who did."""
    rows = [
        (_SAID[one.kind], _named(one.subject_id, names) if one.kind == "person" else "", one.operator or "not told",
         _when(one.marked_at))
        for one in overrides
    ]  # fmt: skip
    return markup.table(("By hand", "Who it is", "Operator", "When"), rows) if rows else Markup()


def _named(subject_id: str | None, names: Mapping[str, str] | None) -> str:
    return _FORGOTTEN if subject_id is None else f"{subject_id} {(names or {}).get(subject_id, '')}".strip()


def _face(place: int, face: FaceFacts, names: Mapping[str, str] | None) -> tuple[object, ...]:
    stands_on = markup.joined((_reliance(reliance) for reliance in face.relied), Markup("<br>"))
    why = markup.joined((reason_words(face.reason), element("div", face.clause, cls="small") if face.clause else ""))
    return place, _verdict(face.verdict, face.reason), _person(face, names), why, stands_on


def _person(face: FaceFacts, names: Mapping[str, str] | None) -> str:
    if face.subject_id is None:
        return _NOBODY if face.reason in _NAMELESS else _FORGOTTEN
    return _named(face.subject_id, names)


def _reliance(reliance: Reliance) -> str:
    form = f"form {reliance.form_id}" if reliance.form_id else "a form without number"
    dates = f"signed {reliance.signed_on}, valid until {reliance.valid_until}"
    return f"{form}, row {reliance.source_row} of {reliance.source_sha256[:8] or 'an unknown roster'}, {dates}"


def _versions(photo: PhotoFacts) -> str:
    earlier = f"; takes the place of no. {photo.replaces}" if photo.replaces else ""
    later = f"; replaced by no. {photo.replaced_by}" if photo.replaced_by else ""
    return earlier + later + (f"; taken down on {photo.taken_down_on}" if photo.taken_down_on else "")


def _verdict(verdict: str, reason: str) -> Markup:
    if reason == Reason.NOBODY_THERE:
        return element("span", "no face")
    kept = verdict == Verdict.KEEP
    return element("span", "kept" if kept else "covered", cls="kept" if kept else "covered")


def _small(*children: object) -> Markup:
    return element("p", *children, cls="small")


def _code(digest: str | None) -> Markup:
    return element("code", digest) if digest else text("not readable")


def _when(at: str) -> str:
    return at.replace("T", " ").replace("+00:00", " UTC")
