"""The tables of applications and agreements: each as it is now, and every step that was taken.

The steps are the truth. A head keeps the whole state as JSON, and in columns what is asked for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.agreements.clocks import has_no_deadline, next_at
from shuzhi.share.agreements.model import (
    Agreement,
    AgreementId,
    Application,
    ApplicationId,
    Matter,
    MatterKind,
    Step,
    Verb,
)
from shuzhi.share.agreements.plain import plain, unplain

application_table = Table(
    "sharing_application",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("applicant", String(120), nullable=False),
    Column("provider", String(120)),
    Column("dataset", String(300)),
    Column("submitted_at", InstantColumn, nullable=False),
    # When a clock has to act; a clock may also wait for the calendar of its year.
    Column("next_at", InstantColumn, index=True),
    Column("has_no_deadline", Boolean, nullable=False),
    Column("content", JSON, nullable=False),
    Index("ix_sharing_application_applicant", "applicant", "is_open"),
    Index("ix_sharing_application_provider", "provider", "state"),
    sqlite_autoincrement=True,
)

agreement_table = Table(
    "sharing_agreement",
    metadata,
    Column("id", RowId, primary_key=True),
    # One consent makes one agreement.
    Column("application", RowId, ForeignKey(application_table.c.id), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("assigner", String(120), nullable=False, index=True),
    Column("assignee", String(120), nullable=False),
    Column("dataset", String(300), nullable=False),
    Column("since", InstantColumn, nullable=False),
    Column("until", InstantColumn, nullable=False),
    Column("next_at", InstantColumn, index=True),
    Column("has_no_deadline", Boolean, nullable=False),
    Column("content", JSON, nullable=False),
    # The ODRL policy as it was agreed, never written again.
    Column("policy", JSON, nullable=False),
    Index("ix_sharing_agreement_assignee", "assignee", "dataset", "state"),
    sqlite_autoincrement=True,
)

step_table = Table(
    "sharing_step",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("matter", RowId, nullable=False),
    Column("number", Integer, nullable=False),
    Column("verb", String(20), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("by", String(120), nullable=False),
    Column("party", String(120)),
    Column("state", String(16), nullable=False),
    Column("facts", JSON, nullable=False),
    # A request that comes twice, as after a crash, is known by this.
    Column("origin", String(200), unique=True),
    UniqueConstraint("kind", "matter", "number"),
    sqlite_autoincrement=True,
)

TABLES = {MatterKind.APPLICATION: application_table, MatterKind.AGREEMENT: agreement_table}
_KINDS = {MatterKind.APPLICATION: Application, MatterKind.AGREEMENT: Agreement}
_CONTENTS = {
    kind: select(table.c.content).where(table.c.id == bindparam("matter"))
    for kind, table in TABLES.items()
}
_READ = {kind: Prepared(query) for kind, query in _CONTENTS.items()}
_HELD = {kind: Prepared(query.with_for_update()) for kind, query in _CONTENTS.items()}


def insert_application(connection: Connection, application: Application) -> ApplicationId:
    """Write a new application and return its id; its own is ignored."""
    made = insert(application_table).values(**_application_row(application))
    found = connection.execute(made.returning(application_table.c.id))
    return ApplicationId(found.scalar_one())


def insert_agreement(connection: Connection, agreement: Agreement) -> AgreementId:
    """Write a new agreement, its policy to follow, and return its id; its own is ignored."""
    made = insert(agreement_table).values(**_agreement_row(agreement), policy={})
    found = connection.execute(made.returning(agreement_table.c.id))
    return AgreementId(found.scalar_one())


def put_policy(connection: Connection, agreement: AgreementId, policy: dict[str, Any]) -> None:
    """Keep the policy of an agreement that was just made."""
    where = agreement_table.c.id == agreement
    connection.execute(update(agreement_table).where(where).values(policy=policy))


def write_matter(connection: Connection, matter: Matter) -> None:
    """Write an application or agreement that is there already as it is now."""
    if isinstance(matter, Application):
        table, row = application_table, _application_row(matter)
    else:
        table, row = agreement_table, _agreement_row(matter)
    connection.execute(update(table).where(table.c.id == matter.id).values(**row))


def append_step(connection: Connection, step: Step) -> None:
    """Write a step at the end of its matter's history."""
    connection.execute(
        insert(step_table).values(
            kind=step.kind.value,
            matter=step.matter,
            number=step.number,
            verb=step.verb.value,
            at=step.at,
            by=step.by,
            party=step.party,
            state=step.state,
            facts=step.facts,
            origin=step.origin,
        )
    )


def find_matter(
    connection: Connection, kind: MatterKind, matter: int, *, lock: bool = False
) -> Matter | None:
    """Return a matter; with `lock` nobody else changes it until the transaction ends."""
    rows = (_HELD if lock else _READ)[kind].rows(connection, {"matter": matter})
    return unplain(_KINDS[kind], {**rows[0][0], "id": matter}) if rows else None


def read_steps(
    connection: Connection, kind: MatterKind, matter: int, *, after: int = 0
) -> tuple[Step, ...]:
    """Return the history of a matter, oldest first, from the step after `after` on."""
    c = step_table.c
    where = (c.kind == kind.value, c.matter == matter, c.number > after)
    rows = connection.execute(select(step_table).where(*where).order_by(c.number)).mappings()
    return tuple(step_of(row) for row in rows)


def known_origin(connection: Connection, origin: str) -> int | None:
    """Return the matter that the request with this origin made; None when it is new."""
    query = select(step_table.c.matter).where(step_table.c.origin == origin)
    return connection.execute(query).scalar_one_or_none()


def application_of(row: RowMapping) -> Application:
    """Return the application of its row."""
    return unplain(Application, {**row["content"], "id": row["id"]})


def agreement_of(row: RowMapping) -> Agreement:
    """Return the agreement of its row."""
    return unplain(Agreement, {**row["content"], "id": row["id"]})


def step_of(row: RowMapping) -> Step:
    """Return the step of its row."""
    party = row["party"]
    return Step(
        MatterKind(row["kind"]),
        row["matter"],
        row["number"],
        Verb(row["verb"]),
        row["at"],
        row["by"],
        None if party is None else PartyId(party),
        row["state"],
        row["facts"],
        row["origin"],
    )


def _application_row(application: Application) -> dict[str, Any]:
    return {
        "state": application.state.value,
        "is_open": application.is_open,
        "applicant": application.applicant,
        "provider": application.provider,
        "dataset": application.asked.dataset,
        "submitted_at": application.submitted_at,
        **_clock_row(application),
    }


def _agreement_row(agreement: Agreement) -> dict[str, Any]:
    terms = agreement.terms
    return {
        "application": agreement.application,
        "state": agreement.state.value,
        "assigner": terms.assigner,
        "assignee": terms.assignee,
        "dataset": terms.dataset,
        "since": terms.since,
        "until": terms.until,
        **_clock_row(agreement),
    }


def _clock_row(matter: Matter) -> dict[str, Any]:
    return {
        "next_at": next_at(matter.runs),
        "has_no_deadline": has_no_deadline(matter.runs),
        "content": plain(matter),
    }
