"""The newest questions of each agreement: what a process knows of them, and what all wrote down.

They are written by turns, sealed, for there are ids in them; what other processes wrote since is
read where a turn is not the next.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection

from shuzhi.share.receipts.sealing import sealed, unsealed
from shuzhi.share.verification.fishing import Noted, Window, packed, unpacked
from shuzhi.share.verification.store import Tally, drop_seen, read_seen, write_seen

_MOST_AGREEMENTS = 5_000


class Known(NamedTuple):
    """The newest questions of an agreement, as they were after so many, watched from one on."""

    window: Window
    upto: int
    watched_from: int


class Windows:
    """What a process knows of the newest questions already; any number of threads may use it.

    Who counts takes out what is known, and puts it back when it is durable: what was never written
    is known to nobody.
    """

    def __init__(self, city_key: bytes) -> None:
        self._key = hmac.digest(city_key, b"questions under watch", "sha256")
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._gate = Lock()

    def read(self, connection: Connection, tally: Tally, size: int) -> Window:
        """Take out the window of the newest `size` questions, with what other processes wrote."""
        with self._gate:
            known = self._known.pop(tally.agreement, None)
        if known is None or known.watched_from != tally.watched_from or known.upto > tally.asked:
            known = Known(Window(), tally.watched_from, tally.watched_from)
        if known.upto < tally.asked:
            after = max(known.upto, tally.asked - size)
            for text, upto in read_seen(connection, tally.agreement, after):
                content = unsealed(self._key, text, _bound(tally.agreement, upto)) or b""
                for noted in unpacked(content):
                    known.window.push(noted, size)
        return known.window

    def write(
        self, connection: Connection, tally: Tally, noted: Sequence[Noted], size: int
    ) -> None:
        """Write down the newest questions that were `noted` until a tally."""
        text = sealed(self._key, packed(noted[-size:]), _bound(tally.agreement, tally.asked))
        write_seen(connection, tally.agreement, tally.asked, text)
        # Now and then is often enough for what nobody reads.
        if (tally.asked - len(noted)) // size != tally.asked // size:
            drop_seen(connection, tally.agreement, tally.asked - size)

    def put_back(self, agreement: int, known: Known) -> None:
        """Know a window again that is durable."""
        with self._gate:
            self._known[agreement] = known
            self._known.move_to_end(agreement)
            if len(self._known) > _MOST_AGREEMENTS:
                self._known.popitem(last=False)


def _bound(agreement: int, upto: int) -> bytes:
    return b"%d:%d" % (agreement, upto)
