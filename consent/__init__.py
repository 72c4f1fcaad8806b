"""People, their permissions and the record of what was decided.

Knows nothing of images: it takes who somebody is (or why nobody could say) and answers whether a face may be
seen. Keeping it apart lets a privacy officer read the rules without reading any image code.
"""

from consent.errors import ConsentError, RecordError, RosterError, UserFacingError
from consent.model import Answer, Aspect, Consent, Hold, Purpose, Reference, SignerRole, Subject
from consent.policy import Decision, Reason, Unidentified, Verdict, decide
from consent.roster import Finding, Roster, read_roster
from consent.store import Store
from consent.template import roster_template

__all__ = [
    "Answer",
    "Aspect",
    "Consent",
    "ConsentError",
    "Decision",
    "Finding",
    "Hold",
    "Purpose",
    "Reason",
    "RecordError",
    "Reference",
    "Roster",
    "RosterError",
    "SignerRole",
    "Store",
    "Subject",
    "Unidentified",
    "UserFacingError",
    "Verdict",
    "decide",
    "read_roster",
    "roster_template",
]
