"""The form about an export's columns says the same as the command's options, for every layout that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.datastructures import FormData

from consent import read_roster
from consent.mapping import Declared
from consent.meanings import question_of
from consent.roster import find_table
from consent.store import Store
from imgguard.page.office import FormError
from imgguard.page.roster_mapping import Item, columns_of, listing_of, permissions_of, said_on
from imgguard.page.roster_reading import read_draft
from imgguard.page.roster_uploads import Draft, Said
from imgguard.page.texts import speaker
from tests.rosters import EXPORTS, Export, write_csv

T = speaker("en")


def filled(items: tuple[Item, ...], said: Said, listing: tuple[str, str] | None) -> FormData:
    """What a browser sends of the form as it is shown."""
    fields = [("name", said.name), ("date_order", said.declared.date_order or "")]
    fields += [(f"constant.{name}", value) for name, value in said.declared.constants.items()]
    fields += [("permission", listing[0]), ("answer", listing[1])] if listing else []
    for item in items:
        fields += [(f"{item.key}.kind", item.kind), (f"{item.key}.about", item.about)]
        fields += [(f"{item.key}.purpose", purpose) for purpose in item.purposes]
        fields += [(f"{item.key}.v{n}", value.chosen) for n, value in enumerate(item.values)]
        fields += [(f"{item.key}.r{n}", value.chosen) for n, value in enumerate(item.roles)]
        fields += [(f"{item.key}.opt_out", "1")] if item.opt_out else []
        fields += [(f"{item.key}.multiple", "1")] if item.multiple else []
    return FormData(fields)


def told(export: Export, path: Path) -> Said:
    """What somebody says who says the same as the options do, and leaves what is recognised as it is."""
    table = find_table(path, export.declared)
    layout, declared = table.fit.layout, export.declared
    columns = {name: h for h in table.header for name, names in layout.fields.items() if h in names}
    known = {h for h in (*table.header, *declared.asks) if (q := question_of(layout, h)) and q.targets}
    merged = Declared(
        columns={**columns, **declared.columns}, asks=declared.asks, values=declared.values,
        constants=declared.constants, date_order=declared.date_order, opt_outs=declared.opt_outs,
        multiple=declared.multiple, permissions=declared.permissions,
    )  # fmt: skip
    return Said("mine", merged, frozenset(known - set(declared.asks)))


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_the_form_reads_an_export_as_the_options_do(tmp_path: Path, name: str) -> None:
    export = EXPORTS[name]
    path = write_csv(export, tmp_path / "export.csv")
    said, table = told(export, path), find_table(path, export.declared)
    items = (*columns_of(table, said), *permissions_of(table, said))
    again = said_on(filled(items, said, listing_of(table, said)), table, said, T)
    with Store(tmp_path / "school.imgguard") as store:
        read = read_draft(Draft("export.csv", said=again), path.read_bytes(), store)
    assert read.problem is None and read.roster is not None
    expected = read_roster(path, export.declared)
    assert read.roster.subjects == expected.subjects
    assert read.roster.purposes == expected.purposes


def test_what_asks_for_consent_has_to_say_for_what_and_no_field_is_two_columns(tmp_path: Path) -> None:
    path = write_csv(EXPORTS["consent2go"], tmp_path / "export.csv")
    table = find_table(path)
    items = columns_of(table, None)
    with pytest.raises(FormError, match="What “Promotional” is for is not told"):
        said_on(filled(items, Said("m"), None), table, None, T)
    with pytest.raises(FormError, match="student number"):
        said_on(FormData([("c0.kind", "number"), ("c1.kind", "number")]), table, None, T)


def test_a_value_that_nobody_gave_a_meaning_is_no_and_made_up_fields_say_nothing(tmp_path: Path) -> None:
    path = write_csv(EXPORTS["consent2go"], tmp_path / "export.csv")
    table = find_table(path)
    form = [("c3.kind", "asks"), ("c3.about", "photo"), ("c3.purpose", "school_website"), ("c3.purpose", "everything")]
    said = said_on(FormData([*form, ("c3.v99", "yes"), ("c77.kind", "asks"), ("c3.v0", "maybe")]), table, None, T)
    assert said.declared.asks == {"Online": ("school_website",)}
    assert not said.declared.values
