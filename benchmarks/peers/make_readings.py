"""Makes the table to check, once: two Parquet files, and a lake that holds the same two."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from shuzhi.gather.lake import open_lake

_STATIONS = "SELECT 's' || lpad(i::VARCHAR, 4, '0') AS station_id FROM range(998) t(i)"
_READINGS = """
SELECT CASE WHEN i IN (17, 1017, 2017, 3017, 4017) THEN i - 1 ELSE i END AS reading_id,
  's' || lpad((h % 1000)::VARCHAR, 4, '0') AS station_id,
  TIMESTAMPTZ '2026-03-01 00:00:00Z' - INTERVAL 1 SECOND * (i % 2000000) AS observed_at,
  CASE WHEN i % 100003 = 1 THEN -5 ELSE (h % 5000) / 10.0::DOUBLE END AS pm10,
  CASE WHEN i % 250007 = 1 THEN NULL ELSE (h % 600) / 10.0::DOUBLE - 10 END AS temperature,
  ((h // 7) % 1000) / 10.0::DOUBLE AS humidity,
  ((h // 11) % 300) / 10.0::DOUBLE AS wind,
  'SN-' || lpad((h % 10000000)::VARCHAR, 8, '0') AS serial,
  CASE WHEN i % 400009 = 1 THEN 'none'
    ELSE '1' || lpad(((h // 3) % 10000000000)::VARCHAR, 10, '0') END AS phone,
  (500100 + h % 38)::VARCHAR AS district_code,
  CASE WHEN i % 350003 = 1 THEN NULL
    ELSE (['valid', 'doubtful', 'maintenance'])[1 + (h // 13) % 3] END AS status,
  CASE WHEN i % 300007 = 1 THEN 'Z' ELSE (['A', 'B', 'C'])[1 + (h // 17) % 3] END AS grade
FROM (SELECT i, (hash(i) // 2)::BIGINT AS h FROM range($rows) t(i))
"""


def make(folder: Path, rows: int) -> None:
    """Write `readings.parquet` of `rows` rows, `stations.parquet` and `lake` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    lake = open_lake(folder / "lake")
    for name, query in (("readings", _READINGS), ("stations", _STATIONS)):
        file = folder / f"{name}.parquet"
        asked = query.replace("$rows", str(rows))
        connection.execute(f"COPY ({asked}) TO '{file}' (FORMAT parquet)")
        staged = lake.staging(name) / file.name
        staged.write_bytes(file.read_bytes())
        schema = connection.read_parquet(str(file)).limit(0).to_arrow_table().schema
        lake.append_files(name, schema, [staged])
    (folder / "ready").touch()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if not (target / "ready").exists():
        make(target, int(sys.argv[2]))
