"""The command line: it reads arguments, calls the use cases and prints; it decides nothing."""

from __future__ import annotations

import sys

from shuzhi.cli.output import print_error
from shuzhi.kernel.errors import ShuzhiError


def main() -> None:
    """Run the command line; a refusal exits with 2, a fault of ours with 3."""
    from shuzhi.cli.commands import app

    try:
        app()
    except ShuzhiError as error:
        sys.exit(print_error(error, as_json="--json" in sys.argv))
