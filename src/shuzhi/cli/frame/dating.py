"""What a command says of the deadlines that it set or moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shuzhi.cli.frame.output import counted, out

if TYPE_CHECKING:
    from shuzhi.app.act.dating import Dated


def show_dated(dated: Dated) -> None:
    """Say how many got a deadline, or another one, by the calendar; nothing where none did."""
    if dated.clocks:
        out.print(f"{counted(dated.clocks, 'clock')} of open cases got a deadline by the calendar.")
    if dated.appeals:
        out.print(f"{counted(dated.appeals, 'appeal')} got a deadline by the calendar.")
    if dated.sharing:
        out.print(f"{counted(dated.sharing, 'matter')} of sharing got a deadline by the calendar.")
