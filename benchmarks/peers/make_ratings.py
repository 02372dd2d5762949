"""Makes ratings of city services as CSV, once: they are generated, nobody gave them."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

_RATINGS = """
SELECT i AS rating_id, 1 + h % 400000 AS person_id, 1 + (h // 7) % 60000 AS service_id,
  (1 + (h // 11) % 10) / 2.0::DOUBLE AS rating, ((h // 13) % 100000) / 100.0::DOUBLE AS price_yuan,
  strftime(TIMESTAMP '2019-01-01' + INTERVAL 6 SECOND * i, '%Y-%m-%d %H:%M:%S') AS rated_at,
  CASE WHEN $every > 0 AND i % $every = 7 THEN '2019-02-30'
    ELSE (DATE '2019-01-01' + ((h // 17) % 2000)::INTEGER)::VARCHAR END AS served_on,
  (['渝中区', '江北区', '南岸区', '沙坪坝区', '九龙坡区'])[1 + (h // 19) % 5] AS district,
  (['app', 'web', 'desk', 'phone'])[1 + (h // 23) % 4] AS channel,
  h % 3 = 0 AS is_verified,
  CASE WHEN h % 4 > 0 THEN 'comment number ' || (h // 29) % 100000 END AS remark,
  CASE WHEN h % 10 > 0 THEN (h // 31) % 600 END AS wait_minutes
FROM (SELECT i, (hash(i) // 2)::BIGINT AS h FROM range($rows) t(i))
"""


def make(target: Path, rows: int, every: int) -> None:
    """Write `rows` ratings to `target`; with `every`, one row of so many has a day that is none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    asked = _RATINGS.replace("$rows", str(rows)).replace("$every", str(every))
    draft = target.with_suffix(".draft")
    duckdb.execute(f"COPY ({asked}) TO '{draft}' (FORMAT csv, HEADER)")
    draft.rename(target)


if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print('RESULT {"made": true}')
