"""A city's gateway and landing, as `shuzhi gateway` runs them, beside the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

from shuzhi.app import City

Address = tuple[str, int]


@contextmanager
def all_of_it(city: City, ready: Queue[Any] | None = None) -> Iterator[list[Address]]:
    """Run the city's gateway and landing; yield its addresses. `ready` hears of later ones."""
    stop, failed = threading.Event(), Queue[BaseException]()
    told = ready or Queue[Any]()

    def run() -> None:
        try:
            city.run_gateway(told.put, stop, listen=["127.0.0.1:0"])
        except BaseException as error:
            failed.put(error)
            raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield told.get(timeout=60)
    finally:
        stop.set()
        thread.join(60)
    assert failed.empty()


@contextmanager
def gateway(city: City, ready: Queue[Any] | None = None) -> Iterator[int]:
    """Run the city's gateway and landing; yield its port."""
    with all_of_it(city, ready) as addresses:
        yield addresses[0][1]
