"""The verbs of delivery: what leaves by an agreement, its receipts, and what is objected to."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from secrets import token_bytes
from tempfile import mkstemp

from shuzhi.app.agreeing import Agrees
from shuzhi.gather.lake import open_lake
from shuzhi.share.access import Limits, MaskTable, read_masks_file
from shuzhi.share.delivery import DeliveryDesk
from shuzhi.share.receipts import ReceiptOffice

_MASKS = "masks.yaml"
_KEY_BYTES = 32


class Delivers(Agrees):
    """How a city hands out what was agreed on."""

    @cached_property
    def city_key(self) -> bytes:
        """The city's secret, in `keys/city`; made at random where there is none yet.

        Pseudonyms, cursors and the subjects of receipts hang on it: keep a copy in a safe place.
        """
        return _kept(self.settings.folder / "keys" / "city")

    @property
    def masks(self) -> MaskTable:
        """The city's masks, in `masks.yaml`; with no such file nothing may be seen.

        Raises:
            DocumentError: as `read_masks_file`.
        """
        file = self.settings.folder / _MASKS
        return read_masks_file(file) if file.is_file() else MaskTable("none", ())

    @property
    def receipt_office(self) -> ReceiptOffice:
        """Where receipts are: see the verbs of `shuzhi.share.receipts`."""
        folder = self.settings.folder / "receipts"
        return ReceiptOffice(self.sharing_office, open_lake(folder), self.city_key)

    @property
    def delivery_desk(self) -> DeliveryDesk:
        """Where data are handed out: see the verbs of `shuzhi.share.delivery`."""
        return DeliveryDesk(
            self.receipt_office,
            self.lake,
            self.masks,
            self.settings.folder / ".scratch" / "deliveries",
            self.settings.city.delivery,
            Limits(memory=self.settings.memory_limit),
        )


def _kept(file: Path) -> bytes:
    """Return the secret in `file`, made where there is none; the first of its makers counts."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if not file.exists():
        descriptor, name = mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "wb") as fresh:
            fresh.write(token_bytes(_KEY_BYTES))
            fresh.flush()
            os.fsync(fresh.fileno())
        with suppress(FileExistsError):
            os.link(name, file)
        Path(name).unlink()
    return file.read_bytes()
