"""The list of duties, read from `duties.yaml`: data with their source."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field, StrictBool, model_validator

from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.kernel.law import Description
from shuzhi.kernel.party import Role

_FILE = Path(__file__).with_name("duties.yaml")


class Duty(StrictModel):
    """One duty: on whom it lies, where it stands, and by which looks its breach is seen.

    One that cannot be seen from here says why in `unseen`. `opens_case` is false where what is
    looked at makes a case by itself.
    """

    id: str
    role: Role
    article: str
    title: Description
    looks: tuple[str, ...] = ()
    unseen: Description | None = None
    opens_case: StrictBool = Field(True, alias="case")

    @model_validator(mode="after")
    def _is_seen_or_says_why(self) -> Duty:
        if bool(self.looks) == (self.unseen is not None):
            raise ValueError("a duty has looks, or says in `unseen` why it has none")
        return self


class DutyList(StrictModel):
    """The whole file; `is_verified` is true only when somebody compared it with the law."""

    source: str
    is_verified: StrictBool = Field(alias="verified")
    duties: tuple[Duty, ...]

    def duty(self, duty: str) -> Duty:
        """Return the duty of that id; KeyError when there is none."""
        return {each.id: each for each in self.duties}[duty]


@cache
def duty_list() -> DutyList:
    """Return the duties in the order of the list."""
    return shape(read_document(_FILE), DutyList, code="share.bad_duties")
