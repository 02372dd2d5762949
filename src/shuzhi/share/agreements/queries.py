"""Questions about sharing: lists, whole files, what happened, and who refuses how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, or_, select

from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.clocks import Clock
from shuzhi.share.agreements.errors import AgreementError, unknown
from shuzhi.share.agreements.life_cycle import replay
from shuzhi.share.agreements.model import (
    IN_FORCE,
    Agreement,
    AgreementId,
    Application,
    ApplicationId,
    Matter,
    MatterKind,
    Step,
    Verb,
)
from shuzhi.share.agreements.office import SharingOffice
from shuzhi.share.agreements.store import (
    TABLES,
    agreement_of,
    agreement_table,
    application_of,
    application_table,
    find_matter,
    read_steps,
    step_of,
    step_table,
)

_MOST = 500


@dataclass(frozen=True)
class ApplicationFile:
    """An application with everything that was done about it."""

    application: Application
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class AgreementFile:
    """An agreement with everything that was done, and its ODRL policy as it was agreed."""

    agreement: Agreement
    steps: tuple[Step, ...]
    policy: dict[str, Any]


@dataclass(frozen=True)
class ProviderAnswers:
    """How a provider answered: of `asked` applications, and how many answers came too late.

    `asked` and `waiting` count those that are the provider's now, all else what it did itself.
    `refused` counts refusals (a matter that is refused, disputed and refused again counts twice);
    `upheld` and `overruled` are those that a dispute decided. `by_rank` counts refusals by the
    rank of the text that they stand on.
    """

    provider: PartyId
    asked: int
    agreed: int
    refused: int
    waiting: int
    late: int
    upheld: int
    overruled: int
    by_rank: dict[str, int]

    @property
    def refusal_share(self) -> float | None:
        """Refusals among all answers, 0 to 1; None before the first answer."""
        answers = self.agreed + self.refused
        return self.refused / answers if answers else None


def applications(
    office: SharingOffice,
    *,
    party: PartyId | None = None,
    is_open: bool | None = None,
    seen_by: frozenset[PartyId] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Application, ...]:
    """Return applications, the newest first: those of a `party` on either side, those open.

    At most `limit` (1 to 500) of those before the one numbered `before`; with `seen_by`, of those
    that have one of these parties on a side.
    """
    c = application_table.c
    where: list[ColumnElement[bool]] = []
    if party is not None:
        where.append(or_(c.applicant == party, c.provider == party))
    if seen_by is not None:
        where.append(_between(application_table, seen_by))
    if is_open is not None:
        where.append(c.is_open.is_(is_open))
    rows = _page(office, application_table, where, before, limit)
    return tuple(application_of(row) for row in rows)


def agreements(
    office: SharingOffice,
    *,
    party: PartyId | None = None,
    dataset: str | None = None,
    in_force: bool | None = None,
    seen_by: frozenset[PartyId] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Agreement, ...]:
    """Return agreements, the newest first: of a `party` on either side, about a data set.

    `seen_by` as for `applications`.
    """
    c = agreement_table.c
    where: list[ColumnElement[bool]] = []
    if party is not None:
        where.append(or_(c.assigner == party, c.assignee == party))
    if seen_by is not None:
        where.append(_between(agreement_table, seen_by))
    if dataset is not None:
        where.append(c.dataset == dataset)
    if in_force is not None:
        is_stood = c.state.in_([state.value for state in IN_FORCE])
        where.append(is_stood if in_force else ~is_stood)
    rows = _page(office, agreement_table, where, before, limit)
    return tuple(agreement_of(row) for row in rows)


def application(office: SharingOffice, number: ApplicationId) -> ApplicationFile:
    """Return the whole file of an application; `share.application_unknown` when there is none."""
    found, steps, _ = _file(office, MatterKind.APPLICATION, number)
    if isinstance(found, Application):
        return ApplicationFile(found, steps)
    raise unknown(MatterKind.APPLICATION, number)


def agreement(office: SharingOffice, number: AgreementId) -> AgreementFile:
    """Return the whole file of an agreement; `share.agreement_unknown` when there is none."""
    found, steps, policy = _file(office, MatterKind.AGREEMENT, number)
    if isinstance(found, Agreement):
        return AgreementFile(found, steps, policy)
    raise unknown(MatterKind.AGREEMENT, number)


def in_force(
    office: SharingOffice, assignee: PartyId, dataset: str, now: Instant
) -> tuple[Agreement, ...]:
    """Return the agreements by which `assignee` may have data of `dataset` at `now`."""
    c = agreement_table.c
    where = and_(c.assignee == assignee, c.dataset == dataset, c.since <= now, c.until > now)
    with office.control.transaction() as connection:
        query = select(agreement_table).where(where).order_by(c.id)
        found = [agreement_of(row) for row in connection.execute(query).mappings()]
    return tuple(agreement for agreement in found if agreement.in_force(now))


def replayed(office: SharingOffice, kind: MatterKind, number: int) -> Matter:
    """Return what the history of a matter makes of it; it equals the stored state."""
    _, steps, _ = _file(office, kind, number)
    return replay(steps, office.time)


def steps_since(
    office: SharingOffice, last: int, *, limit: int = _MOST
) -> tuple[tuple[int, Step], ...]:
    """Return the steps of all matters after the one numbered `last`, oldest first."""
    query = select(step_table).where(step_table.c.id > last).order_by(step_table.c.id).limit(limit)
    with office.control.transaction() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple((row["id"], step_of(row)) for row in rows)


def newest_step(
    control: Control, *, seen_by: frozenset[PartyId] | None = None, after: int = 0
) -> int:
    """Return the number of the newest step past `after`, 0 for none; `seen_by` as for lists."""
    c = step_table.c
    query = select(func.max(c.id)).where(c.id > after)
    if seen_by is not None:
        query = query.where(
            or_(
                *(
                    and_(
                        c.kind == kind.value,
                        c.matter.in_(select(table.c.id).where(_between(table, seen_by))),
                    )
                    for kind, table in TABLES.items()
                )
            )
        )
    with control.transaction() as connection:
        return connection.scalar(query) or 0


def _between(table: Table, parties: frozenset[PartyId]) -> ColumnElement[bool]:
    """Return the condition that one of `parties` stands on a side of a matter."""
    c, ids = table.c, sorted(parties)
    if table is application_table:
        return or_(c.applicant.in_(ids), c.provider.in_(ids))
    return or_(c.assigner.in_(ids), c.assignee.in_(ids))


def refusal_statistics(office: SharingOffice) -> tuple[ProviderAnswers, ...]:
    """Return how each provider answered, the most refusals first."""
    c = step_table.c
    verbs = (Verb.AGREE, Verb.REFUSE, Verb.DECIDE, Verb.BREAK_CLOCK)
    query = select(step_table).where(
        c.kind == MatterKind.APPLICATION.value, c.verb.in_([verb.value for verb in verbs])
    )
    with office.control.transaction() as connection:
        heads = connection.execute(select(application_table)).mappings().all()
        steps = [step_of(row) for row in connection.execute(query).mappings()]
    known = {row["id"]: application_of(row) for row in heads}
    providers = {a.provider for a in known.values() if a.provider is not None}
    providers |= {party for step in steps if (party := _late_with_answer(step)) is not None}
    found = [_answers(p, known, steps) for p in sorted(providers)]
    return tuple(sorted(found, key=lambda a: (-a.refused, a.provider)))


def _answers(
    provider: PartyId, known: dict[int, Application], steps: Sequence[Step]
) -> ProviderAnswers:
    mine = {number: a for number, a in known.items() if a.provider == provider}
    # Of a demand that went on to another, each has done what was theirs.
    done = [step for step in steps if step.party == provider]
    counts = Counter(step.verb for step in done)
    disputes = (s for s in steps if s.verb is Verb.DECIDE and s.matter in mine)
    decided = Counter(step.facts["is_ordered"] for step in disputes)
    refusals = [step.facts["refused"]["basis"] for step in done if step.verb is Verb.REFUSE]
    return ProviderAnswers(
        provider,
        len(mine),
        counts[Verb.AGREE],
        counts[Verb.REFUSE],
        sum(a.is_open for a in mine.values()),
        sum(_late_with_answer(step) == provider for step in steps),
        decided[False],
        decided[True],
        dict(Counter(str(basis["rank"]) for basis in refusals)),
    )


def _late_with_answer(step: Step) -> PartyId | None:
    """Return who did not answer in time, as a step tells; None for any other step."""
    is_late = step.verb is Verb.BREAK_CLOCK and step.facts["clock"] == Clock.ANSWER
    return PartyId(step.facts["party"]) if is_late else None


def _file(
    office: SharingOffice, kind: MatterKind, number: int
) -> tuple[Matter, tuple[Step, ...], dict[str, Any]]:
    policy: dict[str, Any] = {}
    with office.control.transaction() as connection:
        found = find_matter(connection, kind, number)
        if found is None:
            raise unknown(kind, number)
        if kind is MatterKind.AGREEMENT:
            table = TABLES[kind]
            policy = connection.execute(
                select(table.c.policy).where(table.c.id == number)
            ).scalar_one()
        return found, read_steps(connection, kind, number), policy


def _page(
    office: SharingOffice,
    table: Table,
    where: list[ColumnElement[bool]],
    before: int | None,
    limit: int,
) -> list[Any]:
    if not 1 <= limit <= _MOST:
        raise AgreementError(
            "share.bad_page",
            f"A page has 1 to {_MOST} of them, not {limit}.",
            next_step="Ask for several pages.",
        )
    if before is not None:
        where = [*where, table.c.id < before]
    query = select(table).where(*where).order_by(table.c.id.desc()).limit(limit)
    with office.control.transaction() as connection:
        return list(connection.execute(query).mappings().all())
