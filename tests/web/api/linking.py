"""What the city of these tests links: made-up people in the tables of two departments."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.share.linkage.conftest import YAML, population

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import Actor, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod

# Of the kind `residents`, as the tables of the people there.
LINKAGE = "residents"
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:{name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: Made-up people.}}
customProperties:
  - {{property: titleZh, value: {title}}}
  - {{property: provider, value: east}}
  - {{property: sharingType, value: unconditional}}
  - {{property: sharingMethod, value: query}}
  - {{property: openType, value: closed}}
  - {{property: updateCycle, value: day}}
  - {{property: grade, value: general}}
schema:
  - name: {name}
    properties:
      - name: id
        logicalType: string
        primaryKey: true
        required: true
        customProperties: [{{property: subjectKind, value: person}}]
{columns}
"""
_TITLES = {"register": "户籍登记", "clinic": "就诊登记"}


def declare_people(folder: Path) -> None:
    """Let a city that is built in a folder know of the tables, and link them."""
    files = {f"linkages/{LINKAGE}.yaml": YAML}
    for name, table in zip(_TITLES, population(), strict=True):
        columns = [f"      - {{name: {c}, logicalType: string}}" for c in table.column_names[1:]]
        text = _CONTRACT.format(name=name, title=_TITLES[name], columns="\n".join(columns))
        files[f"contracts/{name}.odcs.yaml"] = text
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")


def put_people(city: City) -> None:
    """Let the people be there."""
    for name, table in zip(_TITLES, population(), strict=True):
        city.lake.append(name, table)


def work_done(city: City, program: Any, path: str) -> Any:
    """Ask for a training or a run at a path, let the city do it, and return the work."""
    answer = program.post(f"/linkages/{LINKAGE}/{path}", {})
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "waiting"
    assert city.link() == 1
    done = program.get(answer.headers["location"].removeprefix("/api/v1")).json()
    assert done["state"] == "done", done
    return done


def grant(city: City, dataset: str, *fields: str, purpose: str) -> None:
    """Let the hotline centre see fields of a table in the role of its data users."""
    today = city.clock().date()
    asked = Asked(
        dataset, "", "社会救助暂行办法 第五十八条", "Check who is helped", (purpose,),
        ("data_user",), fields, (), SharingMethod.SERVICE, today, today + timedelta(days=200),
        "chen",
    )  # fmt: skip
    office = city.sharing_office
    held = submit(office, asked, by=Actor("chen", PartyId("hotline_centre")))
    agree(office, held.application.id, by=Actor("wu", PartyId("east")))
