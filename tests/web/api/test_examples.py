"""The examples of the description: what a small city answers, made anew and compared by shape.

`pytest tests/web/api/test_examples.py --write-examples` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shuzhi.act.evaluation import Person
from shuzhi.app import City
from shuzhi.app.store import JobRun, save_run
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import set_password
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import tick
from shuzhi.share.forms import FormId, hand_in, start
from shuzhi.share.linkage import Record, Verdict, decide, subject_of
from shuzhi.share.verification import Action, Kind
from shuzhi.web.api import ROUTES
from shuzhi.web.api.frame.describing import REFUSED, examples, operations

from ..causes import bad_air, exceeded
from ..overseeing import suspect
from .conftest import PARTS, ROOT, Program, Town
from .linking import LINKAGE, grant
from .sharing import agreed, break_duty, form_document, put_district

_FILE = Path(str(files("shuzhi.web.api") / "examples.json"))
_MOST = 2
# By which of these a body goes, that has no verb.
_WAYS = ("sql", "query", "river", "air", "subject", "record")
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
# Files as they are, too long or no text.
NO_EXAMPLE = {"export_catalogue", "download_evidence"}
# What the small city has none of.
_RARE = {
    "NoticeAnswer",
    "ReviewedAnswer",
    "CandidateAnswer",
    "BasisAnswer",
    "CellAnswer",
    "CorrectionAnswer",
    "FaultyAnswer",
    "LeadAnswer",
    "DiffersAnswer",
    "ToldAnswer",
    "TurnAnswer",
    "UsedAnswer",
}
# What belongs to verbs that nobody needed in it.
_UNUSED = {
    "ApplicationAct.asked", "ApplicationAct.days", "ApplicationAct.provider",
    "ApplicationAct.is_ordered", "ApplicationAct.dataset", "AskedGiven.wanted", "CaseAct.into",
    "CaseAct.stars", "NewCase.due", "DoubtAct.to", "DoubtAct.kind",
    "DoubtAct.decision", "DoubtAct.found",
}  # fmt: skip
BASIS = {
    "verb": "refuse",
    "text": "会暴露个人信息",
    "basis": {"title": "个人信息保护法", "rank": "law", "article": "第十三条"},
}


@dataclass
class Recorder:
    """Calls operations one after the other, and keeps what was sent and answered."""

    as_: Callable[[str], Program]
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(
        self, who: str, operation: str, /, *, given: Any = None, seen: str = "", **parts: Any
    ) -> Any:
        (route,) = [route for route in ROUTES if route.name == operation]
        path = route.path.replace(":path", "").format(**{**PARTS, **parts})
        query = {key: value for key, value in parts.items() if f"{{{key}" not in route.path}
        program, headers = self.as_(who), {"If-Match": seen} if seen else {}
        if "GET" in (route.methods or ()):
            answer = program.get(path, params=query)
        elif isinstance(given, bytes):
            headers["Content-Type"] = "application/octet-stream"
            answer = program.post(path, content=given, params=query, headers=headers)
        else:
            answer = program.post(path, given, params=query, headers=headers)
        assert answer.status_code in (200, 201, 202), f"{operation}: {answer.text}"
        is_json = answer.headers["content-type"].endswith("json")
        shown = {part: PARTS.get(part) for part in route.param_convertors} | parts
        if seen:
            shown["if-match"] = seen
        if isinstance(given, dict):
            bodies = self.kept.setdefault(operation, {}).setdefault("bodies", {})
            form = given.get("asked", {}).get("form", "request")
            way = next((way for way in _WAYS if way in given), form)
            bodies[given.get("verb", way)] = given
        if route.methods == {"POST"}:
            shown["Idempotency-Key"] = "7f9c2ba4-e88f"
        self.kept.setdefault(operation, {}).update(
            parameters=shown,
            status=answer.status_code,
            answer=_short(answer.json()) if is_json else answer.text,
        )
        return answer.json() if is_json else answer.text


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(each) for each in value[:_MOST]]
    if isinstance(value, Mapping):
        return {key: _short(each) for key, each in value.items()}
    return value


@pytest.fixture(scope="module")
def recorded(town: Town, as_: Callable[[str], Program]) -> dict[str, dict[str, Any]]:
    call = Recorder(as_)
    _happened(town.city)
    _share(call, town.city.clock().year)
    _deliver(call, agreed(town.city, "扬尘核查"))
    _object(call)
    _demand(call, town.city)
    _doubt(call, town.city)
    _link(call, town.city)
    _rehearse(call, town.city.clock().year)
    call("chen", "lift_suspicion", given={}, finding=1)
    _case(call)
    _serve(call)
    _manage(call, town.city)
    _trace(call, town.city)
    call("chen", "search_catalogue", q="扬尘", facet="sharing:unconditional")
    for operation in ("list_cases", "list_warnings", "list_entries", "list_datasets"):
        call("chen", operation, limit=_MOST)
    reason = {"reason": "limits are being revised", "party": "hotline_centre", "person": "chen"}
    call("chen", "switch_rule", given={"is_on": False, **reason})
    for operation in sorted({route.name for route in ROUTES} - call.kept.keys() - NO_EXAMPLE):
        mine = {"dataset": "dust"} if operation == "list_worst_rows" else {}
        call("wu" if mine else "chen", operation, **mine)
    call.kept[REFUSED] = as_("chen").post("/cases", {"kind": "city_event"}).json()
    return call.kept


def _happened(city: City) -> None:
    """Let a job have run, duties be looked after, questions look odd, and a party appeal."""
    break_duty(city, "dataset:dust")
    suspect(city, Kind.GUESSING, Action.SUSPEND, subject=(1, 2))
    now = city.clock()
    save_run(city.control, JobRun("look", now, now, 1, ""))
    party, by = PartyId("east"), Person("wu", PartyId("east"))
    (period, *_) = city.scored_periods()
    what = (period.scheme, period.period)
    fact = city.behind(*what, party, "closing_rate").facts[0].fact.id
    appeal = city.appeal_score(*what, "closing_rate", by=by, facts=[fact], reason="办结已上报")
    other = Person("chen", PartyId("hotline_centre"))
    city.decide_appeal(appeal.id, by=other, is_upheld=False, reason="未见办结材料")


def _share(call: Recorder, year: int) -> None:
    """Apply for data, be given them and more time, and dispose of them; be refused others."""
    asked = {
        "dataset": "dust", "basis": "《大气污染防治法》第六十九条", "scenario": "工地扬尘联合执法",
        "purposes": ["supervision"], "roles": ["inspector"], "fields": ["station", "pm10_ug_m3"],
        "rows": [{"column": "pm10_ug_m3", "operator": "above", "values": [150]}],
        "method": "query", "starts_on": f"{year}-04-12", "ends_on": f"{year}-09-30",
        "agreed_by": "li",
    }  # fmt: skip
    figures = {**asked, "form": "aggregate", "minimum_group": 10,
               "subject": "station", "budget": 500}  # fmt: skip
    other = call("li", "submit_application", given={"asked": {**figures, "purposes": ["study"]}})
    call("wu", "act_on_application", given=BASIS, seen='"1"', application=other["id"])
    made = call("li", "submit_application", given={"asked": asked, "party": "west"})
    number = made["id"]
    given = {"verb": "agree", "party": "east", "text": "同意"}
    call("wu", "act_on_application", given=given, seen='"1"', application=number)
    agreement = call("wu", "show_application", application=number)["agreement"]
    longer = {"starts_on": f"{year}-10-01", "ends_on": f"{year}-12-31", "agreed_by": "li",
              "party": "west"}  # fmt: skip
    seen = '"1"'
    call("li", "renew_agreement", given=longer, seen=seen, agreement=agreement)
    given = {"verb": "end", "text": "行动结束", "party": "west"}
    after = call("li", "act_on_agreement", given=given, seen=seen, agreement=agreement)
    given = {
        "verb": "dispose",
        "text": "查询结果",
        "method": "deleted",
        "document_sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    }
    seen = f'"{after["version"]}"'
    call("li", "act_on_agreement", given=given, seen=seen, agreement=agreement)
    call("chen", "show_agreement", agreement=agreement)
    call("chen", "show_application", application=other["id"])


def _deliver(call: Recorder, agreement: int) -> None:
    """Let data be asked for in every way, and their changes be pushed."""
    sql = "SELECT count(*) AS n FROM residents WHERE no >= $low AND district = $district"
    low = {"name": "low", "logical_type": "integer", "least": "0", "most": "100"}
    district = {"name": "district", "logical_type": "string", "choices": ["south", "north"]}
    named = {"agreement": agreement, "name": "how_many", "sql": sql, "party": "east"}
    call("wu", "approve_query", given={**named, "parameters": [low, district]})
    call("li", "list_queries", agreement=agreement)
    asked = {"agreement": agreement, "role": "data_user", "purpose": "扬尘核查", "party": "west"}
    rows = [{"column": "no", "operator": "below", "values": [3]}]
    part = {**asked, "columns": ["no", "district"], "rows": rows}
    query = {"name": "how_many", "values": {"low": "5", "district": "south"}}
    call("li", "ask_for_data", given={**asked, "query": query})
    call("li", "ask_for_data", given={**asked, "sql": "SELECT count(*) AS n FROM residents"})
    call("li", "ask_for_data", given={**part, "limit": 1000, "whole": False})
    newest = call("li", "list_receipts", agreement=agreement, party="west")["items"][0]
    call("li", "show_receipt", receipt=newest["id"])
    call("li", "prove_receipt", receipt=newest["id"])
    url = "https://data.west.example/changes"
    made = call("li", "subscribe", given={**part, "url": url, "from_start": False})["id"]
    for operation in ("show_subscription", "show_secret"):
        call("li", operation, subscription=made)
    call("li", "list_subscriptions", agreement=agreement, state="active")
    end = {"verb": "end", "party": "west"}
    call("li", "act_on_subscription", given=end, subscription=made)


def _object(call: Recorder) -> None:
    """Let somebody see who used their data, and object."""
    use = call("zhou", "list_own_uses", dataset="residents")["items"][0]
    new = {"receipt": use["id"], "reason": "我没有申请过补助"}
    made = call("zhou", "make_objection", given=new)["id"]
    call("zhou", "withdraw_objection", given={}, objection=made)
    made = call("zhou", "make_objection", given=new)["id"]
    call("zhou", "list_own_objections")
    call("wu", "list_objections", party="east", state="waiting")
    reply = {"is_stopped": False, "text": "核查所必需", "party": "east"}
    call("wu", "answer_objection", given=reply, objection=made)
    call("zhou", "show_objection", objection=made)


def _demand(call: Recorder, city: City) -> None:
    """Register a form, and let a town fill it in."""
    form = form_document(city, "relief_return")
    for each in (form_document(city, "relief_survey"), form):
        call("li", "register_form", given={"form": each, "party": "west"})
    office, first = city.forms_office, city.clock().date().replace(day=1)
    by = Actor("town", PartyId("old_town"))
    filling = start(office, FormId("relief_return"), first, by=by)
    hand_in(office, filling.id, by=by, typed=["hobby"])
    call("li", "list_forms", party="west")
    call("li", "show_form", form="relief_return")
    call("li", "list_fillings", form="relief_return")
    days = {"since": f"{first}", "until": f"{first.replace(day=2)}"}
    call("li", "show_burden", by="owner", **days)


def _doubt(call: Recorder, city: City) -> None:
    """Doubt a value, and correct it."""
    new = {"dataset": "residents", "key": {"no": "2"}, "column": "district", "seen": "=north",
           "right": "south", "evidence": "已迁居", "documents": ["5f" * 32], "receipt": 1,
           "doubter": "party", "party": "west"}  # fmt: skip
    number = call("li", "submit_doubt", given=new)["id"]

    def act(who: str, verb: str, **more: Any) -> None:
        seen = call.as_(who).get(f"/doubts/{number}").headers["etag"]
        call(who, "act_on_doubt", given={"verb": verb, **more}, seen=seen, doubt=number)

    act("wu", "accept", value="south", text="属实", party="east")
    put_district(city, 2, "south")
    tick(city.correction_office)
    call("li", "show_doubt", doubt=number)
    call("li", "list_doubts", dataset="residents")


def _link(call: Recorder, city: City) -> None:
    """Link people of two tables, look at a pair of them, and at one of them."""
    call("chen", "train_model", given={})
    city.link()
    model = call("chen", "list_models")["items"][0]["number"]
    call("chen", "accept_model", given={}, model=model)
    work = call("chen", "run_linkage", given={})["id"]
    city.link()
    call("chen", "show_linkage_work", work=work)
    call("chen", "list_linkage_works", limit=_MOST)
    first = call("chen", "list_waiting_pairs", limit=_MOST)["items"][0]
    pair = {"one": first["one"], "other": first["other"]}
    ends = (Record(**pair["one"]), Record(**pair["other"]))
    said = {"by": "gao", "reason": "同名同址"}
    decide(city.linkage_office, LINKAGE, *ends, Verdict.SAME, **said)
    given = {**pair, "verdict": "different", "reason": "双胞胎，名字不同"}
    call("chen", "decide_pair", given=given)
    call("chen", "list_waiting_pairs", limit=_MOST)
    call("chen", "explain_pair", given=pair)
    grant(city, "register", "id", "full_name", "born", purpose="救助核查")
    aid = {"role": "data_user", "purpose": "救助核查", "party": "hotline_centre"}
    record = {"dataset": "register", "key": "r7"}
    call("chen", "show_subject_file", given={**aid, "record": record})
    subject = subject_of(city.linkage_office, LINKAGE, Record(**record))
    call("chen", "show_subject_file", given={**aid, "subject": subject})
    call("chen", "draw_links", size=_MOST)


def _rehearse(call: Recorder, year: int) -> None:
    """Ask what another limit, and other people, would have made of a month."""
    month = {"start": f"{year}-03-01", "end": f"{year}-04-01"}
    call("chen", "rehearse_rule", given={**month, "rule": "dust_high", "values": {"most": "200"}})
    people = {"team": "west", "handlers": {"west": 2}, "hours": ["09:00-12:00", "13:30-17:30"],
              "limits": {"ordinary": "3 working days"}}  # fmt: skip
    call("chen", "rehearse_past_work", given={**month, **people})


def _case(call: Recorder) -> None:
    """Open a case and bring it to its close."""
    new = {"kind": "city_event", "severity": "ordinary", "title": "占道堆放建筑垃圾",
           "title_en": "Building rubble on the pavement",
           "text": "人行道被占约十米", "responsible": "west", "party": "hotline_centre",
           "merge_key": "renmin_road_12"}  # fmt: skip
    number = call("chen", "open_case", given=new)["case"]

    def act(who: str, verb: str, **more: Any) -> None:
        seen = call.as_(who).get(f"/cases/{number}").headers["etag"]
        given = {"verb": verb, **more}
        call(who, "act_on_case", given=given, seen=seen, case_id=number)

    act("chen", "verify", party="hotline_centre", text="属实")
    act("chen", "file")
    act("chen", "dispatch", orders=[{"party": "west", "is_lead": True, "text": "当日清运"}])
    act("li", "take")
    act("chen", "suspend", text="等待道路审批", asked_by="li")
    act("chen", "resume")
    file = call("li", "upload_evidence", given=_PNG, case_id=number, name="after.png")
    act("li", "feed_back", evidence=[{"sha256": file["sha256"], "name": file["name"]}])
    act("gao", "check", is_good=True)
    act("chen", "close", outcome="resolved")
    call("chen", "show_case", case_id=number)


def _serve(call: Recorder) -> None:
    """Ask the city for something, with what it holds already."""
    call("zhou", "fill_in", given={}, matter="pass")
    fields = {"born_on": "yes", "days": "3", "why": "搬家"}
    made = call("zhou", "ask_for_service", given={"fields": fields}, matter="pass")
    call("zhou", "list_own_requests")
    call("zhou", "show_own_request", request=made["id"])


def _manage(call: Recorder, city: City) -> None:
    """Make an account, give it a role, let its holder do their own; make a key and revoke it."""
    new = {"name": "qian", "title": "钱", "party": "east", "role": "analyst"}
    call("@sun", "add_account", given=new)
    role = {"verb": "give", "party": "east", "role": "field_officer"}
    call("@sun", "act_on_account", given=role, account="qian")
    call("@sun", "list_accounts", party="east", limit=_MOST)
    call("@sun", "show_account", account="qian")
    passwords = {"old": "three dry lemon trees", "new": "nine slow harbour cranes"}
    set_password(city.accounts_office, "qian", passwords["old"], by="sun")
    call("@qian", "change_own_password", given=passwords)
    visits = call("@qian", "show_own_account")["sessions"]
    call("@qian", "end_own_session", given={}, session=visits[0]["id"])
    key = {"title": "周报", "rights": ["data.query"], "days": 90, "party": "hotline_centre"}
    made = call("@chen", "make_key", given=key)
    call("@chen", "list_own_keys", limit=_MOST)
    call("@chen", "revoke_key", given={}, prefix=made["prefix"])


def _trace(call: Recorder, city: City) -> None:
    """Seek the causes of dust in the air, and of ammonia in a river."""
    river, air = exceeded(city), bad_air(city)
    hours = {"since": air.since.isoformat(), "until": air.until.isoformat()}
    wind = {"station": air.station, **hours, "threshold": air.threshold, "factor": "a34002"}
    asked = {"tracing": "winds", "air": wind, "party": "hotline_centre"}
    call("chen", "show_search", search=call("chen", "begin_search", given=asked)["id"])
    water = {"factor": river.factor, "reach_id": river.reach_id, "at": river.at.isoformat(),
             "value_mg_l": river.value_mg_l, "limit_mg_l": river.limit_mg_l,
             "above_km": river.above_km}  # fmt: skip
    call("chen", "begin_search", given={"tracing": "rivers", "river": water})
    call("chen", "list_searches", limit=_MOST)


def test_the_examples_have_the_shape_of_what_is_answered(
    recorded: dict[str, dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--write-examples", default=False):
        text = json.dumps(recorded, ensure_ascii=False, indent=1, sort_keys=True)
        _FILE.write_text(f"{text}\n", encoding="utf-8")
        examples.cache_clear()
    kept = examples()
    assert kept.keys() == {route.name for route in ROUTES} - NO_EXAMPLE | {REFUSED}
    for operation, example in recorded.items():
        _same_shape(kept[operation], example, operation)


def _same_shape(kept: Any, made: Any, place: str) -> None:
    if kept is None or made is None:
        return
    assert type(kept) is type(made), place
    if isinstance(kept, list):
        for one, other in zip(kept, made, strict=False):
            _same_shape(one, other, f"{place}[]")
    # What a verb or a rule says of itself differs from one to the next.
    if isinstance(kept, dict) and place.rpartition(".")[2] not in ("facts", "entry", "policy"):
        is_keyed = kept.keys() & made.keys() or not kept or not made
        assert is_keyed, place
        for name in kept.keys() & made.keys():
            _same_shape(kept[name], made[name], f"{place}.{name}")


def test_every_example_keeps_to_its_description(as_: Callable[[str], Program]) -> None:
    document = as_("chen").client.get(f"{ROOT}/openapi.json").json()
    for operation in operations(document):
        name = operation["operationId"]
        if name in NO_EXAMPLE:
            continue
        status = str(examples()[name]["status"])
        contents = [*operation["responses"][status]["content"].values()]
        contents += operation.get("requestBody", {}).get("content", {}).values()
        for content in contents:
            whole = {**content["schema"], "components": document["components"]}
            shown = [each["value"] for each in content.get("examples", {}).values()]
            for value in (*shown, *([content["example"]] if "example" in content else ())):
                Draft202012Validator(whole).validate(value)


def test_every_field_that_was_ever_filled_has_an_example(
    as_: Callable[[str], Program],
) -> None:
    document = as_("chen").client.get(f"{ROOT}/openapi.json").json()
    schemas = document["components"]["schemas"]
    without = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, told in schema.get("properties", {}).items()
        if "examples" not in told and name not in _RARE and field != "person"
    ]
    assert set(without) == _UNUSED
