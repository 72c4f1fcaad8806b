"""Build HTML from values that nobody has looked at: whatever is not built here is text, and stays text.

A page is one file that asks for nothing from outside and runs nothing; a browser prints it to paper or to PDF.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

_VOID = frozenset({"br", "hr"})
# They turn the direction of the text around them, so that it reads as something else.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_STYLE = """
@page { margin: 16mm 14mm; }
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: #16212b; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 19pt; line-height: 1.2; margin: 0 0 .2rem; }
h2 { font-size: 13pt; margin: 2rem 0 .5rem; padding-bottom: .2rem; border-bottom: 2px solid #16212b; }
h3 { font-size: 11pt; margin: 0; overflow-wrap: anywhere; }
p { margin: .3rem 0 .6rem; }
.lead, .small { color: #4b5a67; } .small { font-size: 8.5pt; margin: .1rem 0 .3rem; overflow-wrap: anywhere; }
.note { border: 1px solid #b97a00; background: #fff7e3; padding: .5rem .8rem; margin: .8rem 0; }
.counts { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
.counts div { border: 1px solid #c6d0d8; border-radius: 4px; padding: .4rem .9rem; min-width: 7rem; }
.counts b { display: block; font-size: 17pt; line-height: 1.2; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1rem; font-size: 9.5pt; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #dde4e9;
  overflow-wrap: anywhere; }
th { font-weight: 600; border-bottom-color: #7b8b98; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 5rem; }
table.facts th { width: 13rem; border-bottom: 1px solid #dde4e9; }
code { font: 8.5pt/1.4 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; overflow-wrap: anywhere; }
th { overflow-wrap: normal; }
.kept { color: #0a6b3d; font-weight: 600; white-space: nowrap; } .covered { white-space: nowrap; }
table.faces { table-layout: fixed; }
table.faces th:nth-child(1) { width: 2.6rem; } table.faces th:nth-child(2) { width: 4.8rem; }
table.faces th:nth-child(3) { width: 20%; } table.faces th:nth-child(4) { width: 33%; }
section.photo { margin: 1.1rem 0; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt; }
  thead { display: table-header-group; }
  tr, .counts, .note, .head { break-inside: avoid; }
  h1, h2, h3, .head, p.small, thead { break-after: avoid; }
  section.page { break-before: page; }
}
"""


class Markup(str):
    """Text that is HTML already, because it was built here."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Give any value as HTML text; what is markup already stays as it is, None is nothing.

    >>> text("<b>&")
    '&lt;b&gt;&amp;'
    """
    if isinstance(value, Markup):
        return value
    return Markup(escape("".join(map(_visible, "" if value is None else str(value)))))


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    hidden = character in _TURNING or kind in {"Cs", "Co"} or (kind == "Cc" and character not in "\t\n")
    return "\N{REPLACEMENT CHARACTER}" if hidden else character


def element(name: str, *children: object, cls: str = "") -> Markup:
    """Give an element with its children, which are escaped unless they are markup.

    >>> element("td", "a < b", cls="number")
    '<td class="number">a &lt; b</td>'
    """
    opening = f'<{name} class="{escape(cls)}">' if cls else f"<{name}>"
    return Markup(opening if name in _VOID else f"{opening}{''.join(map(text, children))}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Give several pieces after each other."""
    return Markup(text(between).join(map(text, parts)))


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = (), *, cls: str = ""
) -> Markup:
    """Give a table; columns in `numbers` (from 0) hold numbers. Its header is repeated on every printed page."""
    kinds = ["number" if n in numbers else "" for n in range(len(header))]
    head = element("tr", *(element("th", cell, cls=c) for cell, c in zip(header, kinds, strict=True)))
    body = (element("tr", *(element("td", cell, cls=c) for cell, c in zip(row, kinds, strict=True))) for row in rows)
    return element("table", element("thead", head), element("tbody", *body), cls=cls)


def facts(rows: Iterable[tuple[str, object]]) -> Markup:
    """Give a table of names and values."""
    return element("table", *(element("tr", element("th", name), element("td", value)) for name, value in rows),
                   cls="facts")  # fmt: skip


def page(title: str, *parts: object) -> str:
    """Give a whole page: one file, nothing from outside, nothing that runs."""
    forbidden = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(forbidden)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>\n<body>{joined(parts)}</body></html>\n"
    )


def style_source() -> str:
    """Give the one style that a page has, as a Content-Security-Policy allows it: by its digest."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
