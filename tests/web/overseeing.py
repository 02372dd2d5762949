"""What managers look into, put into the pages' small city: deliveries and signs of fishing."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import agreements
from shuzhi.share.receipts import Delivered, Left
from shuzhi.share.verification import Action, FishingSuspected, Kind
from shuzhi.share.verification.fishing import Suspicion
from shuzhi.share.verification.store import insert_finding

HASH = hashlib.sha256(b"what left").hexdigest()


def delivered(city: City) -> Delivered:
    """Return a delivery of dust from East to West by their agreement."""
    (agreed,) = agreements(city.sharing_office, dataset="dust")
    return Delivered(
        agreed.id, PartyId("east"), PartyId("west"), "zhao", "inspector", "<i>inspection</i>",
        "dust", "1.0.0", 0, ("station", "pm10_ug_m3"), {"station": "hide"}, 7, 20, HASH, Left.ROWS,
        "application/json",
    )  # fmt: skip


def suspect(city: City, kind: Kind, action: Action, **more: object) -> int:
    """Keep a finding as `settle` does, and let the house react to it."""
    now = city.clock()
    until = Instant(now + timedelta(hours=24))
    measured = "6 <b>claims</b>"
    found = Suspicion(1, "zhao", kind, action, now, until, measured, **more)  # type: ignore[arg-type]
    with city.control.transaction() as connection:
        number = insert_finding(connection, found)
    city.publish(FishingSuspected(now, number, 1, PartyId("west"), kind, action, measured))
    return number
