"""What another process needs that works on the store of a test's city, whichever store that is."""

from __future__ import annotations

import os

from shuzhi.kernel.control import Control


def url_of(control: Control) -> str:
    """Return the address of a store, with all that is needed to open it."""
    return control.engine.url.render_as_string(hide_password=False)


def beside(control: Control) -> dict[str, str]:
    """Return the environment of a process that opens a city by its folder, on this store."""
    return {**os.environ, "SHUZHI_DATABASE_URL": url_of(control)}
