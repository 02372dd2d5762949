"""Values that a form need not ask: read for its owner, inside of what the owner may see.

Every value comes through the one decision of access, by an agreement of the form's owner or from
its own data; what is shown masked is not filled in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from sqlglot import exp

from shuzhi.gather.contracts import Contract, LogicalType, Table, table_named
from shuzhi.gather.lake import Lake
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    DatasetFacts,
    Grant,
    Keep,
    MaskTable,
    Operator,
    Refusal,
    Request,
    Term,
    User,
    ask,
    decide,
)
from shuzhi.share.agreements import AgreementId, grants
from shuzhi.share.agreements.errors import optional_text
from shuzhi.share.catalogue import entry
from shuzhi.share.forms.holdings import columns_with
from shuzhi.share.forms.model import Form, FormId, Judgement, Reach, Registered, Verdict
from shuzhi.share.forms.office import FormsOffice
from shuzhi.share.forms.own import own_grant
from shuzhi.share.forms.receipting import AGREEMENT, FilledIn, Left, record_filled_in
from shuzhi.share.forms.use_cases import registered
from shuzhi.share.receipts import (
    ReceiptOffice,
    stopped_subjects,
    subject_columns,
    without_objectors,
)

_NO_SUBJECT, _BAD_SUBJECT = "no_subject_column", "subject_unfit"
_MASKED, _NOTHING, _SEVERAL, _NOT_STORED = "masked", "not_found", "several_values", "not_stored"


@dataclass(frozen=True)
class Reading:
    """Where values are read, through which masks, and where their receipts are kept."""

    lake: Lake
    masks: MaskTable
    receipts: ReceiptOffice


@dataclass(frozen=True)
class Prefilled:
    """A field with the value that is held, or `reason` why there is none (empty: there is one).

    `version` is that of the data set that it was read from, `at` when that was written;
    `grant` names the agreement. `verdict` says whether the value is only to be confirmed, or
    not asked at all. The reasons are those of access, and `no_subject_column`, `subject_unfit`,
    `masked`, `not_found`, `several_values`, `not_stored`.
    """

    field: str
    verdict: Verdict
    dataset: str
    column: str
    provider: PartyId | None
    value: object = None
    reason: str = ""
    version: int | None = None
    at: Instant | None = None
    grant: str | None = None


def prefill(
    office: FormsOffice, reading: Reading, form: FormId, subject: str, *, user: User
) -> tuple[Prefilled, ...]:
    """Return what is held of `subject` for the fields of a form that are not to be typed.

    Every value that another party's agreement lets out has its receipt before this returns. `user`
    asks in the name of the form's owner, in the form's role and for its purpose.

    Raises:
        FormError: `share.form_unknown`; AgreementError: `share.bad_text`.
        RefusedError: as `agreements.grants`, `table_named`; BrokenError as `access.ask` and
            `record_receipt`.
    """
    held, subject = registered(office, form), optional_text(subject, "The subject")
    wanted: dict[str, list[Judgement]] = {}
    for met in held.judgements:
        if met.verdict in (Verdict.TAKE, Verdict.CONFIRM) and met.dataset is not None:
            wanted.setdefault(met.dataset, []).append(met)
    found = {
        value.field: value
        for dataset, judgements in wanted.items()
        for value in _Lookup(office, reading, held, user, dataset).values(judgements, subject)
    }
    return tuple(found[f.name] for f in held.form.fields if f.name in found)


@dataclass(frozen=True)
class _Lookup:
    """Looks up one subject in one data set for one form."""

    office: FormsOffice
    reading: Reading
    held: Registered
    user: User
    dataset: str

    def values(self, judgements: list[Judgement], subject: str) -> Iterator[Prefilled]:
        """Yield a value or a reason for each of the fields."""
        contract, table = table_named(self.office.control, self.dataset)
        keys = columns_with(table, self.held.form.subject or "")
        bare = [_bare(met) for met in judgements]
        if not keys:
            yield from (replace(each, reason=_NO_SUBJECT) for each in bare)
            return
        term = _term(table, keys[0], subject)
        if term is None:
            yield from (replace(each, reason=_BAD_SUBJECT) for each in bare)
            return
        found = [self._read(each, term, contract, table) for each in bare]
        provider = next((each.provider for each in bare if each.provider), PartyId(""))
        what = FilledIn(
            self.held.form, self.user, provider, contract, table, keys[0], str(*term.values)
        )
        left = [
            Left(each.grant, each.version, each.column, each.value)
            for each in found
            if each.grant is not None and each.version is not None and not each.reason
        ]
        record_filled_in(self.reading.receipts, what, left)
        yield from found

    def _read(self, bare: Prefilled, term: Term, contract: Contract, table: Table) -> Prefilled:
        decided = self._decided(bare, term, contract, table)
        if isinstance(decided, Refusal):
            return replace(bare, reason=decided.reason)
        column = next(c for c in decided.columns if c.name == bare.column)
        if not isinstance(column.mask, Keep):
            return replace(bare, reason=_MASKED)
        lake = self.reading.lake
        if not lake.exists(self.dataset):
            return replace(bare, reason=_NOT_STORED)
        version = lake.version(self.dataset)
        sql, at_version = _sql(self.dataset, bare.column), {str(self.dataset): version}
        answer = ask(lake, [decided], sql, city_key=b"", versions=at_version)
        if isinstance(answer, Refusal):
            return replace(bare, reason=answer.reason)
        at = lake.committed_at(self.dataset, version)
        return _told(replace(bare, version=version, at=at, grant=decided.grant.id), answer)

    def _decided(
        self, bare: Prefilled, term: Term, contract: Contract, table: Table
    ) -> Allowed | Refusal:
        form, office = self.held.form, self.office
        now = office.now()
        grade = entry(office.control, self.dataset).entry.grade
        facts = DatasetFacts.of(table, contract_version=contract.version, grade=grade or "")
        columns = tuple(dict.fromkeys((term.column, bare.column)))
        request = Request(self.user, form.role, form.purpose, table.name, now, columns, rows=term)
        tried: Allowed | Refusal = decide(None, request, facts, self.reading.masks)
        for grant in self._grants(bare, form, contract, table, now):
            tried = decide(grant, request, facts, self.reading.masks)
            if isinstance(tried, Allowed):
                return self._without_objectors(tried, table)
        return tried

    def _without_objectors(self, allowed: Allowed, table: Table) -> Allowed:
        grant = allowed.grant.id
        if not grant.startswith(AGREEMENT):
            # What a party reads of its own data leaves nowhere.
            return allowed
        number = AgreementId(int(grant.removeprefix(AGREEMENT)))
        stopped = stopped_subjects(self.reading.receipts, number)
        columns = subject_columns(table, allowed.grant.subject)
        return without_objectors(
            stopped, columns, allowed, {f.name: f.logical_type for f in table.fields}
        )

    def _grants(
        self, bare: Prefilled, form: Form, contract: Contract, table: Table, now: Instant
    ) -> tuple[Grant, ...]:
        met = self.held.judgement(bare.field)
        if met.reach is Reach.OWN and form.purpose and form.role:
            purpose, role = form.purpose, form.role
            return (own_grant(form.owner, contract, table, purpose=purpose, role=role, now=now),)
        return grants(self.office.sharing, form.owner, self.dataset, now)


def _bare(met: Judgement) -> Prefilled:
    return Prefilled(met.field, met.verdict, met.dataset or "", met.column or "", met.provider)


def _term(table: Table, key: str, subject: str) -> Term | None:
    kind = table.field(key).logical_type
    value: Any = subject
    if kind is LogicalType.INTEGER:
        if not subject.removeprefix("-").isdecimal():
            return None
        value = int(subject)
    term = Term(key, Operator.ONE_OF, (value,))
    return None if term.problem(kind) else term


def _sql(dataset: str, column: str) -> str:
    shown = exp.column(exp.to_identifier(column, quoted=True))
    table = exp.Table(this=exp.to_identifier(dataset, quoted=True))
    return exp.select(shown).distinct().from_(table).limit(2).sql("duckdb")


def _told(found: Prefilled, answer: pa.Table) -> Prefilled:
    values = [value for value in answer.column(0).to_pylist() if value is not None]
    if len(values) == 1 and answer.num_rows == 1:
        return replace(found, value=values[0])
    return replace(found, reason=_SEVERAL if values else _NOTHING)
