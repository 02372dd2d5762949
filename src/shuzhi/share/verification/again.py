"""Answers that the visit which asked sees again for minutes, in whichever process it asks.

They are sealed under a name that only who asked is told: the store alone cannot open them.
"""

from __future__ import annotations

import hmac
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from shuzhi.kernel.instant import Instant
from shuzhi.share.receipts.sealing import sealed, unsealed
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.store import shown_table

_KEPT_FOR = timedelta(minutes=5)
_MOST_OF_A_VISIT = 20
_c = shown_table.c


def keep_shown(office: VerificationOffice, visit: str, name: str, content: bytes) -> None:
    """Keep what a visit was shown; `name` is drawn by chance, and told to nobody else."""
    now = office.sharing.clock()
    row = {
        "name": _mac(office, "name", visit, name).hex(),
        "visit": _mac(office, "visit", visit).hex(),
        "until": now + _KEPT_FOR,
        "content": sealed(_mac(office, "content", visit, name), content, b""),
    }
    with office.sharing.control.transaction() as connection:
        sweep_shown(connection, now)
        _make_room(connection, row["visit"])
        connection.execute(insert(shown_table), [row])


def held_shown(office: VerificationOffice, visit: str, name: str) -> bytes | None:
    """Return what a visit was shown under a name, while it is kept; None for anything else."""
    digest, now = _mac(office, "name", visit, name).hex(), office.sharing.clock()
    query = select(_c.content).where(_c.name == digest, _c.until > now)
    with office.sharing.control.transaction() as connection:
        text = connection.execute(query).scalar()
    return None if text is None else unsealed(_mac(office, "content", visit, name), text, b"")


def sweep_shown(connection: Connection, now: Instant) -> None:
    """Let answers go whose minutes are over; what somebody else lets go is left to them."""
    over = select(_c.name).where(_c.until <= now).with_for_update(skip_locked=True)
    connection.execute(delete(shown_table).where(_c.name.in_(over)))


def _make_room(connection: Connection, visit: object) -> None:
    """Let the oldest answers of a visit go that has as many as it may have."""
    newest_first = select(_c.name).where(_c.visit == visit).order_by(_c.until.desc())
    old = connection.execute(newest_first.offset(_MOST_OF_A_VISIT - 1)).scalars()
    connection.execute(delete(shown_table).where(_c.name.in_(list(old))))


def _mac(office: VerificationOffice, *words: str) -> bytes:
    said = "\0".join(("answers shown again", *words)).encode()
    return hmac.digest(office.receipts.city_key, said, "sha256")
