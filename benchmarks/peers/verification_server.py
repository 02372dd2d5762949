"""The whole application over a city, in one process: its guards, its accounts and all its pages."""

from __future__ import annotations

import sys

import uvicorn

from shuzhi.app import open_city
from shuzhi.web.reading import reader_of
from shuzhi.web.serving import make_app
from shuzhi.web.verifying import PATH

app = make_app(open_city(sys.argv[2]))
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    log_level="warning",
    access_log=False,
    http=reader_of(PATH),
)
