"""What is asked under one agreement, counted in the transaction that writes the answers down.

All processes of a city count here, one after the other: how fast and how often is asked, what the
newest questions look like, and what is held back because of it. Nobody gets further by asking two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from math import ceil

from sqlalchemy import Connection

from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal
from shuzhi.share.access.reasons import refused as access_refused
from shuzhi.share.verification.fishing import (
    Guesses,
    HeldBack,
    Kind,
    Noted,
    Seen,
    Share,
    Suspicion,
    Window,
    until_of,
)
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.parts import Key
from shuzhi.share.verification.permits import Permit
from shuzhi.share.verification.rates import LISTS, Bucket, Buckets, Pace, paces_of
from shuzhi.share.verification.store import (
    Tally,
    drop_guesses,
    is_in_force,
    read_guesses,
    read_tally,
    standing_findings,
    write_guesses,
    write_tally,
)
from shuzhi.share.verification.windows import Known, Windows
from shuzhi.share.verification.words import list_too_soon, refused, too_fast

SUSPENDED = "suspended"
"""The reason of a refusal for what is held back."""

_EVERYBODY = "everybody"


class Ledger:
    """The count of an agreement, from its opening to its closing in one transaction.

    Until that ends nobody else counts for the agreement. `rates` are the buckets that are not full
    when it is closed.
    """

    def __init__(
        self,
        connection: Connection,
        office: VerificationOffice,
        windows: Windows,
        permit: Permit,
        now: Instant,
    ) -> None:
        self.permit, self.number = permit, permit.asking.agreement
        self._connection, self._office, self._windows = connection, office, windows
        self._now = now
        self._limits = permit.terms.limits
        # This first: who comes second waits for it, also where there is no tally yet.
        self._is_open = is_in_force(connection, self.number, now)
        self._before = read_tally(connection, self.number, office.today(now))
        self._room, self._no_room = self._room_now()
        findings = standing_findings(connection, self.number, now)
        self._held_back = HeldBack(finding.what for finding in findings)
        self._buckets, self._paces = Buckets(self._before.rates), dict[str, dict[str, Pace]]()
        self.rates: dict[str, Bucket] = {}
        self._window = self._window_now()
        self._noted: list[Noted] = []
        self._guessed, self._guesses = dict[Key, Guesses](), dict[Key, Guesses]()
        self._suspicions: list[Suspicion] = []
        self._taken = 0

    def foresee(self, seen: Iterable[Seen]) -> None:
        """Read together what was guessed so far about the subjects that claims fail about."""
        if self._limits.guessing is not None:
            failing = {each.subject for each in seen if each.has_failed}
            self._guessed = read_guesses(self._connection, self.number, failing)

    def take(self, seen: Seen, at: Instant | None) -> Refusal | None:
        """Count a question; return why its answer must not leave, if it must not.

        `at` is when it came, where that may be too fast. What is refused is not among the newest
        questions, nor does it count against a budget.
        """
        if not self._is_open:
            return self._no_room
        if (why := self._held_back.why(seen.subject)) is not None:
            return refused(SUSPENDED, why.value)
        if at is not None and (wait_s := self._wait_s(seen.asker, at)):
            return too_fast(wait_s)
        if self._room is not None and self._taken >= self._room:
            return self._no_room
        self._taken += 1
        self._watch(seen)
        return None

    def begin(self, rows: int, *, goes_on: bool) -> Refusal | None:
        """Count the rows of a list, before they are taken; return why it has to wait, if it has.

        What `goes_on` is a list that began: it waits only where who asks was slowed meanwhile.
        """
        if not self._is_open:
            return self._no_room
        paces, now_s = self._paces_of(LISTS), self._now.timestamp()
        if goes_on and not self._held_back.is_slowed:
            self._buckets.owe(paces, now_s, rows)
            return None
        wait_s = self._buckets.take(paces, now_s, rows)
        return self._list_too_soon(wait_s) if wait_s else None

    def close(self) -> list[Suspicion]:
        """Write down what was counted; return what is suspicious about it and not known yet."""
        after = self._before.plus(self._taken)
        self.rates = self._not_full()
        if self._taken or self.rates != self._before.rates:
            write_tally(self._connection, replace(after, rates=self.rates))
        size = self._limits.window
        if size is not None and self._noted:
            self._windows.write(self._connection, after, self._noted, size.questions)
        self._write_guesses()
        self._look_at_volume(after)
        return self._suspicions

    def remember(self) -> None:
        """Let the process know the newest questions, now that they are durable."""
        if self._window is not None:
            upto = self._before.asked + self._taken
            self._windows.put_back(
                self.number, Known(self._window, upto, self._before.watched_from)
            )

    def _room_now(self) -> tuple[int | None, Refusal]:
        """Return for how many more questions there is room (None: any), and what is said beyond."""
        if not self._is_open:
            # It was ended since the permit was given.
            return 0, access_refused("no_grant")
        budget, most = self.permit.grant.budget, self._limits.most_a_day
        in_all = None if budget is None else max(budget - self._before.asked, 0)
        today = None if most is None else max(most - self._before.asked_that_day, 0)
        if in_all is not None and (today is None or in_all <= today):
            return in_all, access_refused("budget_spent")
        return today, refused("day_spent")

    def _window_now(self) -> Window | None:
        size = self._limits.window
        if size is None:
            return None
        return self._windows.read(self._connection, self._before, size.questions)

    def _wait_s(self, asker: str, at: Instant) -> float:
        return self._buckets.take(self._paces_of(asker), at.timestamp())

    def _list_too_soon(self, wait_s: float) -> Refusal:
        again = self._office.local(Instant(self._now + timedelta(seconds=ceil(wait_s))))
        return list_too_soon(wait_s, f"{again:%Y-%m-%d %H:%M:%S}")

    def _paces_of(self, asker: str) -> dict[str, Pace]:
        """Return how fast may be asked now: it is asked for each question, and seldom changes."""
        known = self._paces.get(asker)
        if known is None:
            is_slowed = self._held_back.is_slowed
            known = self._paces[asker] = paces_of(self._limits, asker, is_slowed=is_slowed)
        return known

    def _not_full(self) -> dict[str, Bucket]:
        """Return the buckets that are not full now."""
        kept, now_s = {}, self._now.timestamp()
        for name, bucket in self._buckets.items():
            pace = self._paces_of(name).get(name)
            if pace is not None and bucket.on(now_s, pace).left < pace.at_once:
                kept[name] = bucket
        return kept

    def _watch(self, seen: Seen) -> None:
        if seen.has_failed:
            self._look_at_guesses(seen)
        if self._window is None or self._limits.window is None:
            return
        self._noted.append(self._window.add(seen, self._limits.window.questions))
        for share in self._window.shares(self._limits):
            self._suspect(seen.asker, share)

    def _look_at_guesses(self, seen: Seen) -> None:
        rule = self._limits.guessing
        if rule is None:
            return
        known = self._guesses.get(seen.subject) or self._guessed.get(seen.subject)
        found = (known or Guesses(self._now)).plus(seen.claims, rule, self._now)
        self._guesses[seen.subject] = found
        if len(found.tried) >= rule.tries:
            measured = f"{len(found.tried)} claims"
            self._suspect(seen.asker, Share(Kind.GUESSING, rule.action, measured), seen.subject)

    def _write_guesses(self) -> None:
        rule, changed = self._limits.guessing, self._guesses
        changed = {key: now for key, now in changed.items() if now != self._guessed.get(key)}
        if rule is None or not changed:
            return
        span = timedelta(hours=rule.hours)
        write_guesses(self._connection, self.number, changed, span, self._guessed)
        drop_guesses(self._connection, self.number, self._now)

    def _look_at_volume(self, after: Tally) -> None:
        """Suspect that there are far more questions than on usual days, when that is passed."""
        rule, before = self._limits.volume, self._before
        if rule is None or not before.usual:
            return
        threshold = max(rule.times * before.usual, rule.at_least)
        if before.asked_that_day < threshold <= after.asked_that_day:
            measured = f"{after.asked_that_day}, usually {before.usual:.0f}"
            self._suspect(_EVERYBODY, Share(Kind.VOLUME, rule.action, measured))

    def _suspect(self, asker: str, share: Share, subject: Key | None = None) -> None:
        if self._held_back.knows(share.kind, subject):
            return
        until = until_of(self._limits, self._now)
        found = Suspicion(
            self.number, asker, share.kind, share.action, self._now, until, share.measured, subject
        )
        self._held_back.heed(found)
        self._paces.clear()
        self._suspicions.append(found)
