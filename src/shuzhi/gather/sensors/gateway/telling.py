"""What the gateway says to the log, so that a thousand devices with one fault do not fill it."""

from __future__ import annotations

import logging
from time import monotonic

from shuzhi.gather.sensors.gateway.budget import Tally

_MOVES_TOLD = 20
_MOST_TALLIED = 100_000
_logger = logging.getLogger("shuzhi.gateway")


class Telling:
    """Tells what is wrong with what comes from an address."""

    def __init__(self) -> None:
        self._tally = Tally(_MOST_TALLIED)

    def count(self, peer: str, what: str) -> int:
        """Count once more; return how often it was in this minute."""
        return self._tally.count(peer, what, monotonic())

    def tell(self, peer: str, code: str, detail: str = "") -> None:
        """Say it once a minute for an address, then only what a power of ten reaches."""
        count = self.count(peer, code)
        if count == 1:
            _logger.warning("%s: %s %s", peer, code, detail)
        elif count >= 10 and str(count).strip("0") == "1":
            _logger.warning("%s: %s %s times in this minute", peer, code, f"{count:,}")


class Moves:
    """Tells which stations come and go: each while they are few, else how many there were.

    After an outage thousands come in a second, and each line would keep the next of them waiting.
    """

    def __init__(self) -> None:
        self._told = self._others = 0

    def tell(self, what: str, mn: str, peer: str) -> None:
        """Tell of one station."""
        if self._told < _MOVES_TOLD:
            self._told += 1
            _logger.info(what, mn, peer)
        else:
            self._others += 1

    def sum_up(self) -> None:
        """Tell, once a second, of those that were not told of."""
        if self._others:
            _logger.info("%s more stations came or left", f"{self._others:,}")
        self._told = self._others = 0
