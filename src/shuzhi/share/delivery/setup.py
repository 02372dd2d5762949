"""What a city says in `city.yaml` about how it hands out data."""

from __future__ import annotations

from pydantic import Field

from shuzhi.kernel.documents import StrictModel


class DeliverySetup(StrictModel):
    """Bounds of delivery.

    `per_minute` is how many answers one agreement may have in a minute; `push_to` lists the origins
    (`https://host:port`) that changes may be pushed to, and no other address is ever called.
    """

    per_minute: int = Field(default=600, ge=1)
    push_to: tuple[str, ...] = ()
