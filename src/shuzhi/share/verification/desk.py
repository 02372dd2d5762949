"""The desk where questions are answered, and what it remembers of those who ask.

A question is answered in memory (`answer`) and written down with others (`settle`); only then may
its answer leave.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import NamedTuple

from shuzhi.share.access import Refusal
from shuzhi.share.receipts import subject_number
from shuzhi.share.receipts.many import Small
from shuzhi.share.verification.answering import Found, found_of
from shuzhi.share.verification.declared import Rate
from shuzhi.share.verification.fishing import Seen, Suspicion, Watch
from shuzhi.share.verification.model import Answer, AsOf, Question, Told
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.parts import Key
from shuzhi.share.verification.permits import Asking, Permit, permit_of
from shuzhi.share.verification.rates import Buckets
from shuzhi.share.verification.settling import Answered, Receipted, Settled, settled, tell
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
        self._watch = Watch()
        self._buckets = Buckets()
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

    def forget(self, agreement: int, *, with_past: bool = False) -> None:
        """Let what was decided about an agreement be decided anew.

        `with_past` also forgets what was noticed of it, as when a finding is lifted.
        """
        with self._gate:
            for asking in [a for a in self._permits if a.agreement == agreement]:
                del self._permits[asking]
            if with_past:
                self._watch.forget(agreement)

    def answer(self, permit: Permit, question: Question) -> Answered | Refusal:
        """Answer a question from the index; what it returns may not leave before `settle`.

        Raises:
            VerificationError: `share.bad_claim`; BrokenError
                `share.verification_index_damaged`.
        """
        tests = permit.tests(question.claims)
        if isinstance(tests, Refusal):
            return tests
        if refusal := self._held_back(permit):
            return refusal
        index = self.office.indexes.index(permit.verifiable.dataset)
        if index is None:
            return refused("no_index", permit.verifiable.dataset)
        sought = index.find(question.subject)
        if (why := permit.withheld(sought.key)) is not None:
            return refused("suspended", why.value)
        columns = [claim.column for claim in question.claims]
        rows = [] if sought.key in permit.stopped else sought.rows
        found = found_of(rows, columns, tests, permit.grant.rows)
        suspicions = self.noted(permit, question, sought.key, found)
        return self.written(permit, question, found, index.as_of, sought.spelling, suspicions)

    def noted(
        self, permit: Permit, question: Question, key: Key, found: Found
    ) -> tuple[Suspicion, ...]:
        """Let the watch see a question; return what is suspicious about it."""
        asking = permit.asking
        seen = Seen(
            asking.agreement,
            asking.user.id,
            question.subject,
            key,
            hash(question.claims),
            found.is_absent,
            found.told is not Told.YES,
        )
        with self._gate:
            noted = self._watch.note(seen, permit.terms.limits, self.office.sharing.clock())
        permit.notice(noted)
        return noted

    def written(
        self,
        permit: Permit,
        question: Question,
        found: Found,
        as_of: AsOf,
        spelling: str,
        suspicions: tuple[Suspicion, ...] = (),
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
            self._sealed(question),
        )
        answer = Answer(shown.told, shown.verdicts, as_of)
        return Answered(permit, answer, body, small, suspicions)

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
        written = settled(self.office, waiting, at_once=at_once)
        for found in written.suspected:
            self.forget(found.agreement)
        return written

    def tell(self, written: Settled) -> None:
        """Tell whoever reacts to what was written; what they fail at keeps no answer back."""
        tell(self.office, written.events)

    def _sealed(self, question: Question) -> str:
        """Return the keyed hash of a question: a plain one of an id could be found by trying."""
        claims = [(c.column, c.value, c.how.value, c.within_days) for c in question.claims]
        mac = self._mac.copy()
        mac.update(repr((*question[:4], claims)).encode())
        return mac.hexdigest()

    def _held_back(self, permit: Permit) -> Refusal | None:
        """Return why a permit's question is not answered now; else count it."""
        if permit.suspended is not None:
            return refused("suspended", permit.suspended.value)
        limits, asking = permit.terms.limits, permit.asking
        now_s = time.monotonic()
        with self._gate:
            wait_s = max(
                self._wait_s(asking.agreement, limits.agreement, permit, now_s),
                self._wait_s((asking.agreement, asking.user.id), limits.asker, permit, now_s),
            )
        return too_fast(wait_s) if wait_s else None

    def _wait_s(self, name: Hashable, rate: Rate | None, permit: Permit, now_s: float) -> float:
        if rate is None:
            return 0.0
        share = (permit.terms.limits.slow_to or 1.0) if permit.is_slowed else 1.0
        per_second, at_once = rate.per_second * share, max(rate.at_once * share, 1.0)
        return self._buckets.take(name, now_s, per_second=per_second, at_once=at_once)
