"""`shuzhi account` and `shuzhi key`: who people and programs are, and what they may do.

Whoever works at the city's folder is above all accounts, so these commands ask no role.
"""

from __future__ import annotations

import getpass
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_facts, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shuzhi.app import City
    from shuzhi.share.accounts import Account, ApiKey, RoleGrant

commands = typer.Typer(help="Who people and programs are.", no_args_is_help=True)
key_commands = typer.Typer(help="API keys of programs.", no_args_is_help=True)

By = Annotated[str | None, typer.Option("--as", help="Who does this; default: your login.")]
Party = Annotated[str, typer.Option("--party", help="For which party.")]
_STDIN = Annotated[
    bool, typer.Option("--stdin", help="Read the password from standard input, one line.")
]
_GENERATE = Annotated[bool, typer.Option("--generate", help="Make one, and print it this once.")]


@commands.command("add")
def add(
    name: str,
    party: Party,
    title: Annotated[str, typer.Option(help="What people call the holder.")],
    role: Annotated[list[str] | None, typer.Option(help="A role for the party.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="What records call this person or company.")
    ] = None,
    stdin: _STDIN = False,
    generate: _GENERATE = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Sign in by the identity provider alone.")
    ] = False,
    by: By = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make the account NAME; a password is asked for, and changed at the first visit if made."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.accounts import NewAccount, add_account, role_of

    there = opened(city)
    roles = frozenset(role_of(each) for each in role or ())
    new = NewAccount(name, PartyId(party), title, roles, subject)
    password = None if no_password else _password(there, stdin=stdin, generate=generate)
    made = add_account(
        there.accounts_office, new, by=by or getpass.getuser(), password=password,
        must_change=generate,
    )  # fmt: skip
    there.record()
    _say(f"made account {made.name}", {"account": made}, as_json, password if generate else None)


@commands.command("list")
def list_accounts(
    party: Annotated[str | None, typer.Option(help="Of this party.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List accounts by name."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.accounts import accounts, all_grants

    office = opened(city).accounts_office
    found = accounts(office, None if party is None else PartyId(party))
    if as_json:
        print_json(found)
        return
    held = all_grants(office)
    rows = [
        (a.name, a.title, a.party, a.state.value, _roles(g for g in held if g.account == a.name))
        for a in found
    ]
    print_table(counted(len(rows), "account"), ("name", "title", "party", "state", "roles"), rows)


@commands.command("show")
def show(name: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show the account NAME: its roles, sessions and keys."""
    from shuzhi.share.accounts import account_file

    file = account_file(opened(city).accounts_office, name)
    if as_json:
        print_json(file)
        return
    print_facts(file.account.name, _facts(file.account, file.grants))
    sessions = [(s.id, s.way.value, s.made_at, s.seen_at, s.agent) for s in file.sessions]
    columns = ("session", "way", "since", "last seen", "browser")
    print_table(counted(len(sessions), "session"), columns, sessions)
    _show_keys(file.keys)


@commands.command("disable")
def disable_account(
    name: str, by: By = None, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """Let nobody come in by the account NAME: its sessions end, its keys open nothing."""
    from shuzhi.share.accounts import disable

    there = opened(city)
    done = disable(there.accounts_office, name, by=by or getpass.getuser())
    there.record()
    _say(f"disabled {done.name}", {"account": done}, as_json)


@commands.command("enable")
def enable_account(
    name: str, by: By = None, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """Let the holder of the account NAME in again, also one that waits after wrong passwords."""
    from shuzhi.share.accounts import enable

    there = opened(city)
    done = enable(there.accounts_office, name, by=by or getpass.getuser())
    there.record()
    _say(f"enabled {done.name}", {"account": done}, as_json)


@commands.command("password")
def password_of(
    name: str,
    stdin: _STDIN = False,
    generate: _GENERATE = False,
    by: By = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Set the password of NAME, who chooses another one at the next visit; sessions end."""
    from shuzhi.share.accounts import set_password

    there = opened(city)
    password = _password(there, stdin=stdin, generate=generate)
    set_password(there.accounts_office, name, password, by=by or getpass.getuser())
    there.record()
    _say(f"set the password of {name}", {"set": name}, as_json, password if generate else None)


@commands.command("grant")
def grant_role(
    name: str,
    role: str,
    party: Party,
    by: By = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give NAME the ROLE for a party (docs/accounts.md lists what each may do)."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.accounts import grant, role_of

    there = opened(city)
    given = role_of(role)
    grant(there.accounts_office, name, PartyId(party), given, by=by or getpass.getuser())
    there.record()
    _say(f"{name} is {given.value} for {party}", {"granted": given, "to": name}, as_json)


@commands.command("revoke")
def revoke_role(
    name: str,
    role: str,
    party: Party,
    by: By = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take the ROLE for a party from NAME, and so from the keys of NAME."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.accounts import revoke, role_of

    there = opened(city)
    taken = role_of(role)
    revoke(there.accounts_office, name, PartyId(party), taken, by=by or getpass.getuser())
    there.record()
    said = f"{name} is no longer {taken.value} for {party}"
    _say(said, {"revoked": taken, "from": name}, as_json)


@commands.command("bind")
def bind(
    name: str,
    subject: Annotated[str, typer.Argument(help="What the provider calls the person (`sub`).")],
    issuer: Annotated[str | None, typer.Option(help="Default: the provider of city.yaml.")] = None,
    by: By = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let the person SUBJECT of the identity provider come in as NAME."""
    from shuzhi.share.accounts import bind_identity
    from shuzhi.share.accounts.errors import no_provider

    there = opened(city)
    provider = there.settings.city.login.oidc
    if issuer is None and provider is None:
        raise no_provider()
    known_to = issuer or (provider.issuer if provider else "")
    office = there.accounts_office
    bind_identity(office, name, known_to, subject, by=by or getpass.getuser())
    there.record()
    _say(f"{subject} comes in as {name}", {"bound": name, "issuer": known_to}, as_json)


@key_commands.command("add")
def add_key(
    account: str,
    right: Annotated[list[str], typer.Option(help="What it may do, as data.query.")],
    party: Party,
    title: Annotated[str, typer.Option(help="What it is for.")],
    days: Annotated[int, typer.Option(min=1, help="How long it lasts.")] = 90,
    by: By = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for ACCOUNT and print it this once."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.accounts import NewKey, make_key, right_of

    there = opened(city)
    rights = frozenset(right_of(each) for each in right)
    new = NewKey(account, PartyId(party), title, rights, timedelta(days=days))
    made, secret = make_key(there.accounts_office, new, by=by or getpass.getuser())
    there.record()
    _say(f"made key {made.prefix}", {"key": made}, as_json, secret.value)


@key_commands.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option(help="Of this account.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List keys, the newest first; of each only what may be seen."""
    from shuzhi.share.accounts import AccountName, keys

    found = keys(opened(city).accounts_office, None if account is None else AccountName(account))
    if as_json:
        print_json(found)
    else:
        _show_keys(found)


@key_commands.command("revoke")
def revoke(prefix: str, by: By = None, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Let the key with PREFIX open nothing from now on."""
    from shuzhi.share.accounts import revoke_key

    there = opened(city)
    done = revoke_key(there.accounts_office, prefix, by=by or getpass.getuser())
    there.record()
    _say(f"revoked {done.prefix}", {"key": done}, as_json)


def _password(city: City, *, stdin: bool, generate: bool) -> str:
    from shuzhi.share.accounts import new_password

    if generate:
        return new_password(city.accounts_office).value
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return first


def _say(text: str, document: dict[str, object], as_json: bool, secret: str | None = None) -> None:
    """Tell what was done; a secret stands alone on standard output, so that it can be piped."""
    if as_json:
        print_json(document | ({} if secret is None else {"secret": secret}))
        return
    out.print(f"[green]✓[/green] {text}", soft_wrap=True)
    if secret is not None:
        out.print("  shown this once; keep it where only its user can read it:")
        sys.stdout.write(f"{secret}\n")


def _facts(account: Account, grants: Iterable[RoleGrant]) -> list[tuple[str, object]]:
    return [
        ("title", account.title),
        ("party", account.party),
        ("state", account.state.value),
        ("roles", _roles(grants)),
        ("password", "set" if account.has_password else "none"),
        ("has to change it", account.must_change),
        ("waits until", account.locked_until),
        ("subject", account.subject),
        ("made", account.made_at),
        ("made by", account.made_by),
    ]


def _roles(grants: Iterable[RoleGrant]) -> str:
    return ", ".join(f"{g.role.value} ({g.party})" for g in grants)


def _show_keys(found: Iterable[ApiKey]) -> None:
    rows = [
        (k.prefix, k.account, k.party, k.title, ", ".join(sorted(k.rights)), k.expires_at,
         k.used_at, k.revoked_at)
        for k in found
    ]  # fmt: skip
    columns = ("key", "account", "party", "for", "rights", "expires", "used", "revoked")
    print_table(counted(len(rows), "key"), columns, rows)
