"""How many answers an agreement has had, counted where the receipt is written.

What is asked at the same time is let through one after the other, so that no budget is overrun.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update

from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.access import Refusal
from shuzhi.share.access.reasons import refused
from shuzhi.share.agreements import Agreement, AgreementId, MatterKind
from shuzhi.share.agreements.store import find_matter
from shuzhi.share.delivery.store import count_table
from shuzhi.share.receipts.store import receipt_table

_MINUTE = timedelta(minutes=1)
_c, _r = count_table.c, receipt_table.c
_ANSWERS = Prepared(select(_c.answers).where(_c.agreement == bindparam("of")))
_LATELY = Prepared(
    select(func.count()).where(_r.agreement == bindparam("of"), _r.at > bindparam("since"))
)
_ONE_MORE = Prepared(
    update(count_table)
    .where(_c.agreement == bindparam("of"))
    .values(answers=_c.answers + literal_column("1"))
)


class NotNow(Exception):  # noqa: N818  (it carries a no out of a transaction, and undoes it)
    """Carries a refusal out of the transaction that would have let an answer leave."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


@dataclass(frozen=True)
class Counted:
    """Lets one more answer of an agreement leave, within the transaction of its receipt.

    Raises NotNow when the agreement is not in force any more, its budget is spent, or it had
    `per_minute` answers within the last minute.
    """

    agreement: AgreementId
    budget: int | None
    per_minute: int

    def __call__(self, connection: Connection, at: Instant) -> None:
        """Count the answer that leaves at `at`."""
        # Held until the receipt is written: askers of one agreement come one after the other.
        held = find_matter(connection, MatterKind.AGREEMENT, self.agreement, lock=True)
        if not isinstance(held, Agreement) or not held.in_force(at):
            raise NotNow(refused("no_grant"))
        if self.budget is not None and _answers(connection, self.agreement) >= self.budget:
            raise NotNow(refused("budget_spent"))
        if _lately(connection, self.agreement, at) >= self.per_minute:
            raise NotNow(refused("too_often"))
        _count(connection, self.agreement)


def asked_so_far(control: Control, agreement: AgreementId) -> int:
    """Return how many answers an agreement has had."""
    with control.transaction() as connection:
        return _answers(connection, agreement)


def _answers(connection: Connection, agreement: AgreementId) -> int:
    rows = _ANSWERS.rows(connection, {"of": agreement})
    return rows[0][0] if rows else 0


def _lately(connection: Connection, agreement: AgreementId, at: Instant) -> int:
    ((count,),) = _LATELY.rows(connection, {"of": agreement, "since": at - _MINUTE})
    return int(count)


def _count(connection: Connection, agreement: AgreementId) -> None:
    if not _ONE_MORE.run(connection, {"of": agreement}):
        connection.execute(insert(count_table).values(agreement=agreement, answers=1))
