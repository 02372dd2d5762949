"""Fields against what is held: refused, filled in, applied for, or asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.share.forms.conftest import FORM, a_column, a_contract

from shuzhi.app import City
from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Operator, User
from shuzhi.share.agreements import Act, Actor, Asked, RowTerm, Verb, act, agree, submit
from shuzhi.share.catalogue.model import LegalBasis, Rank, SharingMethod
from shuzhi.share.forms import (
    FormFilled,
    FormId,
    FormJudged,
    FormsOffice,
    Reach,
    Same,
    Standing,
    Verdict,
    asked_twice,
    designate,
    form_file,
    hand_in,
    read_form,
    say,
    sources,
    start,
    withdraw,
)
from shuzhi.share.receipts import answer_objection, is_about, object_to, receipts


def a_field(name: str, *, minutes: int = 10, zh: str = "", **more: str) -> str:
    """Return a field of a form."""
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    title = f"{{zh: {zh or '无名'}, en: {name.replace('_', ' ')}}}"
    return f"  - {{name: {name}, title: {title}, type: string, minutes: {minutes}{rest}}}\n"


def actor(party: str) -> Actor:
    """Return somebody of a party."""
    return Actor(f"{party}.clerk", PartyId(party))


NOW = "2026-03-02T01:00:00+00:00"
CIVIL = actor("civil")
BORN = a_field("birth_date", meaning="person.birth_date")
INCOME = a_field("income", meaning="person.yearly_income")
INCOME_ASKED = Asked(
    dataset="income",
    basis="社会救助暂行办法 第三条",
    scenario="Relief",
    purposes=("relief",),
    roles=("clerk",),
    fields=("id_number", "yearly_income"),
    rows=(),
    method=SharingMethod.SERVICE,
    starts_on=date(2026, 3, 1),
    ends_on=date(2026, 12, 31),
    agreed_by="c.li",
)
EXCEPTED = (
    "{basis: {title: 统计法, rank: law, article: 第二条}, until: 2026-06-30, "
    "verified: false, note: not compared with the text}"
)
USER = User("c.li", PartyId("civil"), frozenset({"clerk"}))


def verdicts(city: City, file: Path, party: str = "civil") -> dict[str, Verdict]:
    held = city.register_form(read_form(file), by=actor(party))
    return {j.field: j.verdict for j in held.judgements}


def test_each_field_meets_what_is_held(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    file = written(
        BORN,
        a_field("birthday", column="population.born_on", confirm="true", confirm_minutes="1"),
        INCOME,
        a_field("illness", meaning="person.illness"),
        a_field("hobby", meaning="person.hobby"),
        a_field("household", column="population.household"),
    )
    assert verdicts(at(NOW), file) == {
        "birth_date": Verdict.TAKE,
        "birthday": Verdict.CONFIRM,
        "income": Verdict.APPLY,
        "illness": Verdict.WITHHELD,
        "hobby": Verdict.COLLECT,
        "household": Verdict.TAKE,
    }


def test_what_is_conditional_names_the_clock_of_an_answer(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    (met,) = city.register_form(read_form(written(INCOME)), by=CIVIL).judgements
    assert (met.provider, met.application, met.is_verified) == ("tax", None, False)
    # Ten working days from Monday 2 March 2026, the end of the 16th in Shanghai.
    assert met.due_at is not None
    assert met.due_at.isoformat() == "2026-03-16T16:00:00+00:00"


def test_an_agreement_takes_a_field_off_the_form(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    office = city.sharing_office
    city.register_form(read_form(written(INCOME, a_field("hobby"))), by=CIVIL)
    held = submit(office, INCOME_ASKED, by=CIVIL).application
    assert city.recheck_forms() == 1
    waiting = form_file(city.forms_office, FormId("relief")).held.judgement("income")
    assert (waiting.verdict, waiting.application) == (Verdict.APPLY, held.id)
    made = agree(office, held.id, by=actor("tax"))
    city.recheck_forms()
    after = form_file(city.forms_office, FormId("relief")).held
    met = after.judgement("income")
    assert (met.verdict, met.reach, met.agreement) == (Verdict.TAKE, Reach.AGREEMENT, made.id)
    assert city.recheck_forms() == 0


@pytest.mark.parametrize(
    "narrower",
    [
        {"purposes": ("research",)},
        {"roles": ("analyst",)},
        {"rows": (RowTerm("id_number", Operator.ONE_OF, ("p1",)),)},
    ],
)
def test_an_agreement_for_something_else_takes_nothing_off(
    at: Callable[..., City], written: Callable[..., Path], narrower: dict[str, Any]
) -> None:
    city = at(NOW)
    asked = submit(city.sharing_office, replace(INCOME_ASKED, **narrower), by=CIVIL)
    agree(city.sharing_office, asked.application.id, by=actor("tax"))
    (met,) = city.register_form(read_form(written(INCOME)), by=CIVIL).judgements
    # What is granted does not reach what the form wants: it has to be applied for.
    assert (met.verdict, met.agreement, met.application) == (Verdict.APPLY, None, None)
    assert met.due_at is not None


def test_a_refusal_of_one_column_says_nothing_of_another(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    only_ids = replace(INCOME_ASKED, fields=("id_number",))
    held = submit(city.sharing_office, only_ids, by=CIVIL).application
    basis = LegalBasis("统计法", Rank.LAW, "第九条")
    act(city.sharing_office, held.id, Act(Verb.REFUSE, actor("tax"), basis=basis, text="No"))
    assert verdicts(city, written(INCOME)) == {"income": Verdict.APPLY}


def test_what_was_refused_by_law_may_be_asked(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    held = submit(city.sharing_office, INCOME_ASKED, by=CIVIL).application
    no = Act(Verb.REFUSE, actor("tax"), basis=LegalBasis("税法", Rank.LAW, "第八条"), text="No")
    act(city.sharing_office, held.id, no)
    assert verdicts(city, written(INCOME)) == {"income": Verdict.WITHHELD}


def test_the_owners_own_data_are_not_asked(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    assert verdicts(city, written(INCOME, owner="tax"), "tax") == {"income": Verdict.TAKE}


def test_an_exception_holds_until_its_day(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    file = written(a_field("birth_date", meaning="person.birth_date", exception=EXCEPTED))
    assert verdicts(at(NOW), file) == {"birth_date": Verdict.EXCEPTED}
    later = at("2026-07-01T01:00:00+00:00")
    assert later.recheck_forms() == 1
    held = form_file(later.forms_office, FormId("relief")).held
    assert (held.judgement("birth_date").verdict, held.version) == (Verdict.TAKE, 2)


def test_a_candidate_is_a_proposal_until_a_person_says_so(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    held = city.register_form(read_form(written(a_field("members", zh="家庭人口数量"))), by=CIVIL)
    (met,) = held.judgements
    assert met.verdict is Verdict.COLLECT
    near = met.candidates[0]
    assert (near.dataset, near.column, near.score) == ("population", "household", 90.9)
    same = Same("members", "population", "household", is_same=True)
    after = say(city.forms_office, FormId("relief"), same, by=CIVIL)
    assert after.judgement("members").verdict is Verdict.TAKE
    other = say(city.forms_office, FormId("relief"), replace(same, is_same=False), by=CIVIL)
    assert other.judgement("members").verdict is Verdict.COLLECT
    assert near not in other.judgement("members").candidates


def test_a_field_that_is_renamed_is_not_asked_after_all(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    city.register_form(read_form(written(a_field("members", zh="家庭人口数量"))), by=CIVIL)
    same = Same("members", "population", "household", is_same=True)
    say(city.forms_office, FormId("relief"), same, by=actor("city"))
    renamed = a_field("members", zh="家庭人口数量").replace("name: members", "name: how_many")
    held = city.register_form(read_form(written(renamed)), by=CIVIL)
    assert held.judgement("how_many").verdict is Verdict.TAKE
    assert city.recheck_forms() == 0
    # Under another title it is another field, which a person looks at.
    other = renamed.replace("家庭人口数量", "住户人数")
    held = city.register_form(read_form(written(other)), by=CIVIL)
    assert held.judgement("how_many").verdict is Verdict.TAKE
    fresh = renamed.replace("how_many", "size").replace("家庭人口数量", "住户人数甲")
    held = city.register_form(read_form(written(fresh)), by=CIVIL)
    assert held.judgement("size").verdict is Verdict.COLLECT


def test_the_catalogues_search_finds_a_data_set_as_a_whole(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    held = city.register_form(read_form(written(a_field("register", zh="人口登记"))), by=CIVIL)
    found = [(c.dataset, c.column) for c in held.judgements[0].candidates]
    assert ("population", None) in found


def test_who_collects_what_nobody_holds_is_its_source(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    city.register_form(read_form(written(a_field("hobby", meaning="person.hobby"))), by=CIVIL)
    (found,) = sources(city.control, "meaning:person.hobby")
    assert (found.party, found.standing) == ("civil", Standing.COLLECTOR)
    assert sources(city.control, "meaning:person.birth_date") == ()
    lead = designate(
        city.sharing_office, "meaning:person.hobby", PartyId("tax"), by=actor("city"), why="Law"
    )
    assert [s.party for s in sources(city.control, lead.datum)] == ["tax", "civil"]
    designate(city.sharing_office, lead.datum, PartyId("civil"), by=actor("city"), why="Law")
    after = sources(city.control, lead.datum)
    assert [s.standing for s in after] == [Standing.LEAD, Standing.SOURCE]


def test_what_two_forms_ask_is_shown(at: Callable[..., City], written: Callable[..., Path]) -> None:
    city = at(NOW)
    hobby = a_field("hobby", meaning="person.hobby")
    city.register_form(read_form(written(BORN, hobby)), by=CIVIL)
    city.register_form(
        read_form(written(BORN, hobby, form="census", owner="police")), by=actor("police")
    )
    (twice,) = asked_twice(city.forms_office)
    assert twice.datum == "person.hobby"
    assert {owner for _, owner, _ in twice.asks} == {"civil", "police"}


def test_held_values_come_with_source_version_and_time(
    at: Callable[..., City], written: Callable[..., Path], busy_lake: Any
) -> None:
    city = at(NOW)
    office = city.sharing_office
    made = agree(office, submit(office, INCOME_ASKED, by=CIVIL).application.id, by=actor("tax"))
    city.register_form(read_form(written(BORN, INCOME)), by=CIVIL)
    born, income = city.prefill("relief", "p1", user=USER)
    assert (income.value, income.provider, income.grant) == (30_000, "tax", f"agreement:{made.id}")
    assert (income.version, income.at) == (0, city.lake.committed_at("income", 0))
    (receipt,) = receipts(city.receipt_office, dataset="income")
    assert (receipt.what.assignee, receipt.what.columns, receipt.what.purpose) == (
        "civil",
        ("yearly_income",),
        "relief",
    )
    assert is_about(city.receipt_office, receipt, "person", "p1")
    # What is unconditional needs an agreement all the same before a value leaves.
    assert (born.value, born.reason) == (None, "no_grant")
    (_, missing) = city.prefill("relief", "p9", user=USER)
    assert (missing.value, missing.reason) == (None, "not_found")
    # Who writes all the time neither shows in it nor keeps it from ending.
    rows = city.lake.reader("income").read_all()
    emptied = rows.slice(0, 0)
    busy = busy_lake(city.settings.lake_folder, lambda lake: lake.overwrite("income", emptied))
    (_, again) = replace(city, lake=busy).prefill("relief", "p1", user=USER)
    assert (again.value, again.version) == (30_000, 0)


@pytest.mark.parametrize("subject", ["--5", "-", "five", ""])
def test_a_subject_that_is_no_number_where_one_is_meant_is_unfit(
    at: Callable[..., City], written: Callable[..., Path], folder: Path, subject: str
) -> None:
    columns = a_column("no", "integer", "井号", "well.number", is_key=True)
    columns += a_column("depth", "integer", "井深", "well.depth")
    contract = a_contract("wells", "police", "unconditional", columns, "水井登记")
    (folder / "contracts" / "wells.odcs.yaml").write_text(contract, encoding="utf-8")
    city = at(NOW)
    city.register()
    about = FORM.replace("person.id_number", "well.number")
    file = written(a_field("depth", meaning="well.depth"), text=about)
    city.register_form(read_form(file), by=CIVIL)
    (found,) = city.prefill("relief", subject, user=USER)
    assert (found.value, found.reason) == (None, "subject_unfit")


def test_what_no_store_holds_is_refused_and_the_last_day_is_a_day(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    city.register_form(read_form(written(BORN)), by=CIVIL)
    for form, subject in (("relief", "\udcff"), ("\udcff", "p1"), ("relief", "a\x00b")):
        with pytest.raises(RefusedError) as refusal:
            city.prefill(form, subject, user=USER)
        assert refusal.value.code == "share.bad_text"
    made = [
        start(city.forms_office, FormId("relief"), date.max, by=actor("town_a")) for _ in range(2)
    ]
    assert made[0] == made[1]


def test_of_who_objected_with_success_nothing_is_filled_in(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    office = city.sharing_office
    agree(office, submit(office, INCOME_ASKED, by=CIVIL).application.id, by=actor("tax"))
    city.register_form(read_form(written(INCOME)), by=CIVIL)
    assert city.prefill("relief", "p1", user=USER)[0].value == 30_000
    (use,) = receipts(city.receipt_office)
    held = object_to(city.receipt_office, use.id, "person", "p1", reason="No", by="desk 3")
    answer_objection(city.receipt_office, held.id, by=actor("tax"), text="Yes", is_stopped=True)
    (income,) = city.prefill("relief", "p1", user=USER)
    assert (income.value, income.reason) == (None, "not_found")
    assert receipts(city.receipt_office) == (use,)


def test_a_stranger_is_given_no_value(
    at: Callable[..., City], written: Callable[..., Path], folder: Path
) -> None:
    city = at(NOW)
    office = city.sharing_office
    agree(office, submit(office, INCOME_ASKED, by=CIVIL).application.id, by=actor("tax"))
    city.register_form(read_form(written(INCOME)), by=CIVIL)
    strangers = (
        User("x", PartyId("police"), frozenset({"clerk"})),
        User("x", PartyId("civil"), frozenset()),
    )
    found = [city.prefill("relief", "p1", user=user)[0] for user in strangers]
    assert [(v.value, v.reason) for v in found] == [
        (None, "not_the_assignee"),
        (None, "role_not_held"),
    ]
    (folder / "masks.yaml").unlink()
    (masked,) = city.prefill("relief", "p1", user=USER)
    assert (masked.value, masked.reason) == (None, "no_mask_rule")


def test_a_party_reads_its_own_data_for_its_form(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    city.register_form(read_form(written(INCOME, owner="tax")), by=actor("tax"))
    (own,) = city.prefill("relief", "p1", user=replace(USER, party=PartyId("tax")))
    assert (own.value, own.grant) == (30_000, "own:income")
    # What does not leave the party has no receipt.
    assert receipts(city.receipt_office) == ()


def test_only_asked_fields_are_handed_in(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    office = city.forms_office
    confirmed = a_field("birthday", column="population.born_on", confirm="true")
    city.register_form(read_form(written(BORN, confirmed, a_field("hobby"))), by=CIVIL)
    held = start(office, FormId("relief"), date(2026, 3, 31), by=actor("town_a"))
    assert start(office, FormId("relief"), date(2026, 3, 31), by=actor("town_a")) == held
    for typed, sure in ((["birth_date"], []), ([], ["hobby"])):
        with pytest.raises(RefusedError, match="is not asked so") as refusal:
            hand_in(office, held.id, by=actor("town_a"), typed=typed, confirmed=sure)
        assert refusal.value.code == "share.field_not_asked"
    given = {"by": actor("town_a"), "typed": ["hobby"], "confirmed": ["birthday"]}
    done = hand_in(office, held.id, **given)
    assert hand_in(office, held.id, **given) == done
    with pytest.raises(RefusedError, match="handed in already"):
        hand_in(office, held.id, by=actor("town_a"), typed=["hobby"])


@pytest.mark.parametrize(
    ("party", "day", "code"),
    [
        ("east", "2026-03-31", "share.filler_unknown"),
        ("town_a", "2026-03-30", "share.not_due"),
    ],
)
def test_only_who_must_fills_in_and_only_when_due(
    at: Callable[..., City], written: Callable[..., Path], party: str, day: str, code: str
) -> None:
    city = at(NOW)
    city.register_form(read_form(written(a_field("hobby"))), by=CIVIL)
    with pytest.raises(RefusedError) as refusal:
        start(city.forms_office, FormId("relief"), date.fromisoformat(day), by=actor(party))
    assert refusal.value.code == code


def test_a_withdrawn_form_is_not_filled_in(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    file = written(a_field("hobby"))
    city.register_form(read_form(file), by=CIVIL)
    gone = withdraw(city.forms_office, FormId("relief"), by=CIVIL, why="Law repealed")
    assert withdraw(city.forms_office, FormId("relief"), by=CIVIL, why="Again") == gone
    with pytest.raises(RefusedError, match="withdrawn on"):
        start(city.forms_office, FormId("relief"), date(2026, 3, 31), by=actor("town_a"))
    assert city.register_form(read_form(file), by=CIVIL).withdrawn_at is None


def test_a_withdrawn_form_stays_so_whatever_else_is_done(
    at: Callable[..., City], written: Callable[..., Path], folder: Path
) -> None:
    city = at(NOW)
    file = written(a_field("members", zh="家庭人口数量"))
    (folder / "forms").mkdir()
    (folder / "forms" / "relief.yaml").write_bytes(file.read_bytes())
    city = at(NOW)
    city.register()
    gone = withdraw(city.forms_office, FormId("relief"), by=CIVIL, why="Law repealed")
    same = Same("members", "population", "household", is_same=True)
    said = say(city.forms_office, FormId("relief"), same, by=CIVIL)
    city.register()
    city.recheck_forms()
    held = form_file(city.forms_office, FormId("relief")).held
    assert (held, held.withdrawn_at) == (said, gone.withdrawn_at)
    # The owner may want it again, and says so.
    assert city.register_form(read_form(file), by=CIVIL).withdrawn_at is None


def test_a_form_worded_anew_while_it_is_judged_keeps_the_new_wording(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city, other = at(NOW), at(NOW)
    city.register_form(read_form(written(BORN)), by=CIVIL)
    reworded = read_form(written(BORN, INCOME))
    turns = iter((lambda: other.register_form(reworded, by=CIVIL),))

    def clock() -> Instant:
        # Between what the judging reads and what it writes somebody else registers.
        next(turns, lambda: None)()
        return city.clock()

    office = city.forms_office
    office = FormsOffice(replace(office.sharing, clock=clock))
    same = Same("birth_date", "population", "household", is_same=False)
    held = say(office, FormId("relief"), same, by=CIVIL)
    assert held.form == reworded
    assert set(verdicts(city, written(BORN, INCOME))) == {"birth_date", "income"}


def test_a_form_is_not_taken_over_by_another_party(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    city.register_form(read_form(written(a_field("hobby"))), by=CIVIL)
    theirs = read_form(written(a_field("car"), owner="tax"))
    with pytest.raises(RefusedError) as refusal:
        city.register_form(theirs, by=actor("tax"))
    assert refusal.value.code == "share.form_not_yours"
    assert form_file(city.forms_office, FormId("relief")).held.form.owner == "civil"
    handed = city.register_form(theirs, by=actor("city"))
    assert (handed.form.owner, handed.version) == ("tax", 2)


def test_another_party_does_not_register_a_form(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    with pytest.raises(RefusedError) as refusal:
        at(NOW).register_form(read_form(written(BORN)), by=actor("tax"))
    assert refusal.value.code == "share.form_not_yours"


def test_what_is_done_is_told_and_audited_once(
    at: Callable[..., City], written: Callable[..., Path]
) -> None:
    city, told = at(NOW), []
    office = replace(city.forms_office, sharing=replace(city.sharing_office, publish=told.append))
    city.register_form(read_form(written(BORN, a_field("hobby"))), by=CIVIL)
    city.register_form(read_form(written(BORN, a_field("hobby"))), by=CIVIL)
    held = start(office, FormId("relief"), date(2026, 3, 31), by=actor("town_a"))
    hand_in(office, held.id, by=actor("town_a"), typed=["hobby"])
    say(office, FormId("relief"), Same("hobby", "population", "household", False), by=CIVIL)
    assert [type(event) for event in told] == [FormFilled, FormJudged]
    assert (told[1].asked, told[1].refused) == (("hobby",), ("birth_date",))
    with city.control.transaction() as connection:
        contents = connection.scalars(select(outbox_table.c.content).order_by(outbox_table.c.no))
        kinds = [json.loads(content)["kind"] for content in contents]
    assert [k for k in kinds if k.startswith("form.")] == [
        "form.registered",
        "form.filled",
        "form.matched",
    ]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (("minutes: 10", "minuts: 10"), "unknown key; did you mean minutes?"),
        (("minutes: 10, ", ""), "time is stated once"),
        (("level: town", "level: town, parties: [town_a]"), "name the `parties`, or their `level`"),
        (("kind: parties, level: town", "kind: citizens"), "say how many citizens are `expected`"),
        (("first_due: 2026-01-31", "first_due: 2026-01-31, until: 2025-01-01"), "comes before"),
        (("meaning: person.birth_date", "meaning: Birth date"), "String should match pattern"),
        (("name: birth_date", "name: hobby"), "repeats the name 'hobby'"),
        (("meaning: person.birth_date", "confirm_minutes: 1"), "belongs to a field with"),
        (("type: string", "type: string, column: a.b"), "is that of 'hobby' too"),
    ],
)
def test_a_form_that_is_wrong_is_refused_with_its_line(
    written: Callable[..., Path], change: tuple[str, str], finding: str
) -> None:
    hobby = a_field("hobby", column="a.b")
    file = written(hobby, a_field("birth_date", meaning="person.birth_date", minutes=10))
    text = file.read_text()
    place = text.rindex(change[0])
    file.write_text(text[:place] + change[1] + text[place + len(change[0]) :])
    with pytest.raises(DocumentError, match=finding) as refusal:
        read_form(file)
    assert refusal.value.code == "share.bad_form"
