"""`shuzhi verification`: does this hold, of one or of many; indexes, and signs of fishing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_json, print_table
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.share.access import Refusal, User

commands = typer.Typer(help="通: confirm what others know.", no_args_is_help=True)

_Agreement = Annotated[int, typer.Option(help="The agreement that is asked under.")]
_Person = Annotated[str, typer.Option("--as", help="Who asks.")]
_Party = Annotated[str, typer.Option("--party", help="For which party.")]
_Role = Annotated[str, typer.Option(help="In which role.")]
_Purpose = Annotated[str, typer.Option(help="For which purpose.")]


@commands.command("ask")
def ask(
    subject: Annotated[str, typer.Argument(help="The id of whom it is about.")],
    claims: Annotated[str, typer.Argument(help='What is claimed: {"name": {"name": "张三"}}')],
    agreement: _Agreement,
    person: _Person,
    party: _Party,
    role: _Role,
    purpose: _Purpose,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether claims hold of one subject."""
    from shuzhi.share.access import Refusal
    from shuzhi.share.verification import ask as asked
    from shuzhi.share.verification import question_of, with_receipt

    there = opened(city)
    document = {
        "agreement": agreement,
        "purpose": purpose,
        "role": role,
        "subject": subject,
        "claims": _read(claims),
    }
    user = _user(person, party, role)
    result = asked(there.verification_desk, user, question_of(document))
    there.record()
    if isinstance(result, Refusal):
        raise _refused(result)
    told = json.loads(with_receipt(result.body, result.receipt))
    if as_json:
        print_json(told)
        return
    out.print(Text(f"{told['answer']} (receipt {told['receipt']})", "bold"))
    rows = [(name, c["answer"], c["zh"], c["en"]) for name, c in told["claims"].items()]
    print_table("Claims", ("column", "answer", "原因", "reason"), rows)


@commands.command("batch")
def batch(
    file: Annotated[Path, typer.Argument(help="A list: .csv, .jsonl, .parquet or .arrow.")],
    answers: Annotated[Path, typer.Argument(help="Where the answers go (.csv).")],
    agreement: _Agreement,
    person: _Person,
    party: _Party,
    role: _Role,
    purpose: _Purpose,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Answer a list of up to a million subjects; rows that cannot be asked go to ANSWERS.aside."""
    from shuzhi.cli.share.verification_files import AnswerFiles
    from shuzhi.share.access import Refusal
    from shuzhi.share.verification import Asking, answer_sheet, read_sheet

    there = opened(city)
    sheet = read_sheet(file)
    _require_apart(file, answers)
    asking = Asking(_user(person, party, role), agreement, role, purpose)
    told: Counter[str] = Counter()
    refusal: Refusal | None = None
    with AnswerFiles(answers) as files:
        for block in answer_sheet(there.verification_desk, asking, sheet):
            if isinstance(block, Refusal):
                refusal = block
                break
            files.write(block)
            told.update(block.answers.column("answer").to_pylist())
            if not as_json:
                out.print(f"{counted(told.total(), 'row')} answered")
        files.write_unread(sheet.unread)
        aside = files.aside
    there.record()
    if refusal is not None:
        raise _refused(refusal, files.last)
    if as_json:
        print_json({"answered": told.total(), "aside": aside, **told})
        return
    print_table("Answers", ("answer", "rows"), [*sorted(told.items()), ("set aside", aside)])


@commands.command("refresh")
def refresh(
    dataset: Annotated[str | None, typer.Argument(help="A data set; all where none.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read everything anew.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring indexes to the newest versions of their data sets."""
    there = opened(city)
    if dataset is None:
        done = there.refresh_verifications()
    else:
        done = {dataset: there.refresh_verification(dataset, rebuild=rebuild)}
    there.record()
    rows = [
        (name, r.done.value, r.changed, r.generation.version, r.generation.committed_at)
        for name, r in done.items()
    ]
    if as_json:
        keys = ("dataset", "done", "subjects", "version", "committed_at")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    columns = ("data set", "done", "subjects", "version", "committed at")
    print_table("Indexes", columns, rows)


@commands.command("list")
def list_findings(
    agreement: Annotated[int | None, typer.Option(help="Those of an agreement.")] = None,
    before: Annotated[int | None, typer.Option(help="The last of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List what looked like fishing, the newest first."""
    from shuzhi.share.verification import findings

    office = opened(city).verification_desk.office
    found = findings(office, agreement=agreement, before=before, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (f.id, f.what.at, f.what.agreement, f.what.asker, f.what.kind.value, f.what.measured,
         f.what.action.value, f.what.until, f.lifted_by)
        for f in found
    ]  # fmt: skip
    columns = ("no", "at", "agreement", "asker", "what", "measured", "done", "until", "lifted by")
    print_table(counted(len(rows), "finding"), columns, rows)


@commands.command("lift")
def lift(
    number: Annotated[int, typer.Argument(help="The finding's number.")],
    person: _Person,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Lift what was done about a finding, as the data manager who looked at it."""
    from shuzhi.share.verification import lift as lifted

    there = opened(city)
    found = lifted(there.verification_desk, number, by=person)
    there.record()
    if as_json:
        print_json(found)
    else:
        out.print(f"finding {found.id} lifted by {found.lifted_by}")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise RefusedError(
            "cli.bad_json",
            "The claims are no JSON.",
            next_step='Write them as {"name": "张三", "born": "1990-03-07"}.',
        ) from None


def _require_apart(file: Path, answers: Path) -> None:
    if answers.exists() and answers.samefile(file):
        raise RefusedError(
            "cli.same_file",
            "The answers would be written over the list.",
            next_step="Name another file for them.",
        )


def _user(person: str, party: str, role: str) -> User:
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.access import User

    return User(person, PartyId(party), frozenset({role}))


def _refused(refusal: Refusal, last: int = 0) -> RefusedError:
    """Return a refusal as the shell tells it; `last` is the last row that is done before it."""
    then = f"The rows up to {last:,} are done; send those after it as another list."
    told = f"{refusal.en} {refusal.zh}"
    return RefusedError(f"share.{refusal.reason}", told, next_step=then if last else "")
