"""The desk where questions are answered, and what it remembers of those who ask.

A question is answered in memory (`answer`) and written down with others (`settle`); only then may
its answer leave.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import NamedTuple

from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal
from shuzhi.share.receipts import subject_number
from shuzhi.share.receipts.many import Small
from shuzhi.share.verification.answering import Found, found_of
from shuzhi.share.verification.fishing import Seen, numbers_of
from shuzhi.share.verification.ledger import SUSPENDED, Ledger
from shuzhi.share.verification.model import Answer, AsOf, Claim, Question, Told
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.parts import Key
from shuzhi.share.verification.permits import Asking, Permit, permit_of
from shuzhi.share.verification.rates import Buckets
from shuzhi.share.verification.settling import Answered, Receipted, Settled, settled, tell
from shuzhi.share.verification.windows import Windows
from shuzhi.share.verification.words import refused, too_fast

# What was decided about an asker is decided anew after so long, whatever was told meanwhile.
_VALID_S = 1.0
_MOST_PERMITS = 10_000


class Known(NamedTuple):
    """What was decided about an asker, and whether it is time to look it up anew."""

    permit: Permit | Refusal
    is_due: bool


class Desk:
    """Answers questions for a city in one process; any number of threads may use it."""

    def __init__(self, office: VerificationOffice) -> None:
        self.office = office
        self.windows = Windows(office.receipts.city_key)
        self._buckets: Buckets[tuple[int, str]] = Buckets()
        self._permits: OrderedDict[Asking, tuple[float, Permit | Refusal]] = OrderedDict()
        self._gate = Lock()
        key = hmac.digest(office.receipts.city_key, b"questions of verification", "sha256")
        self._mac = hmac.new(key, digestmod="sha256")

    def known_permit(self, asking: Asking) -> Known | None:
        """Return what was decided about an asker a moment ago; None when it must be looked up."""
        at_s, permit = self._permits.get(asking, (0.0, None))
        age_s = time.monotonic() - at_s
        if permit is None or age_s >= _VALID_S:
            return None
        return Known(permit, age_s >= _VALID_S / 2)

    def permit(self, asking: Asking) -> Permit | Refusal:
        """Return what an asker may ask. Raises as `permit_of`."""
        known = self.known_permit(asking)
        return self.look_up(asking) if known is None else known.permit

    def look_up(self, asking: Asking) -> Permit | Refusal:
        """Decide anew what an asker may ask, and remember it. Raises as `permit_of`."""
        at_s = time.monotonic()
        found = permit_of(self.office, asking, self.office.sharing.clock())
        with self._gate:
            self._permits[asking] = (at_s, found)
            if len(self._permits) > _MOST_PERMITS:
                self._permits.popitem(last=False)
        return found

    def forget(self, agreement: int) -> None:
        """Let what was decided about an agreement be decided anew."""
        with self._gate:
            for asking in [a for a in self._permits if a.agreement == agreement]:
                del self._permits[asking]

    def answer(self, permit: Permit, question: Question) -> Answered | Refusal:
        """Answer a question from the index; what it returns may not leave before `settle`.

        Raises:
            VerificationError: `share.bad_claim`; BrokenError
                `share.verification_index_damaged`.
        """
        tests = permit.tests(question.claims)
        if isinstance(tests, Refusal):
            return tests
        index = self.office.indexes.index(permit.verifiable.dataset)
        if index is None:
            return refused("no_index", permit.verifiable.dataset)
        sought = index.find(question.subject)
        now = self.office.sharing.clock()
        if refusal := self._held_back(permit, sought.key, now):
            return refusal
        columns = [claim.column for claim in question.claims]
        rows = [] if sought.key in permit.stopped else sought.rows
        found = found_of(rows, columns, tests, permit.grant.rows)
        seen = self.seen(permit, question, sought.key, found)
        return self._answered(permit, question, found, index.as_of, sought.spelling, seen, now)

    def seen(self, permit: Permit, question: Question, key: Key, found: Found) -> Seen:
        """Return what is watched of a question about the subject with a hash."""
        has_failed = found.told is not Told.YES
        claims = self._mac_of((key, _plain(question.claims)))[:16] if has_failed else ""
        numbers = numbers_of(question.subject)
        return Seen(permit.asking.user.id, key, numbers, claims, found.is_absent)

    def settle(self, waiting: Sequence[Answered]) -> list[Receipted | Refusal]:
        """Write down answers together, durably, and tell of them.

        In their order, what may leave or why not. Raises BrokenError as `Control.transaction`;
        then nothing may leave.
        """
        written = self.write(waiting)
        self.tell(written)
        return written.results

    def write(self, waiting: Sequence[Answered], *, at_once: bool = False) -> Settled:
        """Write down answers together; what they may be told of is left to `tell`.

        `at_once` waits for no other writer. Raises BrokenError as `Control.transaction`.
        """
        written = settled(self.office, self.windows, waiting, at_once=at_once)
        self.remember(written.ledgers)
        for found in written.suspected:
            self.forget(found.agreement)
        return written

    def remember(self, ledgers: Iterable[Ledger]) -> None:
        """Know what was counted in a transaction, now that it is durable."""
        for ledger in ledgers:
            ledger.remember()
            with self._gate:
                for name, bucket in ledger.rates.items():
                    self._buckets.lower((ledger.number, name), bucket)

    def tell(self, written: Settled) -> None:
        """Tell whoever reacts to what was written; what they fail at keeps no answer back."""
        tell(self.office, written.events)

    def _answered(
        self,
        permit: Permit,
        question: Question,
        found: Found,
        as_of: AsOf,
        spelling: str,
        seen: Seen,
        at: Instant,
    ) -> Answered:
        """Return what is told of what was found, with the receipt that is to be written."""
        shown = found.shown(tells_absent=permit.terms.tells_absent)
        columns = tuple([claim.column for claim in question.claims])
        body, digest = permit.body(columns, shown, as_of)
        small = Small(
            permit.receipt(columns, as_of.version),
            subject_number(self.office.receipts, permit.kind, spelling),
            digest,
            len(body),
            self._mac_of((*question[:4], _plain(question.claims))),
        )
        answer = Answer(shown.told, shown.verdicts, as_of)
        return Answered(permit, answer, body, small, seen, at)

    def _mac_of(self, content: object) -> str:
        """Return a keyed hash: a plain one of an id or a day could be found by trying."""
        mac = self._mac.copy()
        mac.update(repr(content).encode())
        return mac.hexdigest()

    def _held_back(self, permit: Permit, subject: Key, now: Instant) -> Refusal | None:
        """Return why a question is not worth answering now, as far as this process knows.

        Whether its answer leaves is for its ledger to say.
        """
        if (why := permit.held_back.why(subject)) is not None:
            return refused(SUSPENDED, why.value)
        with self._gate:
            wait_s = self._buckets.take(permit.paces, now.timestamp())
        return too_fast(wait_s) if wait_s else None


def _plain(claims: Sequence[Claim]) -> list[tuple[object, ...]]:
    return [(c.column, c.value, c.how.value, c.within_days) for c in claims]
