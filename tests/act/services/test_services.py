"""Services: what is held is not asked, what is written is checked, and one request is one case."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.act.cases import cases
from shuzhi.act.services import (
    Applicant,
    Audience,
    Blank,
    Matter,
    Progress,
    ServiceError,
    ShownField,
    Way,
    ask,
    begin,
    read_matter,
    request,
    requests,
)
from shuzhi.act.services.checking import entered
from shuzhi.app import City
from shuzhi.audit import read_entries, read_keys
from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.catalogue.model import Text
from shuzhi.share.forms import FormField

MONDAY = "2026-03-02T09:00+08:00"
WRITTEN = {"born_on": "yes", "need": "屋顶漏水 a leaking roof", "amount": "800.50"}
Opened = Callable[[str], City]


def problems(refused: pytest.ExceptionInfo[ServiceError]) -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in refused.value.problems]


def test_what_is_held_stands_there_and_what_may_be_taken_is_not_asked(
    at: Opened, citizen: Applicant
) -> None:
    blank = begin(at(MONDAY).services_office, "relief", citizen)
    shown = {f.field.name: (f.way, f.value, f.dataset) for f in blank.fields}
    assert shown == {
        "born_on": (Way.CONFIRM, "1980-02-01", "population"),
        "household": (Way.HELD, "3", "population"),
        "need": (Way.ASK, None, None),
        "amount": (Way.ASK, None, None),
    }


@pytest.mark.parametrize("subject", [None, "nobody"])
def test_of_somebody_unknown_everything_that_must_be_known_is_asked(
    at: Opened, citizen: Applicant, subject: str | None
) -> None:
    blank = begin(at(MONDAY).services_office, "relief", replace(citizen, subject=subject))
    ways = {f.field.name: f.way for f in blank.fields}
    assert ways["born_on"] is Way.ASK
    assert ways["household"] is Way.HELD


def test_a_request_is_one_case_however_often_it_is_sent(at: Opened, citizen: Applicant) -> None:
    city = at(MONDAY)
    office = city.services_office
    before = len(cases(city.office).cases)
    made = ask(office, "relief", citizen, WRITTEN, origin="a")
    again = ask(office, "relief", citizen, {**WRITTEN, "amount": "1"}, origin="a")
    assert again == made
    assert len(cases(city.office).cases) == before + 1
    assert {name: (e.value, e.way) for name, e in made.content.items()} == {
        "born_on": ("1980-02-01", Way.CONFIRM),
        "household": ("3", Way.HELD),
        "need": ("屋顶漏水 a leaking roof", Way.ASK),
        "amount": ("800.50", Way.ASK),
    }
    file = request(office, made.id, account="li.na")
    assert (file.progress, file.is_late, file.said) == (Progress.RECEIVED, False, "")
    assert file.due_at is not None
    assert next(f.request.id for f in requests(office, account="li.na")) == made.id


def test_neither_case_nor_log_tells_what_was_written(at: Opened, citizen: Applicant) -> None:
    city = at(MONDAY)
    made = ask(city.services_office, "relief", citizen, WRITTEN, origin="b")
    case = next(c for c in cases(city.office).cases if int(c.id) == made.case_id)
    assert case.title == "办事申请：临时救助"
    city.record()
    settings = city.settings
    keys = read_keys(settings.audit_key.with_suffix(".pub").read_text().splitlines())
    entries = [json.loads(raw)["entry"] for raw in read_entries(settings.audit_folder, keys)]
    assert any(e["kind"] == "service.asked" for e in entries)
    assert "漏水" not in json.dumps(entries, ensure_ascii=False)


def test_a_case_that_could_not_be_noted_is_taken_up_by_the_next_try(
    at: Opened, citizen: Applicant, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = at(MONDAY)
    before = len(cases(city.office).cases)

    def full(*_: object) -> None:
        raise RefusedError("test.full", "The store is full.")

    with monkeypatch.context() as patched:
        patched.setattr("shuzhi.act.services.asking.insert_request", full)
        with pytest.raises(RefusedError, match="full"):
            ask(city.services_office, "relief", citizen, WRITTEN, origin="c")
    made = ask(city.services_office, "relief", citizen, WRITTEN, origin="c")
    assert len(cases(city.office).cases) == before + 1
    assert request(city.services_office, made.id).request == made


def test_requests_of_others_are_not_there(at: Opened, citizen: Applicant) -> None:
    office = at(MONDAY).services_office
    made = ask(office, "relief", citizen, WRITTEN, origin="d")
    with pytest.raises(ServiceError, match="no request"):
        request(office, made.id, account="wang.wu")
    assert requests(office, account="wang.wu") == ()
    assert any(f.request.id == made.id for f in requests(office, owner=made.owner))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"need": " "}, [("need", "missing")]),
        ({"born_on": "no"}, [("born_on", "not_confirmed")]),
        ({"amount": "much"}, [("amount", "no_number")]),
        ({"amount": "nan"}, [("amount", "no_number")]),
        ({"household": "9"}, [("household", "not_asked")]),
        ({"other": "x"}, [("other", "not_asked")]),
        ({"need": "x" * 2_001, "amount": ""}, [("need", "too_long"), ("amount", "missing")]),
        ({"need": "a\x00b"}, [("need", "too_long")]),
    ],
)
def test_every_field_that_cannot_be_taken_is_named(
    at: Opened, citizen: Applicant, changes: Mapping[str, str], expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(ServiceError) as refused:
        ask(at(MONDAY).services_office, "relief", citizen, {**WRITTEN, **changes}, origin="e")
    assert problems(refused) == expected


def test_services_are_for_those_they_are_for(at: Opened, citizen: Applicant) -> None:
    office = at(MONDAY).services_office
    with pytest.raises(ServiceError, match="is for citizens"):
        begin(office, "relief", replace(citizen, audience=Audience.COMPANIES))
    with pytest.raises(ServiceError, match="no service 'none'"):
        begin(office, "none", citizen)
    with pytest.raises(ServiceError, match="not registered"):
        begin(replace(office, matters=_without_form(office.matters)), "relief", citizen)


def _without_form(matters: Mapping[str, Matter]) -> Mapping[str, Matter]:
    return {name: replace(m, form="gone") for name, m in matters.items()}  # type: ignore[arg-type]


def test_a_matter_is_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("id: x\ntitel: {zh: a, en: b}\n")
    with pytest.raises(DocumentError, match="titel"):
        read_matter(file)


_TYPES = st.sampled_from(LogicalType)


@given(_TYPES, st.text(max_size=40), st.sampled_from(Way))
def test_a_field_is_taken_or_named_and_never_breaks(kind: LogicalType, text: str, way: Way) -> None:
    matter = Blank(None, 1, (ShownField(FormField("f", Text("a", "b"), kind), way, "held"),))  # type: ignore[arg-type]
    try:
        taken = entered(matter, {"f": text})
    except ServiceError as error:
        assert [p.field for p in error.problems] == ["f"]
    else:
        assert taken["f"].value == (text.strip() if way is Way.ASK else "held")
        assert way is not Way.ASK or taken["f"].value
