"""Runs the gateway's process; its keeper starts it."""

from __future__ import annotations

import gc
import logging
import resource
import sys

import uvloop

from shuzhi.gather.sensors.gateway.process import serve

# A batch is thousands of small objects that are gone in a moment, and hold no circles.
_COLLECT_AFTER = (50_000, 20, 100)
# The thread that writes and answers needs the interpreter a few times for each batch, and the event
# loop gives it up so briefly that it would mostly wait for this to pass.
_SWITCH_SECONDS = 0.000_5


def main() -> None:
    """Serve until the keeper or a signal ends it."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("shuzhi").setLevel(logging.INFO)
    # Every connection is a file: take as many as this process may have.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.set_threshold(*_COLLECT_AFTER)
    gc.freeze()
    sys.setswitchinterval(_SWITCH_SECONDS)
    uvloop.run(serve())


if __name__ == "__main__":
    main()
