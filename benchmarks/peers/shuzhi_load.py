"""Our load, whole: a source run by its contract into a durable table, bad rows kept apart."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from time import perf_counter

# The clock starts after the imports, so the engine that the first load would import comes first.
import ibis.backends.duckdb
import ibis.formats.pandas  # noqa: F401

from shuzhi.gather.contracts import parse_contract, register
from shuzhi.gather.lake import open_lake
from shuzhi.gather.sources import Gathering, read_source, run_source
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import system_clock

_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:bench
name: ratings
version: 1.0.0
status: active
schema:
  - name: ratings
    properties:
      - {name: rating_id, logicalType: integer, required: true, primaryKey: $key}
      - {name: person_id, logicalType: integer, required: true}
      - {name: service_id, logicalType: integer, required: true}
      - {name: rating, logicalType: number, logicalTypeOptions: {minimum: 0.5, maximum: 5}}
      - {name: price_yuan, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - {name: rated_at, logicalType: timestamp, required: true}
      - {name: served_on, logicalType: date}
      - {name: district, logicalType: string}
      - name: channel
        logicalType: string
        enum: [{value: app}, {value: web}, {value: desk}, {value: phone}]
      - {name: is_verified, logicalType: boolean}
      - {name: remark, logicalType: string, logicalTypeOptions: {maxLength: 200}}
      - {name: wait_minutes, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""
_SOURCE = """
name: ratings_file
dataset: ratings
provider: bench
kind: file
path: {file}
format: csv
encoding: {encoding}
"""


class _Silent:
    def started(self, label: str, total: int | None) -> None: ...
    def advanced(self, amount: int) -> None: ...
    def finished(self) -> None: ...


def _no_secret(name: str) -> str:
    raise RefusedError("bench.no_secret", name)


def load(wanted: argparse.Namespace) -> dict[str, float]:
    """Load the file into a new lake and return what became of its rows, and the seconds."""
    city = wanted.file.with_suffix(".city")
    shutil.rmtree(city, ignore_errors=True)
    city.mkdir()
    source = city / "ratings.yaml"
    source.write_text(_SOURCE.format(file=wanted.file, encoding=wanted.encoding))
    control = open_control(f"sqlite:///{city / 'control.db'}")
    metadata.create_all(control.engine)
    contract = _CONTRACT.replace("$key", str(wanted.key).lower())
    register(control, parse_contract(contract.encode(), file="bench"), now=system_clock())
    lake = open_lake(city / "lake")
    scratch = city / "scratch"
    gathering = Gathering(control, lake, scratch, _no_secret, system_clock, wanted.memory)
    started = perf_counter()
    done = run_source(gathering, read_source(source), city, _Silent()).outcome
    seconds = perf_counter() - started
    shutil.rmtree(city)
    return {"seconds": seconds, "read": done.read, "kept_out": done.quarantined}


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("file", type=Path)
    asked.add_argument("--key", action="store_true")
    asked.add_argument("--encoding", default="utf-8")
    asked.add_argument("--memory", default="1GB")
    print("RESULT " + json.dumps(load(asked.parse_args())))
