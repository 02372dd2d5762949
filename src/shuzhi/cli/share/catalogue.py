"""`shuzhi catalogue`: find data sets, look at one, hand the catalogue to others and take theirs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, percent, print_facts, print_json, print_table
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.share.catalogue import HarvestReport, Hit, Marked, Page, Record, Refusal

commands = typer.Typer(help="通: the catalogue of data sets.", no_args_is_help=True)


@commands.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Words, Chinese or English; empty: all.")] = "",
    where: Annotated[
        list[str] | None, typer.Option(help="FACET=VALUE, as in sharing=unconditional; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    after: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Find data sets by words and facets."""
    page = opened(city).search(text, facets=_facets(where or []), limit=limit, after=after)
    if as_json:
        print_json(page)
    else:
        show_page(page)


@commands.command("show")
def show(dataset: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show what the catalogue holds of DATASET."""
    record = opened(city).entry(dataset)
    if as_json:
        print_json(record)
    else:
        show_record(record)


@commands.command("export")
def export(
    form: Annotated[str, typer.Option(help="turtle or json-ld.")] = "turtle",
    to: Annotated[Path | None, typer.Option(help="The file to write; default: print it.")] = None,
    city: CityFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --form json-ld.")] = False,
) -> None:
    """Write the catalogue as DCAT-AP 3.0.1."""
    from shuzhi.share.catalogue import CatalogueForm

    form = CatalogueForm.JSON_LD if as_json else form
    if form not in set(CatalogueForm):
        raise RefusedError(
            "cli.bad_form",
            f"There is no form {form[:40]!r}.",
            next_step=f"Choose one of: {', '.join(CatalogueForm)}.",
        )
    written = opened(city).export_catalogue(CatalogueForm(form))
    if to is None:
        typer.echo(written)
    else:
        to.write_text(written, encoding="utf-8")


@commands.command("import")
def take(
    source: Annotated[str, typer.Argument(help="A file, or the address of a catalogue.")],
    origin: Annotated[str, typer.Option(help="What to call the catalogue that it comes from.")],
    allow_most_gone: Annotated[
        bool, typer.Option(help="Withdraw even where more than half are gone.")
    ] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take the data sets of another catalogue (DCAT, data.json, CKAN); again to catch up."""
    there = opened(city)
    report = there.harvest(source, origin, may_withdraw_most=allow_most_gone)
    refused = there.refusals(origin)
    if as_json:
        print_json({"report": report, "refused": refused})
    else:
        show_harvest(report, refused)


def _facets(where: list[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for pair in where:
        facet, _, value = pair.partition("=")
        chosen.setdefault(facet, []).append(value)
    return chosen


def show_page(page: Page) -> None:
    """Show hits with what met the search, and how many each facet would leave."""
    rows = [_hit(hit) for hit in page.hits]
    if not rows:
        out.print("No data set has all of these words and facets; fewer of them find more.")
    else:
        columns = ("data set", "title", "what it is", "rows", "quality")
        print_table(counted(page.total, "data set"), columns, rows)
    for name, counts in page.facets.items():
        shown = ", ".join(f"{c.label.best() or c.value} {c.count}" for c in counts[:8])
        if shown:
            out.print(Text(f"{name}: ", style="dim") + Text(shown))
    if page.next:
        out.print(f"more: --after {page.next}", markup=False)


def _hit(hit: Hit) -> tuple[Any, ...]:
    score = None if hit.quality_score is None else percent(hit.quality_score)
    return (hit.entry.id, _marked(hit.title), _marked(hit.snippet), hit.row_count, score)


def show_harvest(report: HarvestReport, refused: Sequence[Refusal]) -> None:
    """Show what a harvest did, and the first records that it could not use."""
    columns = ("created", "changed", "unchanged", "withdrawn", "refused", "flaws in those kept")
    row = (
        *(report.created, report.changed, report.unchanged),
        *(report.withdrawn, report.refused, report.flaws),
    )
    print_table(f"From {report.origin}", columns, [row])
    for refusal in refused[:20]:
        out.print(Text(f"  refused {refusal.place}: {refusal.reason}"), soft_wrap=True)
    if report.held_back:
        out.print(
            f"{report.held_back} entries are gone there, more than half; they stand here still. "
            "If that is right, run again with --allow-most-gone."
        )


def _marked(marked: Marked) -> Text:
    text = Text(marked.text)
    for start, end in marked.marks:
        text.stylize("bold yellow", start, end)
    return text


def show_record(record: Record) -> None:
    """Show one data set: its words, its rights, its columns, what is known of its rows."""
    held = record.entry
    rights = (
        ("sharing 共享", held.sharing),
        ("opening 开放", held.openness),
        ("grade 分级", held.grade),
        ("update cycle 更新周期", held.cycle),
        ("provider 提供方", held.provider.title.best()),
        ("contract", f"{held.contract_name} {held.contract_version}"),
        ("rows", record.row_count),
        ("quality", None if record.quality_score is None else percent(record.quality_score)),
        ("version", f"{record.version}, {record.changed_at:%Y-%m-%d}, {record.changed_by}"),
    )
    title = f"{held.id}: {held.title.zh} {held.title.en}".strip()
    print_facts(title, [(k, getattr(v, "value", v)) for k, v in rights])
    if held.abstract:
        out.print(Text(held.abstract.best()), soft_wrap=True)
    out.print()
    columns = [
        (i.name, i.title.best(), i.type.name.lower() if i.type else None, i.length)
        for i in held.items
    ]
    print_table("Columns", ("name", "title", "type", "length"), columns)
    for finding in record.findings:
        out.print(Text(f"{finding.severity.value}: {finding.field}: {finding.message}"))
