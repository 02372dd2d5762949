"""Pushed messages on their way into the data sets of contracts.

How rows are held against a contract is not this room's business: whoever starts the landing hands
in what delivers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from shuzhi.gather.sensors.landing.rows import Came
from shuzhi.gather.sensors.push.messages import read_pushed
from shuzhi.kernel.errors import RefusedError


class Deliveries(Protocol):
    """Delivers pushed messages; what it has delivered up to a record, it remembers."""

    def done(self, dataset: str) -> int:
        """Return up to which record a data set holds what was pushed."""
        ...

    def deliver(self, dataset: str, messages: Sequence[bytes], record: int) -> None:
        """Store the rows of messages, good and bad ones, up to a record.

        Raises:
            RefusedError: when none of them can be stored, now or ever.
        """
        ...


class NoDeliveries:
    """Nobody pushes: what came all the same goes to quarantine."""

    def done(self, dataset: str) -> int:
        """Nothing was delivered."""
        del dataset
        return 0

    def deliver(self, dataset: str, messages: Sequence[bytes], record: int) -> None:
        """Refuse."""
        del messages, record
        raise RefusedError("gather.no_deliveries", f"Nobody delivers to {dataset}.")


def deliver_all(deliveries: Deliveries, came: Came, record: int) -> list[tuple[int, str]]:
    """Deliver the messages of a round; return the places of those that cannot be, and why."""
    pushed = [read_pushed(body) for body in came.bodies]
    refused: list[tuple[int, str]] = []
    for dataset in dict.fromkeys(each.dataset for each in pushed):
        done = deliveries.done(dataset)
        places = [
            place
            for place in np.flatnonzero(came.records >= done).tolist()
            if pushed[place].dataset == dataset
        ]
        try:
            if places:
                deliveries.deliver(dataset, [pushed[place].raw for place in places], record)
        except RefusedError as error:
            refused += [(place, error.code) for place in places]
    return refused
