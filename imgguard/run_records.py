"""What the record keeps of a run: everything under which its photos were decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consent.store import RunRecord
from imgguard.backends import default_backends

if TYPE_CHECKING:
    from consent.roster import Roster
    from imgguard.publication import Publication, Under
    from imgguard.rules import Rules


def run_record(rules: Rules, under: Under, publication: Publication, roster: Roster | None) -> RunRecord:
    """Give what the record keeps of a run.

    Args:
        rules: What holds for every photo.
        under: The procedure and the destination.
        publication: Who publishes and who agreed.
        roster: Everybody; None where nobody is recognised.
    """
    from imgguard import __version__

    gallery = rules.gallery
    return RunRecord(
        imgguard_version=__version__,
        purpose=under.purpose.value if under.purpose else None,
        recognition=gallery is not None,
        style=rules.style.value,
        roster_sha256=roster.sha256 if roster else None,
        gallery_size=len(gallery) if gallery is not None else 0,
        threshold=gallery.threshold if gallery is not None else None,
        models=default_backends().weights,
        operator=publication.operator,
        policy=rules.policy.name,
        policy_version=rules.policy.version,
        destination=under.destination.name if under.destination else "",
        sign_offs=tuple(sorted(f"{one.role.value}:{one.name}" for one in publication.sign_offs)),
        attested=publication.attested,
        declared=roster.declared if roster else (),
        settings=_settings(rules),
    )


def _settings(rules: Rules) -> dict[str, str]:
    return {
        "cover": rules.covering.extent.value,
        "covered": rules.covering.treatment.value,
        "search": rules.search.value,
        "fpir": f"{rules.fpir:g}",
        "groups": ", ".join(rules.groups),
        "credit": rules.credit or "",
        "keep_orientation_tag": "yes" if rules.keep_orientation_tag else "",
        "rules": ", ".join(rule.id for rule in rules.policy.rules if rule.optional),
    }
