"""What the accounts room works with: store, terms, hashes, clock and randomness."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.share.accounts.passwords import Passwords
from shuzhi.share.accounts.tokens import Draw, system_draw


@dataclass(frozen=True)
class LoginTerms:
    """How long visits and keys last, and what wrong passwords cost.

    After `tries` wrong passwords in a row the account waits `first_wait`, and twice as long after
    each further one, but never longer than `longest_wait`.
    """

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)
    tries: int = 5
    first_wait: timedelta = timedelta(seconds=30)
    longest_wait: timedelta = timedelta(minutes=15)
    longest_key: timedelta = timedelta(days=366)

    def wait(self, failed: int) -> timedelta | None:
        """Return how long an account waits after so many wrong passwords; None: not at all."""
        beyond = failed - self.tries
        if beyond < 0:
            return None
        # Beyond this the doubling has long passed the longest wait.
        doubled: timedelta = self.first_wait * 2 ** min(beyond, 30)
        return min(doubled, self.longest_wait)


@dataclass(frozen=True)
class AccountsOffice:
    """Everything that accounts, sessions and keys need from outside.

    `known_words` are words that no password may hold: what the city is called.
    """

    control: Control
    terms: LoginTerms = LoginTerms()
    passwords: Passwords = field(default_factory=Passwords)
    known_words: tuple[str, ...] = ()
    clock: Clock = system_clock
    draw: Draw = system_draw
