"""Runs the gateway's process; its keeper starts it."""

from __future__ import annotations

import logging
import resource

import uvloop

from shuzhi.gather.sensors.gateway.process import serve


def main() -> None:
    """Serve until the keeper or a signal ends it."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("shuzhi").setLevel(logging.INFO)
    # Every connection is a file: take as many as this process may have.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(serve())


if __name__ == "__main__":
    main()
