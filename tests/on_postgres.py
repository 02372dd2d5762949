"""Runs tests on PostgreSQL: `pytest -p tests.on_postgres`, as `make test-postgres` does.

A server of its own listens on this machine alone while the tests run, and ends when they do,
however they end. Where a test opens a file of SQLite it gets a database of its own instead, made
from one that is migrated already; in the file stands which that is, so that who copies a city's
folder gets a copy of its database.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from shuzhi.kernel import control
from shuzhi.kernel.control import Control
from shuzhi.migrations import migrate

_TEMPLATE, _READY_S = "migrated", 60
# Makes a server and runs it until nobody holds the other end of its input any more, then clears
# its folder.
_KEEPER = """
folder=$1 programs=$2; shift 2
"$programs/initdb" -D "$folder/data" --auth=trust --username=shuzhi --encoding=UTF8 \\
    --locale=C.UTF-8 > /dev/null || exit 1
"$programs/postgres" -D "$folder/data" -k "$folder" "$@" &
read -r _
# More than once: a server that is just starting does not hear it.
while kill -INT $! 2> /dev/null; do sleep 0.2; done
rm -rf "$folder"
"""
# What a crash would lose is lost with the server.
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")


class _Server:
    """A PostgreSQL server in a folder, and the databases that tests opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._opened: dict[Path, list[Engine]] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the server and wait for it."""
        user = _user()
        shutil.chown(self._folder, user)
        settings = [f"-c{setting}" for setting in (*_QUICK, "listen_addresses=127.0.0.1")]
        told = [self._folder, _programs(), "-p", str(self._port), *settings]
        self._process = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _KEEPER, "sh", *told],
            # Who interrupts the tests does not interrupt what they need to end well.
            start_new_session=True, stdin=subprocess.PIPE,
            user=user, cwd="/", stderr=(self._folder / "log").open("wb"),
        )  # fmt: skip
        self._wait()
        self.run(f"CREATE DATABASE {_TEMPLATE}")
        template = self.engine(_TEMPLATE)
        migrate(Control(template))
        template.dispose()

    def stop(self) -> None:
        """End the server and clear its folder."""
        if self._process is not None:
            self._process.communicate(timeout=_READY_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> URL:
        """Return the address of a database."""
        return make_url(f"postgresql+psycopg://shuzhi@127.0.0.1:{self._port}/{database}")

    def engine(self, database: str) -> Engine:
        """Open a database."""
        return create_engine(self.url(database))

    def run(self, sql: str) -> None:
        """Do something outside of a transaction."""
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(sql))
        engine.dispose()

    def control(self, file: URL, *, wait_s: int) -> Control:
        """Open the database that stands for a file."""
        del wait_s
        path = Path(str(file.database))
        if path not in self._opened:
            self._drop_where(lambda opened: not opened.parent.exists())
            self.run(f"CREATE DATABASE {_name(path)} TEMPLATE {self._model_of(path)}")
            path.write_text(_name(path), encoding="utf-8")
            self._opened[path] = []
        engine = self.engine(_name(path))
        self._opened[path].append(engine)
        return Control(engine)

    def drop(self, folder: Path) -> None:
        """Take the databases away that stand for files below a folder."""
        self._drop_where(lambda path: path.is_relative_to(folder))

    def _drop_where(self, is_over: Callable[[Path], bool]) -> None:
        for path in [path for path in self._opened if is_over(path)]:
            self._let_go(path)
            del self._opened[path]
            self.run(f"DROP DATABASE {_name(path)} WITH (FORCE)")

    def _model_of(self, path: Path) -> str:
        """Return what a database is made from: the one that a copied file stands for."""
        if not path.exists():
            return _TEMPLATE
        (model,) = [p for p in self._opened if _name(p) == path.read_text(encoding="utf-8")]
        self._let_go(model)
        return _name(model)

    def _let_go(self, path: Path) -> None:
        for engine in self._opened[path]:
            engine.dispose()

    def _wait(self) -> None:
        until = time.monotonic() + _READY_S
        while True:
            try:
                self.run("SELECT 1")
            except OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return


def _name(path: Path) -> str:
    return f"t{sha256(str(path).encode()).hexdigest()[:20]}"


def _programs() -> Path:
    """Return where Debian keeps the newest PostgreSQL, or the folder that has it on the path."""
    held = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = held[-1] if held else shutil.which("postgres")
    if found is None:
        pytest.exit("There is no PostgreSQL here; make test-postgres installs it.")
    return Path(found).parent


def _user() -> str:
    """Return as whom the server runs: it refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", autouse=True)
def _server() -> Iterator[_Server]:
    server = _Server(Path(tempfile.mkdtemp(prefix="shuzhi-pg-")))
    try:
        server.start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SHUZHI_TEST_POSTGRES_URL", server.url().render_as_string())
            patch.setattr(control, "_file_control", server.control)
            yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _own(request: pytest.FixtureRequest, _server: _Server) -> Iterator[None]:
    """Take away what a test had for itself; what several have together stays to the end."""
    has_own = "tmp_path" in request.fixturenames
    folder: Path | None = request.getfixturevalue("tmp_path") if has_own else None
    yield
    if folder is not None:
        _server.drop(folder)
