"""Begins a new pack: the smallest folder that is in order, with one data set to build on."""

from __future__ import annotations

from pathlib import Path

from shuzhi.kernel.errors import RefusedError
from shuzhi.packs.kinds import MANIFEST
from shuzhi.packs.reading import read_pack


def new_pack(folder: Path) -> tuple[Path, ...]:
    """Make a pack in `folder`, named after it, and return its files.

    Raises:
        RefusedError: `packs.folder_not_empty`; `packs.bad_pack` when the folder's name is no id.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RefusedError(
            "packs.folder_not_empty",
            f"{folder} holds something already.",
            next_step="Name a folder that does not exist yet.",
        )
    for path, text in _FILES.items():
        target = folder / path.replace(_ID, folder.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(_ID, folder.name), encoding="utf-8")
    read_pack(folder)
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


_ID = "{id}"
_FILES = {
    MANIFEST: """id: {id}
title: {zh: 新场景, en: A new scenario}
description:
  zh: 一句话说明要解决的公共问题。
  en: The public problem that it is about, in one sentence.
version: 0.1.0
writes: [{id}_readings]
""",
    "contracts/{id}_readings.odcs.yaml": """apiVersion: v3.1.0
kind: DataContract
id: urn:shuzhi:contract:{id}:{id}_readings
name: {id}_readings
version: 0.1.0
status: draft
schema:
  - name: {id}_readings
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, required: true}
      - {name: value, logicalType: number, logicalTypeOptions: {minimum: 0}}
""",
    "sources/{id}_file.yaml": """name: {id}_file
dataset: {id}_readings
provider: {id}_department
kind: file
path: ../incoming/{id}_readings.csv
format: csv
""",
    "parties.yaml": """parties:
  - id: {id}_department
    title: {zh: 某部门, en: A department}
    level: city
""",
    "rules/{id}_too_high.yaml": """id: {id}_too_high
title: {zh: 数值过高, en: A value is too high}
dataset: {id}_readings
event_time: observed_at
sql: SELECT station, value FROM new WHERE value > :most
values: {most: 70}
severity: yellow
merge_by: [station]
merge_within: 6 hours
owner: {id}_department
""",
    "messages/zh.yaml": """rules:
  {id}_too_high: 站点 {station} 的数值 {value} 过高。
""",
    "messages/en.yaml": """rules:
  {id}_too_high: Station {station} reads {value}, which is too high.
""",
    "examples/{id}_too_high.yaml": """title: {zh: 数值过高, en: A value is too high}
given:
  now: 2026-03-02 08:00
examples:
  - title: {zh: 超过上限即预警, en: Above the limit there is a warning}
    when:
      - at: 2026-03-02 09:05
        rows:
          {id}_readings: |
            station, observed_at,               value
            north,   2026-03-02T09:00:00+08:00, 71
    then:
      warnings:
        - rule: {id}_too_high
          severity: yellow
          facts: {station: north, value: 71}
          message:
            zh: 站点 north 的数值 71.0 过高。
            en: Station north reads 71.0, which is too high.
  - title: {zh: 等于上限不预警, en: At the limit there is none}
    when:
      - at: 2026-03-02 09:05
        rows:
          {id}_readings: |
            station, observed_at,               value
            north,   2026-03-02T09:00:00+08:00, 70
    then:
      warnings: []
""",
    "README.md": """# {id}

What the problem is, where the rows come from, what the rules find and who acts on it.
""",
}
