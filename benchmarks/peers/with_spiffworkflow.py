"""SpiffWorkflow: the same life as a BPMN process, its state stored in SQLite after each step."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

STEPS = ("verify", "file", "dispatch", "take", "feed_back", "check", "close", "rate")
CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 60


def bpmn() -> str:
    """Return a process of one manual task for each step, with a timer on `take`."""
    last = len(STEPS)
    tasks = "".join(
        f'<manualTask id="t{n}" name="{name}"><incoming>f{n}</incoming>'
        f"<outgoing>f{n + 1}</outgoing></manualTask>"
        for n, name in enumerate(STEPS)
    )
    sources = ["start", *(f"t{n}" for n in range(last))]
    targets = [*(f"t{n}" for n in range(last)), "end"]
    flows = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>'
        for n, (a, b) in enumerate(zip(sources, targets, strict=True))
    )
    timer = (
        '<boundaryEvent id="late" attachedToRef="t3" cancelActivity="false"><outgoing>g0</outgoing>'
        '<timerEventDefinition id="d"><timeDuration>"PT1S"</timeDuration></timerEventDefinition>'
        '</boundaryEvent><manualTask id="up" name="escalate"><incoming>g0</incoming>'
        '<outgoing>g1</outgoing></manualTask><endEvent id="done"><incoming>g1</incoming></endEvent>'
        '<sequenceFlow id="g0" sourceRef="late" targetRef="up"/>'
        '<sequenceFlow id="g1" sourceRef="up" targetRef="done"/>'
    )
    return (
        '<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'id="cases" targetNamespace="cases"><process id="case" isExecutable="true">'
        f'<startEvent id="start"><outgoing>f0</outgoing></startEvent>{tasks}{flows}{timer}'
        f'<endEvent id="end"><incoming>f{last}</incoming></endEvent></process></definitions>'
    )


def main() -> None:
    """Print the rates of durable steps, and of looking whether a timer is due."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "case.bpmn"
        path.write_text(bpmn(), encoding="utf-8")
        parser = BpmnParser()
        parser.add_bpmn_file(str(path))
        spec = parser.get_spec("case")
        store = sqlite3.connect(f"{folder}/cases.db", isolation_level=None)
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=FULL")
        store.execute("CREATE TABLE work (id INTEGER PRIMARY KEY, state TEXT)")
        print(json.dumps(measured(spec, store)))


def measured(spec: object, store: sqlite3.Connection) -> dict[str, float]:
    """Return durable steps a second, ticks a second, and the bytes of a case."""
    texts = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure())
    for case_id in range(CASES):
        work = BpmnWorkflow(spec)
        work.do_engine_steps()
        store.execute("INSERT INTO work VALUES (?, ?)", (case_id, texts.serialize_json(work)))
    waiting, started = "", perf_counter()
    for name in STEPS:
        for case_id in range(CASES):
            state = step(texts, store, case_id, name)
            waiting = state if name == "dispatch" else waiting
    seconds = perf_counter() - started
    sleep(1.1)
    ticked = perf_counter()
    for _ in range(CASES):
        texts.deserialize_json(waiting).refresh_waiting_tasks()
    tick_seconds = perf_counter() - ticked
    return {
        "steps_per_second": CASES * len(STEPS) / seconds,
        "ticks_per_second": CASES / tick_seconds,
        "bytes_per_case": len(waiting),
    }


def step(texts: BpmnWorkflowSerializer, store: sqlite3.Connection, case_id: int, name: str) -> str:
    """Load a case, do one task, store the case, and return its text."""
    (text,) = store.execute("SELECT state FROM work WHERE id = ?", (case_id,)).fetchone()
    work = texts.deserialize_json(text)
    ready = work.get_tasks(state=TaskState.READY)
    next(task for task in ready if task.task_spec.bpmn_name == name).run()
    work.do_engine_steps()
    state: str = texts.serialize_json(work)
    store.execute("UPDATE work SET state = ? WHERE id = ?", (state, case_id))
    return state


if __name__ == "__main__":
    main()
