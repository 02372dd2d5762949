"""Errors: one root, two branches, a stable code and a next step."""

from __future__ import annotations

import pytest

from shuzhi.kernel.errors import BrokenError, RefusedError, ShuzhiError


def test_an_error_reads_as_code_message_and_next_step() -> None:
    error = RefusedError("gather.ragged_row", "Row 7 has 3 cells, not 4.", next_step="Mend row 7.")
    assert str(error) == "gather.ragged_row: Row 7 has 3 cells, not 4. Mend row 7."
    assert (error.code, error.next_step) == ("gather.ragged_row", "Mend row 7.")


def test_an_error_without_next_step_ends_at_its_message() -> None:
    assert str(BrokenError("gather.disk_full", "The disk is full.")) == (
        "gather.disk_full: The disk is full."
    )


@pytest.mark.parametrize("branch", [RefusedError, BrokenError])
def test_both_branches_are_caught_by_the_root(branch: type[ShuzhiError]) -> None:
    with pytest.raises(ShuzhiError):
        raise branch("kernel.example", "Because.")


def test_the_branches_are_apart() -> None:
    assert not issubclass(RefusedError, BrokenError)
    assert not issubclass(BrokenError, RefusedError)
