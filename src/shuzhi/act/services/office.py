"""What the services room works with: matters, the forms behind them, the office of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shuzhi.act.cases import Office
from shuzhi.act.services.errors import ServiceError
from shuzhi.act.services.model import Matter
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.share.forms import FormsOffice, Reading


@dataclass(frozen=True)
class ServicesOffice:
    """Where services are asked for."""

    matters: Mapping[str, Matter]
    forms: FormsOffice
    reading: Reading
    cases: Office

    @property
    def control(self) -> Control:
        """The control store."""
        return self.forms.control

    def now(self) -> Instant:
        """Return what the clock says."""
        return self.forms.now()

    def matter(self, matter: str) -> Matter:
        """Return a matter; ServiceError `act.no_such_matter` when there is none."""
        found = self.matters.get(matter)
        if found is None:
            raise ServiceError(
                "act.no_such_matter",
                f"There is no service {matter[:60]!r}.",
                next_step="Choose one of the list of services.",
            )
        return found
