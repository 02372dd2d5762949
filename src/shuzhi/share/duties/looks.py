"""The looks: each goes through what the platform holds and yields what is not as it has to be.

None changes anything, so that looking twice sees the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from shuzhi.gather.contracts import InService, in_service
from shuzhi.kernel.deadlines import due_day
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, end_of_day
from shuzhi.share.agreements import Agreement, Clock, agreements
from shuzhi.share.catalogue import CatalogueError, Entry, Record, entry, records, stale_from
from shuzhi.share.duties.lateness import late, late_doubts
from shuzhi.share.duties.model import Seen
from shuzhi.share.duties.office import DutiesOffice
from shuzhi.share.forms import FormId, Standing, all_sources, asked_twice, registered

Look = Callable[[DutiesOffice], Iterator[Seen]]
_UPDATE = "catalogue_update"
# What the catalogue finds wrong with an entry that holds data back without saying on what ground.
_GROUNDLESS = frozenset({"no_condition", "no_legal_basis", "weak_legal_basis"})


def missing(office: DutiesOffice) -> Iterator[Seen]:
    """Yield data sets that a contract answers for and no entry of the catalogue describes."""
    for stands in in_service(office.control):
        party = stands.contract.properties.get("provider")
        for table in stands.contract.tables:
            if isinstance(party, str) and _record(office, table.name) is None:
                yield Seen(PartyId(party), f"dataset:{table.name}", stands.since)


def behind(office: DutiesOffice) -> Iterator[Seen]:
    """Yield entries that describe an older contract than the one in service, after the time."""
    for stands in in_service(office.control):
        for table in stands.contract.tables:
            found = _record(office, table.name)
            if found is not None and found.entry.contract_version != stands.contract.version:
                yield from _behind(office, found.entry, stands)


def stale(office: DutiesOffice) -> Iterator[Seen]:
    """Yield local data sets that are older than the cycle that the catalogue promises."""
    now = office.now()
    for each in records(office.control):
        found, lake = each.entry, office.lake
        if found.provider.id is None or not found.is_local or not lake.exists(found.id):
            continue
        newest = lake.committed_at(found.id, lake.version(found.id))
        since = stale_from(found.cycle, newest)
        if since is not None and since < now:
            facts = {"cycle": str(found.cycle), "newest": newest.isoformat()}
            yield Seen(found.provider.id, f"dataset:{found.id}", since, None, facts)


def conditions(office: DutiesOffice) -> Iterator[Seen]:
    """Yield entries that hold data back without a condition or a legal basis that is enough.

    Local ones are refused by the catalogue; these came from another one.
    """
    for each in records(office.control):
        why = [str(finding) for finding in each.findings if finding.code in _GROUNDLESS]
        party = each.entry.provider.id
        if party is not None and why:
            yield Seen(party, f"dataset:{each.entry.id}", each.changed_at, None, {"why": why})


def changed(office: DutiesOffice) -> Iterator[Seen]:
    """Yield agreements in force whose data are gone, or come by another contract than agreed."""
    served = {str(t.name): s for s in in_service(office.control) for t in s.contract.tables}
    for agreement in _in_force(office):
        stands = served.get(agreement.terms.dataset)
        if stands is None:
            yield _changed(agreement, agreement.made_at, "no contract answers for the data")
        elif _major(stands.contract.version) != _major(agreement.terms.contract_version):
            yield _changed(agreement, stands.since, f"the contract is {stands.contract.version}")


def repeated(office: DutiesOffice) -> Iterator[Seen]:
    """Yield what a party's form asks that a form of another asked before."""
    for repeat in asked_twice(office.forms):
        files = [(registered(office.forms, FormId(form)), owner) for form, owner, _ in repeat.asks]
        first = min(files, key=lambda each: each[0].registered_at)
        for held, owner in files:
            if owner != first[1]:
                facts = {"datum": repeat.datum, "asked_by": first[1], "form": first[0].form.id}
                subject = f"form:{held.form.id}:{repeat.datum}"[:300]
                yield Seen(owner, subject, held.registered_at, None, facts)


def undecided(office: DutiesOffice) -> Iterator[Seen]:
    """Yield data with several sources of which the authority named none as the lead."""
    by_datum: dict[str, list[tuple[Standing, PartyId, Instant]]] = {}
    for source in all_sources(office.control):
        row = (source.standing, source.party, source.since)
        by_datum.setdefault(source.datum, []).append(row)
    for datum, rows in by_datum.items():
        if len(rows) > 1 and all(standing is not Standing.LEAD for standing, _, _ in rows):
            since = sorted(at for _, _, at in rows)[1]
            facts = {"sources": sorted(party for _, party, _ in rows)}
            yield Seen(office.sharing.authority, datum, since, None, facts)


def _clock(clock: Clock, office: DutiesOffice) -> Iterator[Seen]:
    yield from late(office.sharing, clock)


LOOKS: Mapping[str, Look] = {
    "catalogue.missing": missing,
    "catalogue.behind": behind,
    "catalogue.stale": stale,
    "catalogue.conditions": conditions,
    "agreement.changed": changed,
    "forms.repeated": repeated,
    "sources.undecided": undecided,
    "doubt.late": lambda office: late_doubts(office.corrections),
    **{
        f"clock.{clock.value}": partial(_clock, clock)
        for clock in (
            Clock.ANSWER,
            Clock.PROVISION,
            Clock.DISPOSAL,
            Clock.ASSIGNMENT,
            Clock.MEDIATION,
            Clock.DECISION,
        )
    },
}


def _record(office: DutiesOffice, dataset: str) -> Record | None:
    try:
        found = entry(office.control, dataset)
    except CatalogueError:
        return None
    return None if found.is_withdrawn else found


def _behind(office: DutiesOffice, found: Entry, stands: InService) -> Iterator[Seen]:
    time = office.sharing.time
    try:
        term = time.term(_UPDATE, stands.since)
        last = due_day(time.calendar, stands.since, term.days, time.zone)
    except RefusedError:
        # No number of days is in force, or the calendar of that year is not known yet.
        return
    due = end_of_day(last, time.zone)
    if found.provider.id is not None and due <= office.now():
        facts = {"stands": found.contract_version, "in_service": stands.contract.version}
        yield Seen(found.provider.id, f"dataset:{found.id}", due, None, facts)


def _in_force(office: DutiesOffice) -> Iterator[Agreement]:
    before: int | None = None
    while found := agreements(office.sharing, in_force=True, before=before, limit=500):
        yield from found
        before = int(found[-1].id)


def _changed(agreement: Agreement, since: Instant, why: str) -> Seen:
    facts = {"agreed": agreement.terms.contract_version, "why": why}
    return Seen(agreement.terms.assigner, f"agreement:{agreement.id}", since, None, facts)


def _major(version: str) -> str:
    return version.partition(".")[0]
