"""Reads HJ 212 frames with Shuzhi: all at once, as the lake does, or one by one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter, process_time

import pyarrow as pa

from shuzhi.gather.sensors.hj212 import read
from shuzhi.gather.sensors.hj212.batch import read_one_by_one


def main(path: str, batch: int, rounds: int, way: str = "at_once") -> None:
    pa.set_cpu_count(1)
    raws = Path(path).read_bytes().splitlines()
    best: dict[int, tuple[float, float]] = {}
    for _ in range(rounds):
        rows, total = 0, 0.0
        for n in range(0, len(raws), batch):
            started, wall = process_time(), perf_counter()
            part = raws[n : n + batch]
            found = (
                read(part, {}) if way == "at_once" else read_one_by_one(part, range(len(part)), {})
            )
            rows += found.observations.num_rows
            total += pa.compute.sum(found.observations["number"]).as_py()
            took = (process_time() - started, perf_counter() - wall)
            best[n] = min(took, best.get(n, took))
    cpu, walls = map(sum, zip(*best.values(), strict=True))
    answer = {"rows": rows, "sum": round(total, 3), "cpu": cpu, "wall": walls}
    print("RESULT " + json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
