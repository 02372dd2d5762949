"""An agreement as an ODRL policy (Agreement), bound to a version of its data contract.

Columns and rows are left operands of a profile of our own; all else is ODRL's own vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Form
from shuzhi.share.agreements.model import AgreementId, RowTerm, Terms
from shuzhi.share.agreements.odrl import (
    Constraint,
    Operator,
    Policy,
    PolicyKind,
    Request,
    Rule,
    RuleKind,
    World,
)
from shuzhi.share.agreements.odrl.model import AnyConstraint
from shuzhi.share.agreements.plain import canonical

PROFILE = "urn:shuzhi:odrl:sharing:1"
COLUMN, ROW, GROUP = (f"urn:shuzhi:odrl:{word}" for word in ("column", "row", "minimumGroup"))
# What the form of an agreement lets its user do (ODRL Vocabulary 2.2).
_ACTIONS = {Form.ROWS: "use", Form.AGGREGATE: "aggregate", Form.YES_NO: "aggregate"}
# Never passed on, and not linked with other data beyond the purpose (Art 25).
_FORBIDDEN = ("distribute", "transfer")


@dataclass(frozen=True)
class Names:
    """The addresses by which others know the parties and data sets of a city."""

    address: str

    def party(self, party: str) -> str:
        """Return the address of a party."""
        return f"{self.address.rstrip('/')}/parties/{party}"

    def dataset(self, dataset: str) -> str:
        """Return the address of a data set."""
        return f"{self.address.rstrip('/')}/datasets/{dataset}"

    def agreement(self, agreement: AgreementId) -> str:
        """Return the address of an agreement."""
        return f"{self.address.rstrip('/')}/agreements/{agreement}"


def policy_of(agreement: AgreementId, terms: Terms, names: Names) -> Policy:
    """Return the policy that says in ODRL what `terms` say."""
    uid, asked = names.agreement(agreement), terms.asked
    sides = (names.dataset(terms.dataset), names.party(terms.assigner), names.party(terms.assignee))
    dispose = Rule(RuleKind.DUTY, f"{uid}#dispose", "delete", *sides, (_after(terms),))
    permission = Rule(
        RuleKind.PERMISSION,
        f"{uid}#use",
        _ACTIONS[asked.form],
        *sides,
        tuple(_constraints(terms, names)),
    )
    forbidden = [
        Rule(RuleKind.PROHIBITION, f"{uid}#{action}", action, *sides) for action in _FORBIDDEN
    ]
    contract = f"urn:shuzhi:contract:{terms.contract_name}:{terms.contract_version}"
    rules = (permission, *forbidden, dispose)
    return Policy(uid, PolicyKind.AGREEMENT, rules, "prohibit", (PROFILE,), (contract,))


def request_of(terms: Terms, names: Names, *, action: str | None = None) -> Request:
    """Return the request of the user of `terms` for what they grant."""
    wanted = action or _ACTIONS[terms.asked.form]
    return Request(wanted, names.dataset(terms.dataset), names.party(terms.assignee))


def world_of(
    terms: Terms, names: Names, at: Instant, *, purpose: str, columns: frozenset[str]
) -> World:
    """Return the world in which the user of `terms` asks for `columns` of its rows at `at`."""
    rows = frozenset(_row(term) for term in terms.asked.rows or ())
    return World(
        at,
        {
            "purpose": purpose,
            "recipient": names.party(terms.assignee),
            COLUMN: frozenset(columns),
            ROW: rows,
            GROUP: float(terms.asked.minimum_group or 0),
        },
    )


def _constraints(terms: Terms, names: Names) -> Iterator[AnyConstraint]:
    asked = terms.asked
    yield Constraint("dateTime", Operator.GTEQ, (terms.since,))
    yield Constraint("dateTime", Operator.LT, (terms.until,))
    yield Constraint("purpose", Operator.IS_ANY_OF, asked.purposes)
    yield Constraint("recipient", Operator.IS_ANY_OF, (names.party(terms.assignee),))
    yield Constraint(COLUMN, Operator.IS_PART_OF, asked.fields)
    if asked.rows:
        yield Constraint(ROW, Operator.HAS_PART, tuple(_row(term) for term in asked.rows))
    if asked.minimum_group is not None:
        yield Constraint(GROUP, Operator.GTEQ, (float(asked.minimum_group),))


def _after(terms: Terms) -> Constraint:
    return Constraint("dateTime", Operator.GTEQ, (terms.until,))


def _row(term: RowTerm) -> str:
    return canonical([term.column, term.operator.value, *term.values]).decode()
