"""`shuzhi case`: open cases, see them, act on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text

from shuzhi.cli.decide.cause import show_sought
from shuzhi.cli.frame.dating import show_dated
from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import UNDATED, out, print_json, print_table
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import wall_clock

if TYPE_CHECKING:
    from shuzhi.act.cases import (
        Actor,
        Case,
        CaseFile,
        EvidenceFile,
        Office,
        Order,
        Reading,
        Rehearsal,
        Verb,
    )
    from shuzhi.kernel.instant import Instant

commands = typer.Typer(help="治: what somebody must close.", no_args_is_help=True)

Word = TypeVar("Word")
Person = Annotated[str, typer.Option("--as", help="Who acts.")]
Party = Annotated[str, typer.Option("--party", help="For which party.")]
Roles = Annotated[
    list[str],
    typer.Option("--role", help="desk, dispatcher, handler, checker, rater; repeatable."),
]


@commands.command("open")
def open_one(
    kind: str,
    person: Person,
    party: Party,
    role: Roles,
    title: Annotated[str, typer.Option(help="What it is about.")] = "",
    text: Annotated[str, typer.Option(help="What was reported.")] = "",
    severity: Annotated[str, typer.Option(help="One of the kind's severities.")] = "",
    responsible: Annotated[str | None, typer.Option(help="A party; default: the desk.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Open a case of KIND."""
    from shuzhi.act.cases import Report, open_case
    from shuzhi.kernel.ids import PartyId

    there = opened(city)
    office = there.office
    office.clocks(kind)
    answers = None if responsible is None else PartyId(responsible)
    chosen = severity or office.kinds[kind].severities[0]
    report = Report(kind, chosen, _actor(person, party, role), answers, title, text)
    done = open_case(office, report)
    there.record()
    if as_json:
        print_json(done)
    else:
        out.print(f"case {done.case_id}")


@commands.command("list")
def list_cases(
    after: Annotated[int, typer.Option(help="The last case of the page before.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List cases."""
    from shuzhi.act.cases import CaseId, Wanted, cases

    wanted = Wanted(is_open=True) if is_open else Wanted()
    office = opened(city).office
    page = cases(office, wanted, after=CaseId(after) if after else None, limit=limit)
    if as_json:
        print_json(page)
        return
    rows = [
        (
            c.id,
            c.kind,
            c.title,
            c.severity,
            c.stage.value,
            c.responsible,
            wall_clock(c.opened_at, office.zone),
        )
        for c in page.cases
    ]
    columns = ("case", "kind", "title", "severity", "stage", "responsible", "opened")
    print_table(f"{len(rows)} cases", columns, rows)


@commands.command("show")
def show(
    case_id: int,
    draw: Annotated[bool, typer.Option(help="Its way as a Mermaid diagram.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a case with everything that was done."""
    from shuzhi.act.cases import CaseId, case, draw_case

    there = opened(city)
    office = there.office
    file = case(office, CaseId(case_id))
    if draw:
        diagram = draw_case(office.kinds[file.case.kind], file.steps, zone=office.zone)
        out.print(diagram, markup=False)
    elif as_json:
        # What a search stood on is for its page and the interface.
        causes = [replace(sought, trace=None) for sought in there.causes(file.case.id)]
        print_json({**vars(file), "causes": causes})
    else:
        show_file(file, office.zone)
        for sought in there.causes(file.case.id):
            show_sought(sought, office.zone)


@commands.command("do")
def do(
    case_id: int,
    verb: Annotated[str, typer.Argument(help="verify, file, dispatch, take, feed_back, check, …")],
    person: Person,
    party: Party,
    role: Roles,
    text: Annotated[str, typer.Option(help="What to say, or the reason.")] = "",
    lead: Annotated[str | None, typer.Option(help="dispatch: the party that leads.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="dispatch: a party that helps.")] = None,
    file: Annotated[list[Path] | None, typer.Option(help="feed_back: evidence.")] = None,
    is_bad: Annotated[bool, typer.Option("--bad", help="check: it is not good.")] = False,
    stars: Annotated[int | None, typer.Option(min=1, max=5, help="rate: 1 to 5.")] = None,
    outcome: Annotated[str, typer.Option(help="close: how it ended.")] = "resolved",
    asked_by: Annotated[str, typer.Option(help="suspend: who asked for it.")] = "",
    into: Annotated[int | None, typer.Option(help="merge: the older case.")] = None,
    seen: Annotated[int | None, typer.Option(help="The version that you saw.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Act on a case; what may be done now, and by whom, is said when it may not."""
    from shuzhi.act.cases import Act, CaseId, act

    there = opened(city)
    office = there.office
    asked = Act(
        CaseId(case_id),
        _verb(verb),
        _actor(person, party, role),
        seen,
        text,
        orders=_orders(lead, to or ()),
        evidence=_kept(office, file or ()),
        is_good=not is_bad,
        stars=stars,
        outcome=outcome,
        asked_by=asked_by or None,
        into=None if into is None else CaseId(into),
    )
    done = act(office, asked)
    there.record()
    show_stage(done, as_json=as_json)


@commands.command("tick")
def tick(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Date what the calendar knows now, let clocks break and escalate; run it every minute."""
    from shuzhi.act import cases

    there = opened(city)
    dated, done = there.date(), cases.tick(there.office)
    there.record()
    if as_json:
        print_json({**vars(done), "dated": dated})
    else:
        show_dated(dated)
        out.print(f"{done.broken} clocks broken, {done.escalated} escalated")


@commands.command("rehearse")
def rehearse(
    first: Annotated[str, typer.Option("--from", help="The first day, as 2026-03-01.")],
    last: Annotated[str, typer.Option("--to", help="The last day.")],
    handlers: Annotated[
        list[str] | None, typer.Option(help="How many people, as bridge=3; repeatable.")
    ] = None,
    hours: Annotated[
        list[str] | None, typer.Option(help="Working hours, as 09:00-12:00; repeatable.")
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="As 'ordinary=3 working days'; repeatable.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Do past work again with other people, hours or limits, and compare: a simulation."""
    from shuzhi.act.cases import Asked, parse_office_hours, parse_span, rehearse_staffing
    from shuzhi.kernel.ids import PartyId

    office = opened(city).office
    people = {PartyId(party): _read(int, n) for party, n in _pairs(handlers or ())}
    limits = {severity: _read(parse_span, span) for severity, span in _pairs(limit or ())}
    day = tuple(sorted(_read(parse_office_hours, text) for text in hours or ()))
    since, until = _days(first, last, office.zone)
    asked = Asked(people, day, limits)
    found = rehearse_staffing(office, since=since, until=until, asked=asked)
    if as_json:
        print_json(found)
    else:
        show_rehearsal(found)


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    return [(name.strip(), _read(str.strip, value)) for name, _, value in pairs]


def _read(read: Callable[[str], Word | None], text: str) -> Word:
    """Return what `text` says, or refuse it."""
    try:
        found = read(text)
    except ValueError:
        found = None
    if found is None or found == "" or (isinstance(found, int) and found < 0):
        raise RefusedError(
            "cli.bad_word",
            f"{text[:40]!r} cannot be read.",
            next_step="Write it as the help of the command does: shuzhi case rehearse --help.",
        )
    return found


def _days(first: str, last: str, zone: str) -> tuple[Instant, Instant]:
    """Return the start of the first day and the end of the last."""
    from datetime import date

    from shuzhi.kernel.instant import end_of_day, start_of_day

    since = start_of_day(_read(date.fromisoformat, first), zone)
    until = end_of_day(_read(date.fromisoformat, last), zone)
    if since < until:
        return since, until
    raise RefusedError(
        "cli.bad_word", f"{last} lies before {first}.", next_step="Swap the two days."
    )


def show_rehearsal(found: Rehearsal) -> None:
    """Show for each party its load as it was, as simulated, and as asked."""
    out.print(Text(f"{found.says.zh} {found.says.en}", style="bold"))
    rows = [
        (party.party, name, load.handlers, load.pieces, load.finished, load.late,
         load.open_at_end, load.most_open, load.mean_hours, load.p50_hours, load.p90_hours)
        for party in found.parties
        for name, load in (("was", party.was), ("was, simulated", party.was_simulated),
                           ("asked, simulated", party.asked))
    ]  # fmt: skip
    columns = ("party", "what", "handlers", "pieces", "finished", "late", "open at end",
               "most open", "mean hours", "half in", "nine tenths in")  # fmt: skip
    print_table(f"{found.since.date()} to {found.until.date()}", columns, rows)
    if found.assumed:
        out.print(f"The effort of {found.assumed} pieces is assumed: like others of their kind.")


def _kept(office: Office, paths: Sequence[Path]) -> tuple[EvidenceFile, ...]:
    from shuzhi.act.cases import Upload, keep_evidence

    uploads = [Upload(path.name, path.read_bytes()) for path in paths]
    most = office.most_evidence_bytes
    return tuple(keep_evidence(office.evidence_folder, u, most_bytes=most) for u in uploads)


def _actor(person: str, party: str, roles: Sequence[str]) -> Actor:
    from shuzhi.act.cases import Actor, CaseRole
    from shuzhi.kernel.ids import PartyId

    known = {role.value: role for role in CaseRole}
    return Actor(person, PartyId(party), frozenset(_chosen(known, r, "role") for r in roles))


def _verb(word: str) -> Verb:
    from shuzhi.act.cases import Verb

    return _chosen({verb.value: verb for verb in Verb}, word, "act")


def _chosen(known: Mapping[str, Word], word: str, what: str) -> Word:
    if word in known:
        return known[word]
    raise RefusedError(
        "cli.bad_word",
        f"There is no {what} {word[:40]!r}.",
        next_step=f"Choose one of: {', '.join(known)}.",
    )


def _orders(lead: str | None, helpers: Sequence[str]) -> tuple[Order, ...]:
    from shuzhi.act.cases import Order
    from shuzhi.kernel.ids import PartyId

    first = [] if lead is None else [Order(PartyId(lead), is_lead=True)]
    return (*first, *(Order(PartyId(helper), is_lead=False) for helper in helpers))


def show_stage(case: Case, *, as_json: bool) -> None:
    """Show where a case stands now."""
    if as_json:
        print_json(case)
    else:
        out.print(f"case {case.id}: {case.stage.value}, version {case.version}")


def show_file(file: CaseFile, zone: str) -> None:
    """Show a case's head and its steps."""
    held = file.case
    out.print(Text(f"case {held.id} {held.kind}: {held.title}", style="bold"))
    out.print(f"{held.stage.value}, {held.severity}, answers: {held.responsible}")
    rows = [
        (wall_clock(s.at, zone), s.verb.value, s.by, s.party, s.stage.value) for s in file.steps
    ]
    clocks = [
        (r.clock, r.round, r.state.value, r.used, r.limit, _due(r, zone)) for r in file.readings
    ]
    print_table("Clocks", ("clock", "round", "state", "used", "limit", "due"), clocks)
    print_table("What was done", ("at", "act", "by", "party", "stage after"), rows)


def _due(reading: Reading, zone: str) -> str:
    if reading.due_at is None:
        return UNDATED
    return f"{wall_clock(reading.due_at, zone)}{' (late)' if reading.is_late else ''}"
