"""What is asked of linkages and done beside: one at a time each, whatever dies over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.beside import url_of

from shuzhi.audit.outbox import outbox_table
from shuzhi.share.linkage import (
    LinkageError,
    WorkKind,
    WorkState,
    ask,
    last_run,
    take_up,
    train,
    work,
    works,
)
from shuzhi.share.linkage.work_store import put_begun, read_open
from shuzhi.share.linkage.works import MOST_STARTS

from .conftest import NOW, YAML

_ROOT = Path(__file__).parents[3]
# A process that is at a work, says so, and never gets on with it.
_STUCK = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.share.linkage.conftest import office_in
from shuzhi.kernel.control import open_control
from shuzhi.share.linkage import take_up

class Stuck:
    def version(self, name):
        print("begun", flush=True)
        sys.stdin.read()

folder, store = Path(sys.argv[1]), open_control(sys.argv[2])
take_up(replace(office_in(folder), control=store, lake=Stuck()))
"""


def asked(world: Any, kind: WorkKind = WorkKind.RUN, *, origin: str = "one") -> Any:
    return ask(world.office, "residents", kind, by="li", origin=origin)


@contextmanager
def stuck(copied: Any) -> Iterator[subprocess.Popen[str]]:
    """Let another process be at what was asked, which ends killed."""
    command = [sys.executable, "-c", _STUCK, str(copied.folder), url_of(copied.control)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=_ROOT, text=True, **pipes) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            process.kill()


def test_a_run_that_was_asked_for_waits_and_is_done_once(copied: Any) -> None:
    before = last_run(copied.office, "residents")
    waiting = asked(copied)
    assert (waiting.state, waiting.begun_at, waiting.starts) == (WorkState.WAITING, None, 0)
    assert work(copied.office, "residents", waiting.id) == waiting
    assert last_run(copied.office, "residents") == before
    assert take_up(copied.office) == 1
    done, made = work(copied.office, "residents", waiting.id), last_run(copied.office, "residents")
    assert (done.state, done.asked_by, done.starts, done.failure) == (WorkState.DONE, "li", 1, "")
    assert (done.made, done.figures) == (made.id, made.figures)
    assert made.id > before.id
    assert take_up(copied.office) == 0
    assert last_run(copied.office, "residents") == made


def test_what_was_asked_is_in_the_log_before_it_is_done(copied: Any) -> None:
    asked(copied)
    with copied.control.transaction() as connection:
        said = [row.content.decode() for row in connection.execute(outbox_table.select())]
    assert '"linkage.asked"' in said[-1]
    assert '"by":"li"' in said[-1].replace(" ", "")


def test_a_linkage_has_one_work_at_a_time_and_the_second_names_it(copied: Any) -> None:
    first = asked(copied)
    with pytest.raises(LinkageError) as refused:
        asked(copied, WorkKind.TRAINING, origin="two")
    assert refused.value.code == "share.linkage_working"
    assert f"work {first.id}" in refused.value.message
    assert "li" in refused.value.message
    # Sent again it is the same work, also when that has ended.
    assert asked(copied) == first
    take_up(copied.office)
    assert asked(copied) == work(copied.office, "residents", first.id)
    second = asked(copied, origin="two")
    assert [each.id for each in works(copied.office, "residents")] == [second.id, first.id]
    assert works(copied.office, "residents", before=second.id)[0].id == first.id


def test_what_is_refused_fails_with_the_reason_and_the_next_may_come(copied: Any) -> None:
    other = copied.declare(YAML.replace("phone: mobile", "phone: telephone"))
    failing = ask(other, "residents", WorkKind.TRAINING, by="li", origin="one")
    assert take_up(other) == 1
    failed = work(other, "residents", failing.id)
    assert (failed.state, failed.made, failed.figures) == (WorkState.FAILED, None, None)
    assert failed.failure.startswith("share.linkage_columns: ")
    assert failed.ended_at == NOW
    assert asked(copied, origin="two").state is WorkState.WAITING


def test_what_breaks_fails_too_and_is_told_to_whoever_keeps_the_log(copied: Any) -> None:
    class Broken:
        def version(self, name: str) -> int:
            raise ZeroDivisionError(name)

    waiting, broken = asked(copied), replace(copied.office, lake=Broken())
    with pytest.raises(ZeroDivisionError):
        take_up(broken)
    failed = work(copied.office, "residents", waiting.id)
    assert (failed.state, failed.failure) == (WorkState.FAILED, "ZeroDivisionError: register")


def test_a_run_is_refused_at_once_where_no_model_fits(copied: Any) -> None:
    other = copied.declare(YAML.replace("link: 0.999", "link: 0.99").replace("mobile", "home"))
    with pytest.raises(LinkageError) as refused:
        ask(other, "residents", WorkKind.RUN, by="li", origin="one")
    assert refused.value.code == "share.linkage_model_state"
    assert works(other, "residents") == ()


def test_what_died_over_a_work_leaves_it_to_be_taken_up_again(copied: Any) -> None:
    waiting = asked(copied)
    with stuck(copied):
        running = work(copied.office, "residents", waiting.id)
        assert (running.state, running.starts) == (WorkState.RUNNING, 1)
        # Nobody else takes it up, or trains beside it.
        assert take_up(copied.office) == 0
        with pytest.raises(LinkageError) as refused:
            train(copied.office, "residents", by="wang")
        assert refused.value.code == "share.linkage_working"
    left = work(copied.office, "residents", waiting.id)
    assert (left.state, left.starts) == (WorkState.WAITING, 1)
    assert take_up(copied.office) == 1
    done = work(copied.office, "residents", waiting.id)
    assert (done.state, done.starts) == (WorkState.DONE, 2)


def test_a_work_over_which_each_process_dies_is_given_up(copied: Any) -> None:
    waiting = asked(copied)
    for _ in range(MOST_STARTS):
        with copied.control.transaction() as connection:
            (left,) = read_open(connection)
            put_begun(connection, left, NOW)
    assert take_up(copied.office) == 1
    failed = work(copied.office, "residents", waiting.id)
    assert failed.state is WorkState.FAILED
    assert failed.failure.startswith("share.linkage_work_broken: ")
    assert str(MOST_STARTS) in failed.failure


def test_a_work_waits_while_somebody_at_the_shell_is_at_the_same_linkage(copied: Any) -> None:
    waiting = asked(copied)
    with copied.office.alone("residents"):
        assert take_up(copied.office) == 0
    assert work(copied.office, "residents", waiting.id).state is WorkState.WAITING
    assert work(copied.office, "residents", waiting.id).starts == 0
    assert take_up(copied.office) == 1


@pytest.mark.parametrize("number", [1, 2**40])
def test_what_was_never_asked_is_not_there(copied: Any, number: int) -> None:
    with pytest.raises(LinkageError) as refused:
        work(copied.office, "residents", number)
    assert refused.value.code == "share.linkage_work_unknown"
