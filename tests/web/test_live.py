"""Streams of news: one look for all, only what changed, and an end when nobody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import pytest

from shuzhi.app import City
from shuzhi.web import live
from shuzhi.web.live import Live
from shuzhi.web.pulse import Pulse


class Looked:
    """Counts looks, and answers with the next state each time; the last one stays."""

    def __init__(self, *states: dict[str, str] | Exception) -> None:
        self.states = list(states)
        self.looks = 0

    def __call__(self) -> dict[str, str]:
        self.looks += 1
        state = self.states[min(self.looks, len(self.states)) - 1]
        if isinstance(state, Exception):
            raise state
        return state


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(live, "_EVERY_SECONDS", 0.01)
    yield


def channels() -> Live:
    return Live(cast("City", None))


async def news(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    async for chunk in stream:
        _, found, data = chunk.partition(b"data: ")
        if found:
            return dict(json.loads(data))
    raise AssertionError("the stream ended")


def test_first_everything_is_told_and_then_what_changed() -> None:
    async def play() -> None:
        looked = Looked({"a": "1", "b": "1"}, {"a": "1", "b": "2"})
        stream = channels().channel("x", looked)
        assert await news(stream) == {"a": "1", "b": "1"}
        assert await news(stream) == {"b": "2"}

    asyncio.run(play())


def test_many_listeners_cost_one_look() -> None:
    async def play() -> None:
        looked, told = Looked({"a": "1"}), channels()
        streams = [told.channel("x", looked) for _ in range(50)]
        heard = await asyncio.gather(*(news(stream) for stream in streams))
        assert heard == [{"a": "1"}] * 50
        assert looked.looks < 50

    asyncio.run(play())


def test_who_comes_later_is_told_how_things_stand() -> None:
    async def play() -> None:
        looked, told = Looked({"a": "1"}, {"a": "2"}), channels()
        first = told.channel("x", looked)
        assert await news(first) == {"a": "1"}
        assert await news(first) == {"a": "2"}
        assert await news(told.channel("x", looked)) == {"a": "2"}

    asyncio.run(play())


def test_a_look_that_fails_ends_nothing() -> None:
    async def play() -> None:
        looked = Looked(ValueError("the disk is away"), {"a": "1"})
        assert await news(channels().channel("x", looked)) == {"a": "1"}

    asyncio.run(play())


def test_nobody_listening_means_nobody_looks() -> None:
    async def play() -> None:
        looked, told = Looked({"a": "1"}), channels()
        stream = told.channel("x", looked)
        await news(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        before = looked.looks
        await asyncio.sleep(0.1)
        assert looked.looks == before

    asyncio.run(play())


def test_streams_end_when_the_server_does() -> None:
    async def play() -> None:
        told = channels()
        stream = told.channel("x", Looked({"a": "1"}))
        await news(stream)
        await told.close()
        with suppress(AssertionError):
            async with asyncio.timeout(10):
                await news(stream)

    asyncio.run(play())


def test_a_citys_pulse_changes_with_its_cases(city: City) -> None:
    before = Pulse(city)()
    assert set(before) == {"cases", "sharing", "warnings", "sources", "jobs"}
    assert before["cases"] != "0"
    assert before == Pulse(city)()


def test_a_stream_does_not_outlast_the_session_that_opened_it() -> None:
    async def play() -> None:
        stream = Live(cast("City", None), timedelta(0)).channel("x", Looked({"a": "1"}))
        assert [chunk async for chunk in stream] == [b"retry: 3000\n\n"]

    asyncio.run(play())
