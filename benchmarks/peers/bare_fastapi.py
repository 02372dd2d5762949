"""A bare FastAPI endpoint that answers a constant: what the verification server is held against."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/api/v1/verifications")
async def constant() -> dict[str, str]:
    """Answer always the same."""
    return {"answer": "yes"}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
