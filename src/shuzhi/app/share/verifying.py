"""The verbs of verification: does this hold, of one subject or many, as far as was agreed on."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import cached_property

from shuzhi.act.cases import CaseId
from shuzhi.act.cases.store import known_origins
from shuzhi.app.share.delivering import Delivers
from shuzhi.kernel.files import sync_path
from shuzhi.share.verification import (
    FILE,
    Desk,
    Opened,
    Refreshed,
    VerificationOffice,
    read_declaration,
    refresh,
)


def origin_of_finding(number: int) -> str:
    """Return the origin of the report that a finding of misuse makes."""
    return f"verification:{number}"


class Verifies(Delivers):
    """How a city confirms what others know, and tells them nothing else."""

    @cached_property
    def verification_desk(self) -> Desk:
        """Where questions are answered, as masks and declarations were when first asked.

        Raises:
            DocumentError: as `read_declaration` and `masks`.
        """
        secret = hmac.digest(self.city_key, b"subjects of verification indexes", "sha256").hex()
        office = VerificationOffice(
            self.receipt_office,
            self.lake,
            Opened(self.settings.folder / "verification", secret, sync_path),
            read_declaration(self.settings.folder),
            self.masks,
            self.settings.memory_limit,
        )
        return Desk(office)

    def refresh_verification(self, dataset: str, *, rebuild: bool = False) -> Refreshed:
        """Bring the index of a data set to its newest version. Raises as `refresh`."""
        return refresh(self.verification_desk.office, dataset, rebuild=rebuild)

    def refresh_verifications(self) -> dict[str, Refreshed]:
        """Bring every index to the newest version of its data set, of those that are there."""
        return {name: self.refresh_verification(name) for name in self.verifiable()}

    def cases_of_findings(self, findings: Iterable[int]) -> dict[int, CaseId]:
        """The case that each finding of misuse opened or joined."""
        origins = {origin_of_finding(number): number for number in findings}
        with self.control.transaction() as connection:
            known = known_origins(connection, origins)
        return {origins[origin]: case_id for origin, case_id in known.items()}

    def verifiable(self) -> tuple[str, ...]:
        """The data sets that can be asked about and are there."""
        # Most cities declare nothing; they need no desk to know.
        if not (self.settings.folder / FILE).is_file():
            return ()
        declared = self.verification_desk.office.declared.datasets
        return tuple(name for name in declared if self.lake.exists(name))

    def keep_verification(self, dataset: str) -> None:
        """Bring the index of a data set to what is new in it, if it can be asked about."""
        if dataset in self.verifiable():
            self.refresh_verification(dataset)
