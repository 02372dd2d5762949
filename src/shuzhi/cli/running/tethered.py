"""Runs a command that ends with whoever keeps it: when standard input ends, so does the command.

A keeper that is killed cannot end what it started; the end of its pipe can.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

from shuzhi.cli import main

COMMAND = (sys.executable, "-m", "shuzhi.cli.running.tethered")


def _end_when_alone() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=_end_when_alone, daemon=True).start()
    main()
