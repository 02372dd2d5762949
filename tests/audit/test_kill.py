"""A process that is killed at any moment: its log opens, and no acknowledged entry is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from shuzhi.audit import Signer, flush, found_log, open_log, verify_folder
from shuzhi.kernel.control import metadata, open_control

KEY = "Signer('audit.city.example', bytes(range(32)))"

# Three threads append until the process is killed; each tells what was acknowledged, and where.
APPENDER = f"""
import sys, threading
from pathlib import Path
from shuzhi.audit import Signer, open_log

log = open_log(Path(sys.argv[1]), {KEY})

def work(caller):
    for n in range(1_000_000):
        entry = f"{{caller}}/{{n}}" * (1 + n % 7)
        first = log.append([entry.encode()] * (1 + n % 40))
        sys.stdout.write(f"{{first}} {{entry}}\\n")
        sys.stdout.flush()

for caller in range(3):
    threading.Thread(target=work, args=(f"{{sys.argv[2]}}/{{caller}}",)).start()
"""

# Makes changes with their entries, and moves them, until it is killed; tells of each change.
MOVER = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from sqlalchemy import text
from shuzhi.audit import Entry, Signer, flush, open_log, queue
from shuzhi.kernel.control import open_control

control = open_control(sys.argv[2])
log = open_log(Path(sys.argv[1]), {KEY})
while True:
    with control.transaction() as connection:
        n = connection.scalar(text("INSERT INTO change DEFAULT VALUES RETURNING n"))
        queue(connection, Entry("case.opened", datetime.now(UTC), "system", f"case:{{n}}"))
    print(n, flush=True)
    if n % 3 == 0:
        flush(control, log)
"""


def told_until_killed(script: str, lines: int, *arguments: object) -> list[str]:
    """Run a script until it has said so many lines, kill it, and return all that it said."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest = process.stdout.read()
    process.wait(timeout=30)
    whole = ("".join(said) + rest).split("\n")[:-1]
    assert len(whole) >= lines
    return whole


def test_a_killed_writer_loses_no_acknowledged_entry(tmp_path: Path, signer: Signer) -> None:
    folder = tmp_path / "log"
    found_log(folder, signer).close()
    told: list[str] = []
    shown: list[bytes] = []
    for life in range(3):
        told += told_until_killed(APPENDER, 20 + 23 * life, folder, life)
        shown.append((folder / "checkpoint").read_bytes())
        assert verify_folder(folder, [signer.key], known=shown).problems == ()
    with open_log(folder, signer) as log:
        stored = list(log.reader.entries(0, log.size))
    pairs = [line.split(" ") for line in told]
    assert [stored[int(first)].decode() for first, _ in pairs] == [entry for _, entry in pairs]
    assert len({first for first, _ in pairs}) == len(told)
    report = verify_folder(folder, [signer.key], known=shown)
    assert (report.problems, report.unfinished, report.entries) == ((), (), len(stored))


def test_a_killed_mover_loses_and_doubles_nothing(tmp_path: Path, signer: Signer) -> None:
    url, folder = f"sqlite:///{tmp_path / 'control.db'}", tmp_path / "log"
    control = open_control(url)
    metadata.create_all(control.engine)
    found_log(folder, signer).close()
    with control.transaction() as connection:
        connection.execute(text("CREATE TABLE change (n INTEGER PRIMARY KEY)"))
    told = [told_until_killed(MOVER, 9 + 8 * life, folder, url) for life in range(3)]
    with open_log(folder, signer) as log:
        flush(control, log)
        assert flush(control, log) == 0
        contents = [json.loads(raw) for raw in log.reader.entries(0, log.size)]
    with control.transaction() as connection:
        made = connection.scalars(text("SELECT n FROM change ORDER BY n")).all()
    assert [c["entry"]["subject"] for c in contents] == [f"case:{n}" for n in made]
    assert {int(n) for lines in told for n in lines} <= set(made)
