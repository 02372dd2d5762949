"""The verbs of subscriptions: subscribe, push what changed, resume one that died, end.

Every batch takes the same way as any answer: admitted anew, its receipt durable before it is sent.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from shuzhi.audit import Entry, queue
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Form, Refusal, User
from shuzhi.share.access.reasons import refused
from shuzhi.share.agreements import Actor, AgreementId
from shuzhi.share.agreements import agreement as read_agreement
from shuzhi.share.agreements.plain import canonical, plain, unplain
from shuzhi.share.delivery.admitting import Admitted, admitted, by_method
from shuzhi.share.delivery.changes import Batch, read_changes
from shuzhi.share.delivery.counting import Counted, NotNow
from shuzhi.share.delivery.delivering import delivered, note_refusal
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import DeliveryError, unknown
from shuzhi.share.delivery.model import Asker, MediaType, Wanted
from shuzhi.share.delivery.store import subscription_table
from shuzhi.share.delivery.subscriptions import (
    Subscription,
    SubscriptionId,
    SubscriptionState,
    acknowledged,
    aimed,
    ended,
    failed,
    resumed,
)
from shuzhi.share.delivery.webhooks import Post, require_allowed, signed
from shuzhi.share.receipts import Left, receipt, record_receipt

MOST_BATCH_ROWS = 1_000
# So that one receiver that is far behind does not keep all others waiting.
_MOST_AT_ONCE = 50
_GONE = 410
# Hexadecimal digits that tell views of one subscription apart.
_VIEW = 12
_OVER = frozenset({"expired", "contract_changed"})


def _as_made(user: User) -> User:
    return user


def subscribe(
    desk: DeliveryDesk, wanted: Wanted, asker: Asker, url: str, *, from_start: bool = False
) -> Subscription | Refusal:
    """Have the changes of what is `wanted` pushed to `url`, from now on or from the first version.

    Raises:
        DeliveryError: `share.push_not_allowed`; else as `admitted`.
    """
    require_allowed(url, desk.setup.push_to)
    seen = by_method(admitted(desk, wanted, asker), Left.PUSH)
    if isinstance(seen, Refusal):
        return note_refusal(desk, wanted.agreement, asker, seen)
    if seen.allowed.grant.form is not Form.ROWS:
        no = refused("sql_form", "It gives figures or yes and no, to questions in SQL.")
        return note_refusal(desk, wanted.agreement, asker, no)
    at = desk.clock()
    position = None if from_start else seen.version
    new = Subscription(SubscriptionId(0), wanted, asker, url, at, position)
    with desk.control.transaction() as connection:
        made = insert(subscription_table).values(_row(new)).returning(subscription_table.c.id)
        kept = replace(new, id=SubscriptionId(connection.execute(made).scalar_one()))
        queue(connection, _entry("made", kept, at, asker.user.id))
    return kept


def push(desk: DeliveryDesk, post: Post, as_now: Callable[[User], User] = _as_made) -> int:
    """Send every active subscription what its receiver has not acknowledged; return the batches.

    One that fails is tried again later, and holds up no other. While another process pushes, this
    is left to it: two at once would send the same changes under two ids. `as_now` returns who
    subscribed with the roles that they have by now.
    """
    sent = 0
    with suppress(BlockingIOError), _alone(desk):
        for held in subscriptions(desk, state=SubscriptionState.ACTIVE):
            if held.is_due(desk.clock()):
                sent += _pushed(desk, held, post, as_now)
    return sent


def subscriptions(
    desk: DeliveryDesk,
    *,
    agreement: AgreementId | None = None,
    state: SubscriptionState | None = None,
) -> tuple[Subscription, ...]:
    """Return subscriptions, the oldest first."""
    c = subscription_table.c
    where = [
        None if agreement is None else c.agreement == agreement,
        None if state is None else c.state == state.value,
    ]
    query = select(subscription_table).where(*(term for term in where if term is not None))
    with desk.control.transaction() as connection:
        rows = connection.execute(query.order_by(c.id)).mappings().all()
    return tuple(map(_of_row, rows))


def resume(desk: DeliveryDesk, number: SubscriptionId, *, by: Actor) -> Subscription:
    """Let a subscription that died go on from what was acknowledged last.

    Raises:
        DeliveryError: `share.subscription_unknown`, `share.subscription_ended`,
            `share.push_not_allowed`; RefusedError: `share.not_your_side`.
    """
    require_allowed(_of(desk, number, by).url, desk.setup.push_to)
    return _put(desk, number, _revived, "resumed", by.person)


def unsubscribe(desk: DeliveryDesk, number: SubscriptionId, *, by: Actor) -> Subscription:
    """End a subscription.

    Raises:
        DeliveryError: `share.subscription_unknown`; RefusedError: `share.not_your_side`.
    """
    _of(desk, number, by)
    return _put(desk, number, lambda held: ended(held, "unsubscribed"), "ended", by.person)


@contextmanager
def _alone(desk: DeliveryDesk) -> Iterator[None]:
    """Be the only one who pushes; the kernel lets go of the lock when the process dies."""
    desk.scratch.mkdir(parents=True, exist_ok=True)
    with (desk.scratch / "push.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _pushed(
    desk: DeliveryDesk, held: Subscription, post: Post, as_now: Callable[[User], User]
) -> int:
    for done in range(_MOST_AT_ONCE):
        try:
            asker = replace(held.asker, user=as_now(held.asker.user))
            seen = by_method(admitted(desk, held.wanted, asker), Left.PUSH)
            after = _step(desk, held, seen, post)
        except (OSError, NotNow, ShuzhiError) as error:
            _failed(desk, held, error)
            return done
        if after is None:
            return done
        held = after
    return _MOST_AT_ONCE


def _step(
    desk: DeliveryDesk, held: Subscription, seen: Admitted | Refusal, post: Post
) -> Subscription | None:
    """Send one batch; return what is after it, None when there is nothing to send, or no more."""
    if isinstance(seen, Refusal):
        _refused(desk, held, seen)
        return None
    if held.target is None and held.position == seen.version:
        return None
    held = aimed(held, seen.version, _view(desk, seen))
    seen = seen.at(held.target or 0)
    batch = read_changes(desk, seen, held.position, skip=held.sent, limit=MOST_BATCH_ROWS)
    if batch.count:
        require_allowed(held.url, desk.setup.push_to)
        held = _receipted(desk, held, seen, batch)
        headers = signed(desk.city_key, held.id, held.message, desk.clock(), batch.body)
        status = post(held.url, headers, batch.body)
        if status == _GONE:
            why = "the receiver answered 410"
            _put(desk, held.id, lambda held: ended(held, why), "ended", "system")
            return None
        if not 200 <= status < 300:
            raise OSError(f"status {status}")
    after = acknowledged(held, batch.count, is_last=batch.is_last)
    return after if _keep(desk, after) else None


def _view(desk: DeliveryDesk, seen: Admitted) -> str:
    """Return a mark of what is seen, from which nobody without the key tells who objected."""
    content = b"view of a subscription " + canonical(seen.view)
    return hmac.digest(desk.city_key, content, "sha256").hex()[:_VIEW]


def _receipted(
    desk: DeliveryDesk, held: Subscription, seen: Admitted, batch: Batch
) -> Subscription:
    """Return the subscription with the receipt of the batch, which is written once for it."""
    sha256 = hashlib.sha256(batch.body).hexdigest()
    if held.receipt is not None:
        if receipt(desk.receipts, held.receipt).what.sha256 == sha256:
            return held
        held = replace(held, receipt=None)
    what = delivered(seen, (batch.count, len(batch.body), sha256), MediaType.JSON, Left.PUSH)
    counted = Counted(seen.agreement.id, None, desk.setup.per_minute)
    made = record_receipt(desk.receipts, what, subjects=batch.subjects, also=counted)
    held = replace(held, receipt=made.id)
    _keep(desk, held)
    return held


def _refused(desk: DeliveryDesk, held: Subscription, no: Refusal) -> None:
    if held.last_error != no.reason:
        note_refusal(desk, held.wanted.agreement, held.asker, no)
    agreement = read_agreement(desk.sharing, held.wanted.agreement).agreement
    if no.reason in _OVER or agreement.ended_at is not None:
        _put(desk, held.id, lambda held: ended(held, no.reason), "ended", "system")
        return
    # Nobody failed: it goes on when the agreement does.
    after = failed(held, no.reason, desk.clock())
    _keep(desk, replace(after, failures=held.failures, state=held.state))


def _failed(desk: DeliveryDesk, held: Subscription, error: Exception) -> None:
    # What was kept on the way (target, receipt) must stay.
    (held,) = (s for s in subscriptions(desk) if s.id == held.id)
    if isinstance(error, NotNow):
        _refused(desk, held, error.refusal)
        return
    why = error.code if isinstance(error, ShuzhiError) else str(error)
    after = failed(held, why, desk.clock())
    if after.state is SubscriptionState.DEAD:
        _put(desk, held.id, lambda _: after, "died", "system")
    else:
        _keep(desk, after)


def _of(desk: DeliveryDesk, number: SubscriptionId, by: Actor) -> Subscription:
    found = next((s for s in subscriptions(desk) if s.id == number), None)
    if found is None:
        raise unknown("subscription", number)
    held = read_agreement(desk.sharing, found.wanted.agreement).agreement
    if not held.sides(by.party):
        raise RefusedError(
            "share.not_your_side",
            f"Subscription {number} is between other parties.",
            next_step="Let one of them do it.",
        )
    return found


def _revived(held: Subscription) -> Subscription:
    if held.state is SubscriptionState.ENDED:
        raise DeliveryError(
            "share.subscription_ended",
            f"Subscription {held.id} has ended.",
            next_step="Subscribe again.",
        )
    return resumed(held)


def _put(
    desk: DeliveryDesk,
    number: SubscriptionId,
    move: Callable[[Subscription], Subscription],
    what: str,
    by: str,
) -> Subscription:
    """Move a subscription on from where it stands now, which a push may have changed just so."""
    at, mine = desk.clock(), subscription_table.c.id == number
    with desk.control.transaction() as connection:
        query = select(subscription_table).where(mine).with_for_update()
        present = _of_row(connection.execute(query).mappings().one())
        after = move(present)
        if present.state is not SubscriptionState.ENDED:
            connection.execute(update(subscription_table).where(mine).values(_row(after)))
            queue(connection, _entry(what, after, at, by))
    return after


def _keep(desk: DeliveryDesk, held: Subscription) -> bool:
    """Write a subscription down, unless somebody ended it meanwhile; tell whether it was."""
    c = subscription_table.c
    mine = update(subscription_table).where(
        c.id == held.id, c.state != SubscriptionState.ENDED.value
    )
    with desk.control.transaction() as connection:
        return connection.execute(mine.values(_row(held))).rowcount > 0


def _of_row(row: RowMapping) -> Subscription:
    return unplain(Subscription, {**row["content"], "id": row["id"]})


def _row(held: Subscription) -> dict[str, Any]:
    return {
        "agreement": held.wanted.agreement,
        "state": held.state.value,
        "content": plain(held),
    }


def _entry(what: str, held: Subscription, at: Instant, by: str) -> Entry:
    facts = {
        "agreement": held.wanted.agreement,
        "url": held.url,
        "position": held.position,
        "state": held.state.value,
        "last_error": held.last_error,
    }
    return Entry(f"subscription.{what}", at, by, f"subscription:{held.id}", facts)
