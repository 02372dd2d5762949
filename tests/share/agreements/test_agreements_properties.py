"""Whatever parties try, in whatever order: no illegal way is gone, and no clock is lost."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import (
    Act,
    Actor,
    AgreementId,
    ApplicationId,
    ApplicationState,
    Asked,
    Clock,
    Deed,
    MatterKind,
    Step,
    Verb,
    act,
    agree,
    agreement,
    agreements,
    application,
    applications,
    deal,
    renew,
    replayed,
    steps_since,
    submit,
    tick,
)
from shuzhi.share.agreements.clocks import live
from shuzhi.share.agreements.model import (
    SYSTEM,
    Agreement,
    AgreementState,
    Application,
    Matter,
    Side,
    kind_of,
)
from shuzhi.share.agreements.ways import WAYS
from shuzhi.share.catalogue.model import LegalBasis, Rank

_OF_APPLICATIONS = [v for v in Verb if v in WAYS and v not in (Verb.AGREE, Verb.RENEW)]
_DEEDS = [Verb.PROVIDE, Verb.SUSPEND, Verb.RESUME, Verb.END, Verb.DISPOSE]
_people = st.builds(
    Actor,
    st.sampled_from(["a.li", "b.wu"]),
    st.sampled_from(["water", "ecology", "transport", "city", "province"]).map(PartyId),
)
_spans = st.timedeltas(timedelta(0), timedelta(days=20))
_asked = st.fixed_dictionaries(
    {
        "purposes": st.sampled_from([("tracing",), ("planning",), ("tracing", "trade")]),
        "basis": st.sampled_from(["", "水污染防治法 第二十五条"]),
    }
) | st.just({"dataset": None, "wanted": "Levels of the weir"})
Changes = dict[str, Any]
# The clock that must run in a state, whatever led there.
_CLOCK_OF = {
    ApplicationState.DOCKING: Clock.ASSIGNMENT,
    ApplicationState.WAITING: Clock.ANSWER,
    ApplicationState.NEGOTIATING: Clock.NEGOTIATION,
    ApplicationState.MEDIATING: Clock.MEDIATION,
    ApplicationState.DECIDING: Clock.DECISION,
    AgreementState.ACTIVE: Clock.END,
    AgreementState.SUSPENDED: Clock.END,
    AgreementState.ENDED: Clock.DISPOSAL,
}
# What a provider wants and cannot do is noted as a proposal.
_WISHES = frozenset({Verb.SUSPEND, Verb.END})


class Sharing(RuleBasedStateMachine):
    """Parties who try anything with applications and agreements."""

    def __init__(self, new_exchange: Callable[[Path], Any]) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.town = new_exchange(Path(self.folder.name))
        self.town.know_2027()

    @property
    def matters(self) -> list[Matter]:
        return [
            *applications(self.town.office, limit=500), *agreements(self.town.office, limit=500)
        ]  # fmt: skip

    @rule(asked=_asked, by=_people)
    def submit(self, asked: Changes, by: Actor) -> None:
        self._try(lambda: submit(self.town.office, self.town.asked(**asked), by=by))

    @rule(
        at=st.integers(1, 4), verb=st.sampled_from(_OF_APPLICATIONS), by=_people, asked=_asked,
        days=st.integers(0, 12), rank=st.sampled_from(Rank), is_ordered=st.booleans(),
    )  # fmt: skip
    def act(
        self, at: int, verb: Verb, by: Actor, asked: Changes, days: int, rank: Rank,
        is_ordered: bool,
    ) -> None:  # fmt: skip
        given_ = Act(
            verb, by, text="said", days=days, basis=LegalBasis("测绘法", rank, "第四十七条"),
            asked=self.town.asked(**asked) if verb is Verb.COMPLETE else None,
            is_ordered=is_ordered,
            provider=PartyId("ecology") if verb is Verb.ASSIGN else None,
        )  # fmt: skip
        if verb in _DEEDS:
            deed = Deed(verb, by, text="said", method="deleted")
            self._try(lambda: deal(self.town.office, AgreementId(at), deed))
        else:
            self._try(lambda: act(self.town.office, ApplicationId(at), given_))

    @rule(at=st.integers(1, 4), by=_people)
    def agree(self, at: int, by: Actor) -> None:
        self._try(lambda: agree(self.town.office, ApplicationId(at), by=by, dataset="air"))

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """Do what a state allows, by a side that may, so that matters go far."""
        matters = [m for m in self.matters if any(m.state in froms for froms in WAYS.values())]
        if not matters:
            return
        matter = data.draw(st.sampled_from(matters))
        able = sorted(v for v, froms in WAYS.items() if matter.state in froms)
        verb = data.draw(st.sampled_from(able))
        side = data.draw(st.sampled_from(sorted(WAYS[verb][matter.state])))
        by = Actor(data.draw(st.sampled_from(["a.li", "b.wu"])), _holder(matter, side))
        self._do(matter, verb, by)

    @rule(at=st.integers(1, 3))
    def renew(self, at: int) -> None:
        period = Asked(
            starts_on=date(2027, 1, 1), ends_on=date(2027, 3, 31), agreed_by="w.qian"
        )  # fmt: skip
        self._try(
            lambda: renew(self.town.office, AgreementId(at), period, by=self.town.water)
        )  # fmt: skip

    @rule(passed=_spans)
    def sleep(self, passed: timedelta) -> None:
        if (self.town.now + passed).year < 2028:
            self.town.now = Instant(self.town.now + passed)
        assert tick(self.town.office).refused == ()
        assert tick(self.town.office).moved == 0

    @invariant()
    def histories_replay_to_the_state(self) -> None:
        for matter in self.matters:
            assert replayed(self.town.office, kind_of(matter), matter.id) == matter

    @invariant()
    def every_step_went_a_legal_way(self) -> None:
        for matter in self.matters:
            states = [None]
            for step in _steps(self.town, matter):
                assert _is_legal(step, states[-1])
                states.append(step.state)  # type: ignore[arg-type]

    @invariant()
    def no_clock_is_lost(self) -> None:
        """Whoever has to do something has a deadline, or is late and known to be."""
        for matter in self.matters:
            clock = _CLOCK_OF.get(matter.state)
            run = None if clock is None else live(matter.runs, clock)
            assert clock is None or run is not None
            assert run is None or run.is_live is not (run.broken_at is not None)
            assert run is None or run.broken_at or run.due_at is not None

    @invariant()
    def nothing_runs_that_has_no_meaning(self) -> None:
        for matter in self.matters:
            running = [r for r in matter.runs if r.ended_at is None]
            assert len({r.clock for r in running}) == len(running)
            is_over = isinstance(matter, Application) and not matter.is_open
            assert not (is_over and running)

    @invariant()
    def each_consent_made_one_agreement_and_each_step_one_entry(self) -> None:
        found = [a for a in applications(self.town.office, limit=500) if a.agreement is not None]
        made = agreements(self.town.office, limit=500)
        assert {a.agreement: a.id for a in found} == {a.id: a.application for a in made}
        with self.town.control.transaction() as connection:
            contents = connection.scalars(select(outbox_table.c.content)).all()
        told = sorted((e["subject"], e["facts"]["step"]) for e in map(json.loads, contents))
        steps = [s for _, s in steps_since(self.town.office, 0, limit=10_000)]
        assert told == sorted((f"{s.kind}:{s.matter}", s.number) for s in steps)

    def _do(self, matter: Matter, verb: Verb, by: Actor) -> None:
        office = self.town.office
        if verb is Verb.AGREE:
            self._try(lambda: agree(office, ApplicationId(matter.id), by=by, dataset="air"))
        elif isinstance(matter, Agreement):
            deed = Deed(verb, by, matter.version, "said", "deleted")
            self._try(lambda: verb is Verb.RENEW or deal(office, matter.id, deed))
        else:
            given_ = Act(
                verb, by, matter.version, "said", days=3, is_ordered=matter.version % 2 == 0,
                basis=LegalBasis("测绘法", Rank.LAW, "第四十七条"),
                asked=_whole(matter.asked) if verb is Verb.COMPLETE else None,
                provider=PartyId("ecology") if verb is Verb.ASSIGN else None,
            )  # fmt: skip
            self._try(lambda: act(office, matter.id, given_))

    def _try(self, verb: object) -> None:
        """Do it; a refusal writes nothing."""
        before = len(steps_since(self.town.office, 0, limit=10_000))
        try:
            verb()  # type: ignore[operator]
        except RefusedError:
            assert len(steps_since(self.town.office, 0, limit=10_000)) == before

    def teardown(self) -> None:
        self.town.control.engine.dispose()
        self.folder.cleanup()


def _whole(asked: Asked) -> Asked:
    return Asked(**{**vars(asked), "basis": "水污染防治法 第二十五条"})


def _holder(matter: Matter, side: Side) -> PartyId | None:
    parties = [PartyId(p) for p in ("water", "ecology", "transport", "city", "province")]
    return next((p for p in parties if side in matter.sides(p)), None)


def _steps(town: Any, matter: Matter) -> tuple[Step, ...]:
    if kind_of(matter) is MatterKind.APPLICATION:
        return application(town.office, ApplicationId(matter.id)).steps
    return agreement(town.office, AgreementId(matter.id)).steps


def _is_legal(step: Step, before: str | None) -> bool:
    if before is None:
        return step.verb in (Verb.SUBMIT, Verb.MAKE)
    if step.by == SYSTEM.person:
        return step.verb in (Verb.BREAK_CLOCK, Verb.REMIND, Verb.EXPIRE, Verb.GO_UP, Verb.RENEW)
    if step.verb is Verb.PROPOSE:
        return any(before in WAYS[wish] for wish in _WISHES) and step.state == before
    return before in WAYS[step.verb]


def test_sharing_keeps_its_promises(new_exchange: Callable[[Path], Any]) -> None:
    run_state_machine_as_test(
        lambda: Sharing(new_exchange),
        settings=settings(max_examples=20, stateful_step_count=25, deadline=None),
    )
