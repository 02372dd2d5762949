"""Opens a case in a city once a second, for some seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from time import sleep

from shuzhi.act.cases import SYSTEM, Report, open_case
from shuzhi.app import open_city

if __name__ == "__main__":
    city = open_city(Path(sys.argv[1]))
    kind = city.office.clocks("data_defect").kind
    for number in range(int(sys.argv[2])):
        words = f"{kind.title.zh} news {number}"
        open_case(
            city.office,
            Report(kind.id, kind.severities[0], SYSTEM, None, words, words, f"news:{number}"),
        )
        sleep(1)
