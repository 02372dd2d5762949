"""What one asker may ask under one agreement now: decided by access once, held for a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from shuzhi.gather.contracts import LogicalType, table_named
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    DatasetFacts,
    Form,
    Grant,
    Refusal,
    Request,
    User,
    decide,
)
from shuzhi.share.access.conditions import terms as condition_terms
from shuzhi.share.access.masks import KEEP
from shuzhi.share.access.reasons import refused as access_refused
from shuzhi.share.agreements import AgreementId, agreement, grants
from shuzhi.share.catalogue import entry
from shuzhi.share.receipts import Delivered, Left, stopped_subjects
from shuzhi.share.receipts.many import Alike
from shuzhi.share.verification.answering import Found
from shuzhi.share.verification.comparing import Likeness, Test, fits, test_of
from shuzhi.share.verification.declared import Terms, Verifiable
from shuzhi.share.verification.fishing import HeldBack
from shuzhi.share.verification.model import AsOf, Claim, How
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.parts import Key, key_of
from shuzhi.share.verification.rates import Pace, paces_of
from shuzhi.share.verification.shown import answer_bytes
from shuzhi.share.verification.store import Finding, read_tally, standing_findings
from shuzhi.share.verification.words import refused

_NONE = "0" * 64
# The stores have no number as large as this.
_NO_NUMBER = 2**63
_SUBJECT_KIND, _ANY_KIND = "subjectKind", "subject"


class Asking(NamedTuple):
    """Who asks, for what: as much of a question as access decides on."""

    user: User
    agreement: int
    role: str
    purpose: str


@dataclass(frozen=True)
class Permit:
    """What may be asked, and how; `kind` is what the subjects are (person, company).

    Rows of the subjects in `stopped`, who objected with success, are as if they were not there.
    """

    asking: Asking
    grant: Grant
    contract_version: str
    kind: str
    verifiable: Verifiable
    terms: Terms
    columns: Mapping[str, tuple[LogicalType, frozenset[How]]]
    refusals: Mapping[str, Refusal]
    findings: tuple[Finding, ...]
    stopped: frozenset[Key] = frozenset()
    _alike: dict[tuple[tuple[str, ...], int], Alike] = field(default_factory=dict)
    _bodies: dict[tuple[Any, ...], tuple[bytes, str]] = field(default_factory=dict)

    @cached_property
    def likeness(self) -> Likeness:
        """When names are alike."""
        names = self.terms.limits.names
        return Likeness(names.same_at, names.near_at) if names else Likeness(100, 100)

    @cached_property
    def held_back(self) -> HeldBack:
        """What is held back, as far as it was known when the permit was given."""
        return HeldBack(finding.what for finding in self.findings)

    @cached_property
    def paces(self) -> dict[tuple[int, str], Pace]:
        """How fast may be asked, by all under the agreement and by who has the permit."""
        number, is_slowed = self.asking.agreement, self.held_back.is_slowed
        paces = paces_of(self.terms.limits, self.asking.user.id, is_slowed=is_slowed)
        return {(number, name): pace for name, pace in paces.items()}

    def receipt(self, columns: tuple[str, ...], version: int) -> Alike:
        """Return what receipts of questions about these columns have in common."""
        known = self._alike.get((columns, version))
        if known is None:
            known = self._alike[columns, version] = Alike(self._delivered(columns, version))
        return known

    def body(self, columns: tuple[str, ...], found: Found, as_of: AsOf) -> tuple[bytes, str]:
        """Return an answer as it leaves, and its hash: few of them differ."""
        name = (columns, found.told, found.verdicts, as_of.version)
        known = self._bodies.get(name)
        if known is None:
            body = answer_bytes(columns, found.told, found.verdicts, as_of)
            known = self._bodies[name] = (body, sha256(body).hexdigest())
        return known

    def _delivered(self, columns: tuple[str, ...], version: int) -> Delivered:
        """Return what leaves when somebody asks about columns; its counts are of one question."""
        grant, asking = self.grant, self.asking
        return Delivered(
            AgreementId(asking.agreement),
            grant.assigner,
            grant.assignee,
            asking.user.id,
            asking.role,
            asking.purpose,
            grant.dataset,
            self.contract_version,
            version,
            columns,
            {},
            rows=1,
            size_bytes=0,
            sha256=_NONE,
            left=Left.YES_NO,
            media="application/json",
        )

    def tests(self, claims: Sequence[Claim]) -> list[Test] | Refusal:
        """Return the test of each claim, or why they may not be asked.

        Raises:
            VerificationError: `share.bad_claim`.
        """
        tests = []
        for claim in claims:
            test = self.test(claim)
            if isinstance(test, Refusal):
                return test
            tests.append(test)
        return tests

    def test(self, claim: Claim) -> Test | Refusal:
        """Return the test of one claim, or why it may not be asked. Raises as `tests`."""
        known = self.columns.get(claim.column)
        if known is None:
            return self.refusals.get(claim.column) or access_refused(
                "column_not_granted", claim.column
            )
        kind, hows = known
        if claim.how not in hows or not fits(claim.how, kind):
            return refused("comparison_not_allowed", f"{claim.column}: {claim.how.value}")
        return test_of(claim, kind, self.likeness)


def permit_of(office: VerificationOffice, asking: Asking, now: Instant) -> Permit | Refusal:
    """Return what may be asked at `now`, or why nothing.

    Raises:
        RefusedError: `gather.no_contract`, `share.entry_unknown`.
    """
    grant = _grant(office, asking, now)
    if grant is None:
        return access_refused("no_grant")
    if grant.form is Form.AGGREGATE:
        return refused("form_not_verifiable")
    verifiable = office.declared.datasets.get(grant.dataset)
    if verifiable is None:
        return refused("not_verifiable", grant.dataset)
    if grant.subject not in (None, verifiable.subject):
        return refused("wrong_subject", verifiable.subject)
    asked, findings = _past(office, asking.agreement, now)
    facts, kind = _described(office, grant.dataset, verifiable.subject)
    request = Request(asking.user, asking.role, asking.purpose, grant.dataset, now, asked=asked)
    allowed = decide(grant, request, facts, office.masks)
    if isinstance(allowed, Refusal):
        return allowed
    for term in condition_terms(grant.rows):
        if term.column not in verifiable.wanted.columns:
            return access_refused("condition_unfit", term.column)
    columns, refusals = _columns(allowed, verifiable)
    return Permit(
        asking,
        grant,
        facts.contract_version,
        kind,
        verifiable,
        office.declared.terms(asking.agreement),
        columns,
        refusals,
        findings,
        _stopped(office, asking.agreement, kind),
    )


def _grant(office: VerificationOffice, asking: Asking, now: Instant) -> Grant | None:
    """Return the grant of the agreement that the question names, if it is the asker's."""
    if not 0 < asking.agreement < _NO_NUMBER:
        return None
    try:
        held = agreement(office.sharing, AgreementId(asking.agreement)).agreement
    except RefusedError:
        # Whether there is such an agreement is nobody's business who is not its user.
        return None
    party, name = asking.user.party, f"agreement:{held.id}"
    if held.terms.assignee != party:
        return None
    found = grants(office.sharing, party, held.terms.dataset, now)
    return next((grant for grant in found if grant.id == name), None)


def _past(
    office: VerificationOffice, agreement: int, now: Instant
) -> tuple[int, tuple[Finding, ...]]:
    """Return how often was asked under an agreement, and the findings that last."""
    with office.sharing.control.transaction() as connection:
        tally = read_tally(connection, agreement, office.today(now))
        return tally.asked, standing_findings(connection, agreement, now)


def _stopped(office: VerificationOffice, agreement: int, kind: str) -> frozenset[Key]:
    """Return the hashes of the subjects of a kind whose rows an agreement must not use."""
    found = stopped_subjects(office.receipts, AgreementId(agreement))
    secret = office.indexes.secret
    return frozenset(key_of(secret, subject) for of_kind, subject in found if of_kind == kind)


def _described(office: VerificationOffice, dataset: str, subject: str) -> tuple[DatasetFacts, str]:
    """Return a data set as contract and catalogue have it now, and what its subjects are."""
    contract, table = table_named(office.sharing.control, dataset)
    grade = entry(office.sharing.control, dataset).entry.grade
    facts = DatasetFacts.of(table, contract_version=contract.version, grade=grade or "")
    kinds = (f.properties.get(_SUBJECT_KIND) for f in table.fields if f.name == subject)
    return facts, str(next(kinds, None) or _ANY_KIND)


def _columns(
    allowed: Allowed, verifiable: Verifiable
) -> tuple[dict[str, tuple[LogicalType, frozenset[How]]], dict[str, Refusal]]:
    """Return the columns that may be asked about, and why others of the grant may not."""
    columns: dict[str, tuple[LogicalType, frozenset[How]]] = {}
    refusals = {name: access_refused("no_mask_rule", name) for name in allowed.withheld}
    for column in allowed.columns:
        hows = verifiable.columns.get(column.name)
        if hows is None:
            refusals[column.name] = refused("column_not_verifiable", column.name)
        elif column.mask != KEEP:
            # To compare the whole value would tell more than the mask lets show.
            refusals[column.name] = access_refused("masked_condition", column.name)
        else:
            columns[column.name] = (column.logical_type, hows)
    return columns, refusals
