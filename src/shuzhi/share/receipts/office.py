"""What the receipts room works with: the sharing office, a lake of subjects, and the city's key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cached_property

from shuzhi.gather.lake import Lake
from shuzhi.share.agreements import SharingOffice


@dataclass(frozen=True)
class ReceiptOffice:
    """Everything that receipts need from outside.

    `subjects` is a lake of its own, in which no data set is: it holds the subjects of large
    deliveries. `city_key` is a secret; whoever loses it can never again tell whose data left.
    """

    sharing: SharingOffice
    subjects: Lake
    city_key: bytes = field(repr=False)

    @cached_property
    def objection_key(self) -> bytes:
        """The key that seals who objected."""
        return hmac.digest(self.city_key, b"subjects of objections", "sha256")

    @cached_property
    def subject_key(self) -> bytes:
        """The key of subjects, from which the city's cannot be found."""
        return hmac.digest(self.city_key, b"subjects of receipts", "sha256")

    @cached_property
    def subject_mac(self) -> hmac.HMAC:
        """The HMAC by that key with nothing in it yet, to be copied: making one takes longer."""
        return hmac.new(self.subject_key, digestmod="sha256")
