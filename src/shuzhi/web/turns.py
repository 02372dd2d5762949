"""Where questions of verification wait for the control store, and for each other.

Questions that come at the same time are written down in one turn; an answer leaves only when the
turn is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Any

from shuzhi.app import City
from shuzhi.kernel.errors import BrokenError
from shuzhi.share.access import Refusal, User
from shuzhi.share.accounts import Standing
from shuzhi.share.verification import (
    Answered,
    Asking,
    Desk,
    Permit,
    Question,
    Receipted,
    Settled,
)

# What is asked at once, by programs and by pages, is no more than this.
MOST_QUESTIONS, MOST_BYTES = 1_000, 1_000_000
# A turn that is larger keeps its askers waiting for longer than two smaller ones.
_MOST_OF_A_TURN = 512
# While a turn is written here nothing else is answered. Where that takes more than a few
# milliseconds again and again, the thread does it for a second.
_MOST_HERE, _QUICK_S, _TURNS_OF_A_PACE, _APART_S = 64, 0.010, 8, 1.0
# Pages that a turn adds to the store's log, as measured, and those after which it is brought in:
# before a commit has to do it, and seldom, for the commits beside it are slow.
_OF_A_TURN, _OF_A_RECEIPT, _CHECKPOINT_AFTER = 14, 2, 5_000
_VALID_S, _MOST_BELIEVED = 1.0, 10_000


class Line:
    """Where the questions of one event loop wait for the control store, and for each other.

    A turn is written here where the store is a file of a quick disk: a thread beside this one
    would take more from it, by sharing the interpreter, than the disk does. Else one thread does
    all that needs the store: two would wait for one another by sleeping. What is known of an asker
    is looked up anew ahead of time, while what was known still counts.
    """

    def __init__(self, city: City) -> None:
        self._city = city
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="verification")
        self._waiting: list[tuple[Answered, asyncio.Future[Receipted | Refusal]]] = []
        self._turns: asyncio.Task[None] | None = None
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="verification-log")
        self._pace_s = self._apart_until_s = 0.0
        self._logged = 0
        self._checkpoint: asyncio.Task[None] | None = None
        self._looking: dict[Hashable, asyncio.Future[Any]] = {}
        self._believed: dict[str, tuple[float, Standing]] = {}
        self._desk: Desk | None = None

    async def desk(self) -> Desk:
        """Return the city's desk. Raises as `City.verification_desk`."""
        if self._desk is None:
            self._desk = await self._once("desk", lambda: self._city.verification_desk)
        return self._desk

    async def standing(self, key: str) -> Standing | None:
        """Return who shows a key; what was found is believed for a second."""
        age_s, believed = self._age(key)
        if believed is None or age_s >= _VALID_S:
            return await asyncio.shield(self._once(key, lambda: self._looked(key)))
        if age_s >= _VALID_S / 2:
            self._once(key, lambda: self._looked(key))
        return believed

    async def permit(self, desk: Desk, asking: Asking) -> Permit | Refusal:
        """Return what an asker may ask. Raises as `Desk.permit`."""
        known = desk.known_permit(asking)
        if known is None or known.is_due:
            looking = self._once(asking, lambda: desk.look_up(asking))
        return await asyncio.shield(looking) if known is None else known.permit

    async def asked(self, user: User, question: Question) -> Receipted | Refusal:
        """Answer one question as all that come by HTTP are; its receipt is durable before.

        Raises as `City.verification_desk`, `Desk.permit`, `Desk.answer` and `Desk.settle`.
        """
        desk = await self.desk()
        answered = await self.answered(desk, user, question)
        if isinstance(answered, Refusal):
            return answered
        (result,) = await self.settled(desk, [answered])
        return result

    async def answered(self, desk: Desk, user: User, question: Question) -> Answered | Refusal:
        """Return an answer that may not leave before it is `settled`. Raises as `asked`."""
        asking = Asking(user, question.agreement, question.role, question.purpose)
        permit = await self.permit(desk, asking)
        return permit if isinstance(permit, Refusal) else desk.answer(permit, question)

    async def settled(self, desk: Desk, answered: Sequence[Answered]) -> list[Receipted | Refusal]:
        """Return when the answers are durable, in order."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in answered]
        self._waiting += zip(answered, futures, strict=True)
        if self._turns is None or self._turns.done():
            self._turns = loop.create_task(self._take_turns(desk))
        return [await future for future in futures]

    async def _take_turns(self, desk: Desk) -> None:
        while self._waiting:
            await self._all_who_ask()
            turn = self._waiting[:_MOST_OF_A_TURN]
            del self._waiting[:_MOST_OF_A_TURN]
            try:
                results = await self._written(desk, [each for each, _ in turn])
            except Exception as error:  # noqa: BLE001  (each who waits is told)
                for _, future in turn:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), result in zip(turn, results, strict=True):
                # Whoever asked may have gone.
                if not future.done():
                    future.set_result(result)
            self._count(len(turn))

    async def _all_who_ask(self) -> None:
        """Let whoever is about to ask go along: a turn costs little more for many than for one."""
        known = 0
        while known < len(self._waiting) < _MOST_OF_A_TURN:
            known = len(self._waiting)
            await asyncio.sleep(0)

    async def _written(self, desk: Desk, answered: Sequence[Answered]) -> list[Receipted | Refusal]:
        began_s, loop = monotonic(), asyncio.get_running_loop()
        written = self._written_here(desk, answered) if self._is_quick(answered) else None
        if written is None:
            return await loop.run_in_executor(self._thread, desk.settle, answered)
        self._pace_s += (monotonic() - began_s - self._pace_s) / _TURNS_OF_A_PACE
        if self._pace_s > _QUICK_S:
            self._pace_s, self._apart_until_s = 0.0, monotonic() + _APART_S
        if written.suspected:
            await loop.run_in_executor(self._thread, desk.tell, written)
        else:
            desk.tell(written)
        return written.results

    def _is_quick(self, answered: Sequence[Answered]) -> bool:
        is_small = len(answered) <= _MOST_HERE
        return is_small and self._city.control.is_file and monotonic() >= self._apart_until_s

    def _written_here(self, desk: Desk, answered: Sequence[Answered]) -> Settled | None:
        """Write answers down while nothing else is done; None where another writer is at it."""
        try:
            return desk.write(answered, at_once=True)
        except BrokenError as error:
            if error.code != "kernel.control_busy":
                raise
            return None

    def _count(self, written: int) -> None:
        """Have the store's log brought in before a commit has to do it."""
        self._logged += _OF_A_TURN + _OF_A_RECEIPT * written
        is_idle = self._checkpoint is None or self._checkpoint.done()
        if is_idle and self._logged >= _CHECKPOINT_AFTER:
            self._logged = 0
            self._checkpoint = asyncio.get_running_loop().create_task(self._bring_in())

    async def _bring_in(self) -> None:
        loop, control = asyncio.get_running_loop(), self._city.control
        # What fails here fails again, and is told, where something is written.
        with suppress(BrokenError):
            await loop.run_in_executor(self._beside, control.checkpoint)
            # Little came meanwhile. With it the log is empty, and begins anew instead of growing.
            await loop.run_in_executor(self._thread, control.checkpoint)

    def _once(self, name: Hashable, do: Callable[[], Any]) -> asyncio.Future[Any]:
        """Begin to do something in the thread, unless it is being done already."""
        looking = self._looking.get(name)
        if looking is None:
            looking = asyncio.get_running_loop().run_in_executor(self._thread, do)
            self._looking[name] = looking
            looking.add_done_callback(lambda done: self._ended(name, done))
        return looking

    def _ended(self, name: Hashable, done: asyncio.Future[Any]) -> None:
        del self._looking[name]
        # Where nobody waits for it, an error is met again by the next who asks.
        if not done.cancelled():
            done.exception()

    def _age(self, key: str) -> tuple[float, Standing | None]:
        at_s, found = self._believed.get(key, (0.0, None))
        return monotonic() - at_s, found

    def _looked(self, key: str) -> Standing | None:
        found = self._city.standing(key=key)
        if len(self._believed) >= _MOST_BELIEVED:
            self._believed.clear()
        if found is None:
            self._believed.pop(key, None)
        else:
            self._believed[key] = (monotonic(), found)
        return found
