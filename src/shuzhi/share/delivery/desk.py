"""What the delivery room works with: receipts, lake, masks, key, and where answers are spooled."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Clock
from shuzhi.share.access import Limits, MaskTable
from shuzhi.share.agreements import SharingOffice
from shuzhi.share.delivery.setup import DeliverySetup
from shuzhi.share.receipts import ReceiptOffice


@dataclass(frozen=True)
class DeliveryDesk:
    """Everything that deliveries need from outside.

    `scratch` is a folder for answers that are not yet allowed to leave; `limits` bound what one
    question may take.
    """

    receipts: ReceiptOffice
    lake: Lake
    masks: MaskTable
    scratch: Path
    setup: DeliverySetup
    limits: Limits

    @property
    def sharing(self) -> SharingOffice:
        """Where agreements are."""
        return self.receipts.sharing

    @property
    def control(self) -> Control:
        """The control store."""
        return self.sharing.control

    @property
    def clock(self) -> Clock:
        """The present instant."""
        return self.sharing.clock

    @property
    def city_key(self) -> bytes:
        """The city's secret."""
        return self.receipts.city_key

    @contextmanager
    def moment(self) -> Iterator[DeliveryDesk]:
        """Yield the desk with the control store as it stands now, which is only read."""
        with self.control.moment() as control:
            sharing = replace(self.sharing, control=control)
            yield replace(self, receipts=replace(self.receipts, sharing=sharing))

    @cached_property
    def cursor_key(self) -> bytes:
        """The key that seals cursors, from which the city's cannot be found."""
        return hmac.digest(self.city_key, b"cursors of deliveries", "sha256")
