"""Servers that the gateway is held against: Node.js with PostgreSQL, Mosquitto with COPY.

Each is started for one measurement and stopped after it. What is not installed is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
_WHERE = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"


def missing() -> list[str]:
    """Return which programs the peers need and are not here."""
    wanted = ("node", "npm", "initdb", "pg_ctl", "psql", "mosquitto")
    return [name for name in wanted if shutil.which(name, path=_WHERE) is None]


@contextmanager
def postgres(folder: Path) -> Iterator[Path]:
    """Run a fresh PostgreSQL with its defaults; yield the folder of its socket."""
    data = folder / "postgres"
    # It refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data.mkdir()
    if user:
        shutil.chown(data, "postgres")
    options = f"-c listen_addresses='' -c unix_socket_directories={data} -c max_connections=50"
    start = ["pg_ctl", "-w", "-D", str(data / "db"), "-o", options, "-l", str(data / "log")]
    quiet = {"stdout": subprocess.DEVNULL, "check": True, "cwd": "/"}
    initialise = ["initdb", "-D", str(data / "db"), "-U", "postgres", "-A", "trust"]
    subprocess.run([*user, *initialise], **quiet)
    subprocess.run([*user, *start, "start"], **quiet)
    try:
        yield data
    finally:
        subprocess.run([*user, "pg_ctl", "-D", str(data / "db"), "-m", "fast", "stop"], **quiet)
        shutil.rmtree(data)


def install_node_client(folder: Path) -> bool:
    """Fetch the PostgreSQL client of Node.js; False where that cannot be done."""
    command = ["npm", "install", "--silent", "--no-audit", "--prefix", str(folder), "pg@8"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def node(folder: Path, mode: str) -> Iterator[int]:
    """Run the Node.js server in a mode; yield its port."""
    with postgres(folder) as database:
        command = ["node", str(PEERS / "node_postgres.js"), mode, str(database)]
        environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            assert server.stdout is not None
            try:
                yield int(server.stdout.readline().removeprefix("READY"))
            finally:
                server.kill()


@contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, dict[str, int]]]:
    """Run Mosquitto with a subscriber that COPYs; yield its port and, after, what was written."""
    told: dict[str, int] = {}
    with ExitStack() as stack:
        database = stack.enter_context(postgres(folder))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\n"
            "max_queued_messages 0\nset_tcp_nodelay true\nuser root\n"
        )
        program = shutil.which("mosquitto", path=_WHERE) or "mosquitto"
        broker = stack.enter_context(
            subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL)
        )
        stack.callback(broker.kill)
        time.sleep(1)
        command = [sys.executable, str(PEERS / "mqtt_copy.py"), str(port), str(database)]
        copier = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(copier.kill)
        assert copier.stdin is not None
        assert copier.stdout is not None
        copier.stdout.readline()
        yield port, told
        copier.stdin.close()
        told |= json.loads(copier.stdout.readline().removeprefix("RESULT "))
