"""The command line: it reads arguments, calls the use cases and prints; it decides nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from tempfile import NamedTemporaryFile
from traceback import format_exception

from shuzhi.cli.frame.output import print_error
from shuzhi.kernel.errors import BrokenError, ShuzhiError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (default: the process's own); exits 2 on a refusal, 3 on our fault."""
    from shuzhi.cli.commands import app

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given)
    except ShuzhiError as error:
        sys.exit(print_error(error, as_json="--json" in given))
    except Exception as error:  # noqa: BLE001  nobody above would say it in plain words
        sys.exit(print_error(_fault(error), as_json="--json" in given))


def _fault(error: Exception) -> BrokenError:
    """Return an error that we did not foresee as one of ours, its trace kept in a file."""
    with NamedTemporaryFile(
        "w", prefix="shuzhi-fault-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(format_exception(error)))
    said = (str(error) or type(error).__name__).splitlines()[0][:300]
    return BrokenError(
        "cli.fault",
        f"Shuzhi came upon something it was not made for: {said}",
        next_step=f"Report this with {file.name}, after a look at whether it names what it should "
        "not.",
    )
