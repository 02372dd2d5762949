"""The least stream of news: 100 bytes a second to each who looks on, nothing looked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from starlette.responses import StreamingResponse

app = FastAPI()


@app.get("/news")
async def news() -> StreamingResponse:
    async def told() -> AsyncIterator[bytes]:
        while True:
            yield b"event: news\ndata: " + b"x" * 80 + b"\n\n"
            await asyncio.sleep(1)

    return StreamingResponse(told(), media_type="text/event-stream")


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    uvicorn.run(app, host=host, port=int(port), log_level="warning", timeout_graceful_shutdown=1)
