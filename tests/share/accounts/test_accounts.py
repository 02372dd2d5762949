"""Accounts from their making to their end: passwords, tries, roles, sessions, keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from shuzhi.kernel.control import Control, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.accounts import (
    AccountError,
    AccountName,
    Cost,
    LoginRefusedError,
    NewKey,
    Passwords,
    Right,
    Role,
    SessionId,
    Weakness,
    account_file,
    accounts,
    bind_identity,
    change_password,
    disable,
    enable,
    end_all,
    end_session,
    grant,
    keys,
    login,
    logout,
    make_key,
    revoke,
    revoke_key,
    set_password,
    standing_by_key,
    standing_by_session,
    weakness,
)
from shuzhi.share.accounts.known import login_by_identity
from shuzhi.share.accounts.oidc import Identity
from shuzhi.share.accounts.setup import AdmitRule, OidcSetup
from shuzhi.share.accounts.store import account_row, key_table, session_table


def refused(code: str) -> Any:
    return pytest.raises(RefusedError, match=rf"^{code}:")


def key_for(people: Any, *rights: Right, **more: Any) -> tuple[Any, Any]:
    terms: dict[str, Any] = {"lasts": timedelta(days=30), "party": people.east} | more
    return make_key(people.office, NewKey("li", title="dashboard", rights=frozenset(rights),
                                          **terms), by="li")  # fmt: skip


def test_an_account_is_made_with_its_roles_and_the_audit_log_says_so(people: Any) -> None:
    made = people.add("li", Role.STEWARD)
    assert [a.name for a in accounts(people.office)] == ["li"]
    assert made.has_password
    assert people.kinds() == ["account.added", "account.role_given"]
    assert people.entries()[1]["facts"] == {"party": "east", "role": "steward"}


@pytest.mark.parametrize("name", ["", "L", "李", "a b", "-a", "a..b", "a" * 61, "root\n"])
def test_a_name_that_is_no_name_is_refused(people: Any, name: str) -> None:
    with refused("share.bad_account_name"):
        people.add(name)


def test_a_name_is_given_once(people: Any) -> None:
    people.add("li")
    with refused("share.account_exists"):
        people.add("li")


def test_an_account_belongs_to_a_registered_party(people: Any) -> None:
    with refused("share.party_unknown"):
        people.add("li", party="nowhere")


def test_the_right_password_opens_a_session_and_logout_ends_it(people: Any) -> None:
    people.add("li", Role.STEWARD)
    opened = login(people.office, "  LI ", people.password, agent="Firefox\x00")
    standing = standing_by_session(people.office, opened.token.value)
    assert standing is not None
    assert (standing.account, standing.party, standing.roles()) == ("li", "east", {Role.STEWARD})
    assert standing.session is not None
    assert standing.session.agent == "Firefox"
    logout(people.office, opened.token.value)
    assert standing_by_session(people.office, opened.token.value) is None
    assert people.kinds()[-2:] == ["session.opened", "session.ended"]


def test_only_hashes_of_tokens_and_keys_are_kept(people: Any) -> None:
    people.add("li", Role.ANALYST)
    token = login(people.office, "li", people.password).token.value
    _, secret = key_for(people, Right.QUERY)
    with people.office.control.transaction() as connection:
        kept = repr(connection.execute(session_table.select()).all())
        kept += repr(connection.execute(key_table.select()).all())
    # 32 random bytes, as text.
    assert len(token) == 43
    assert token not in kept
    assert secret.value not in kept
    assert secret.value[15:] not in kept


def test_every_wrong_way_in_is_told_the_same(people: Any) -> None:
    people.add("li")
    people.add("gone")
    disable(people.office, "gone", by="root")
    told = set()
    for name, password in [("li", "wrong"), ("nobody", people.password), ("", ""),
                           ("gone", people.password), ("李" * 500, "\ud800")]:  # fmt: skip
        with pytest.raises(LoginRefusedError) as caught:
            login(people.office, name, password)
        told.add(str(caught.value))
    assert len(told) == 1


def test_an_unknown_name_costs_one_check_of_a_hash_as_a_known_one_does(people: Any) -> None:
    people.add("li")
    checked: list[str] = []

    class Counting(Passwords):
        def is_right(self, hashed: str, password: str) -> bool:
            checked.append(hashed)
            return super().is_right(hashed, password)

    object.__setattr__(people.office, "passwords", Counting(Cost(memory_kib=8, rounds=1)))
    for name in ("li", "nobody"):
        with pytest.raises(LoginRefusedError):
            login(people.office, name, "wrong")
    known, decoy = checked
    assert known.rsplit("$", 2)[0] == decoy.rsplit("$", 2)[0]
    assert list(map(len, known.split("$"))) == list(map(len, decoy.split("$")))


def test_the_name_that_somebody_typed_in_vain_is_not_written_down(people: Any) -> None:
    with pytest.raises(LoginRefusedError):
        login(people.office, "my password by mistake", "")
    entry = people.entries()[-1]
    assert (entry["kind"], entry["subject"]) == ("session.refused", "account:unknown")


def test_wrong_passwords_make_an_account_wait_longer_and_longer(people: Any) -> None:
    people.add("li")
    waits = []
    for _ in range(14):
        with pytest.raises(LoginRefusedError):
            login(people.office, "li", "wrong")
        until = account_file(people.office, "li").account.locked_until
        waits.append((until - people.clock.now).total_seconds() if until else 0)
        people.clock.go(seconds=waits[-1])
    assert waits[:9] == [0, 0, 0, 0, 30, 60, 120, 240, 480]
    assert set(waits[9:]) == {900}
    assert people.kinds().count("account.locked") == 10


def test_while_an_account_waits_even_the_right_password_is_refused(people: Any) -> None:
    people.add("li")
    for _ in range(5):
        with pytest.raises(LoginRefusedError):
            login(people.office, "li", "wrong")
    with pytest.raises(LoginRefusedError):
        login(people.office, "li", people.password)
    people.clock.go(seconds=31)
    login(people.office, "li", people.password)
    assert account_file(people.office, "li").account.locked_until is None
    with pytest.raises(LoginRefusedError):
        login(people.office, "li", "wrong")
    assert account_file(people.office, "li").account.locked_until is None


def test_an_administrator_ends_the_waiting(people: Any) -> None:
    people.add("li")
    for _ in range(5):
        with pytest.raises(LoginRefusedError):
            login(people.office, "li", "wrong")
    enable(people.office, "li", by="root")
    login(people.office, "li", people.password)


def test_a_session_ends_when_it_is_left_alone_and_at_its_end_in_any_case(people: Any) -> None:
    people.add("li")
    left = login(people.office, "li", people.password).token.value
    people.clock.go(minutes=29)
    assert standing_by_session(people.office, left)
    people.clock.go(minutes=29)
    assert standing_by_session(people.office, left)
    people.clock.go(minutes=30)
    assert standing_by_session(people.office, left) is None
    used = login(people.office, "li", people.password).token.value
    for _ in range(12 * 3 - 1):
        people.clock.go(minutes=20)
        assert standing_by_session(people.office, used)
    people.clock.go(minutes=20)
    assert standing_by_session(people.office, used) is None


def test_signing_in_draws_a_new_token_and_ends_what_the_browser_had(people: Any) -> None:
    people.add("li")
    first = login(people.office, "li", people.password)
    second = login(people.office, "li", people.password, old=first.token.value)
    assert first.token != second.token
    assert standing_by_session(people.office, first.token.value) is None
    assert standing_by_session(people.office, second.token.value)


@pytest.mark.parametrize("end", ["disable", "set", "all"])
def test_sessions_end_with_what_they_stood_on(people: Any, end: str) -> None:
    people.add("li")
    token = login(people.office, "li", people.password).token.value
    ways = {
        "disable": lambda: disable(people.office, "li", by="root"),
        "set": lambda: set_password(people.office, "li", "other words of mine", by="root"),
        "all": lambda: end_all(people.office, AccountName("li"), by="root"),
    }
    ways[end]()
    assert standing_by_session(people.office, token) is None


def test_changing_the_password_keeps_this_session_alone(people: Any) -> None:
    people.add("li")
    here, there = (login(people.office, "li", people.password) for _ in range(2))
    assert here.standing.session
    fresh = "entirely other words"
    change_password(people.office, "li", people.password, fresh, keep=here.standing.session.id)
    assert standing_by_session(people.office, here.token.value)
    assert standing_by_session(people.office, there.token.value) is None
    with pytest.raises(LoginRefusedError):
        login(people.office, "li", people.password)
    login(people.office, "li", fresh)


def test_changing_the_password_asks_for_the_present_one(people: Any) -> None:
    people.add("li")
    with refused("share.password_wrong"):
        change_password(people.office, "li", "wrong", "entirely other words")
    with refused("share.password_same"):
        change_password(people.office, "li", people.password, people.password)


FROM_ABOVE = "a password from above"


def meanwhile(people: Any, do: Callable[[], object]) -> Any:
    """Return the office in which something is done once randomness is asked for first.

    That is after the password was proved, and before what is done by the proof.
    """
    waiting = [do]

    def draw(size: int) -> bytes:
        while waiting:
            waiting.pop()()
        drawn: bytes = people.office.draw(size)
        return drawn

    return replace(people.office, draw=draw)


@pytest.mark.parametrize("what", ["set", "changed", "disabled"])
def test_no_session_outlives_what_happened_between_proof_and_opening(
    people: Any, what: str
) -> None:
    people.add("li")
    ways: dict[str, Callable[[], object]] = {
        "set": lambda: set_password(people.office, "li", FROM_ABOVE, by="root"),
        "changed": lambda: change_password(people.office, "li", people.password, FROM_ABOVE),
        "disabled": lambda: disable(people.office, "li", by="root"),
    }
    with pytest.raises(LoginRefusedError):
        login(meanwhile(people, ways[what]), "li", people.password)
    assert account_file(people.office, "li").sessions == ()
    assert "session.opened" not in people.kinds()


def test_a_proof_of_the_old_password_does_not_undo_one_that_was_set_meanwhile(people: Any) -> None:
    people.add("li")
    office = meanwhile(people, lambda: set_password(people.office, "li", FROM_ABOVE, by="root"))
    with refused("share.password_wrong"):
        change_password(office, "li", people.password, "entirely other words")
    assert login(people.office, "li", FROM_ABOVE).standing.must_change


def test_what_does_not_touch_the_password_holds_up_no_session(people: Any) -> None:
    people.add("li")
    given = meanwhile(
        people, lambda: grant(people.office, "li", people.east, Role.ANALYST, by="root")
    )
    opened = login(given, "li", people.password)
    assert standing_by_session(people.office, opened.token.value)
    # A hash that is made anew for its cost is no other password.
    costly = replace(people.office, passwords=Passwords(Cost(memory_kib=16, rounds=1)))
    assert standing_by_session(costly, login(costly, "li", people.password).token.value)


def test_who_was_given_a_password_may_do_nothing_before_choosing_one(people: Any) -> None:
    people.add("li", Role.ANALYST)
    set_password(people.office, "li", "a password from above", by="root")
    opened = login(people.office, "li", "a password from above")
    assert not any(opened.standing.may(right) for right in Right)
    change_password(people.office, "li", "a password from above", people.password)
    assert login(people.office, "li", people.password).standing.may(Right.QUERY)


def test_one_ends_only_sessions_of_ones_own(people: Any) -> None:
    people.add("li")
    people.add("wang")
    opened = login(people.office, "li", people.password)
    assert opened.standing.session
    with refused("share.session_unknown"):
        end_session(people.office, AccountName("wang"), opened.standing.session.id)
    end_session(people.office, AccountName("li"), opened.standing.session.id)
    assert account_file(people.office, "li").sessions == ()
    with refused("share.session_unknown"):
        end_session(people.office, AccountName("li"), SessionId(99))


def test_a_hash_is_renewed_when_it_costs_more_by_now(people: Any) -> None:
    people.add("li")
    object.__setattr__(people.office, "passwords", Passwords(Cost(memory_kib=16, rounds=2)))
    login(people.office, "li", people.password)
    with people.office.control.transaction() as connection:
        row = account_row(connection, "li")
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$v=19$m=16,t=2,p=1$")
    login(people.office, "li", people.password)


def test_nobody_gives_himself_a_role(people: Any) -> None:
    people.add("li", Role.ADMINISTRATOR)
    with refused("share.own_role"):
        grant(people.office, "li", people.east, Role.MANAGER, by="li")


def test_a_role_is_given_once_and_taken_once(people: Any) -> None:
    people.add("li")
    for _ in range(2):
        grant(people.office, "li", people.city, Role.MANAGER, by="root")
    assert people.kinds().count("account.role_given") == 1
    revoke(people.office, "li", people.city, Role.MANAGER, by="root")
    with refused("share.not_granted"):
        revoke(people.office, "li", people.city, Role.MANAGER, by="root")


def test_a_key_gives_what_it_was_made_for_and_no_more(people: Any) -> None:
    people.add("li", Role.ANALYST)
    key, secret = key_for(people, Right.QUERY)
    standing = standing_by_key(people.office, secret.value)
    assert standing is not None
    assert {r for r in Right if standing.may(r)} == {Right.QUERY}
    assert standing.parties(Right.QUERY) == {people.east}
    assert standing.session is None
    assert secret.value.startswith(f"szk_{key.prefix}_")
    assert keys(people.office)[0].used_at == people.clock.now


def test_a_key_opens_nothing_once_it_is_over_or_its_owner_lost_the_right(people: Any) -> None:
    people.add("li", Role.ANALYST)
    _, secret = key_for(people, Right.QUERY)
    revoke(people.office, "li", people.east, Role.ANALYST, by="root")
    standing = standing_by_key(people.office, secret.value)
    assert standing is not None
    assert not standing.may(Right.QUERY)
    disable(people.office, "li", by="root")
    assert standing_by_key(people.office, secret.value) is None
    enable(people.office, "li", by="root")
    people.clock.go(days=30)
    assert standing_by_key(people.office, secret.value) is None


def test_a_revoked_key_opens_nothing(people: Any) -> None:
    people.add("li", Role.ANALYST)
    key, secret = key_for(people, Right.QUERY)
    with refused("share.key_unknown"):
        revoke_key(people.office, key.prefix, by="wang", owner=AccountName("wang"))
    first = revoke_key(people.office, key.prefix, by="li")
    people.clock.go(hours=1)
    assert revoke_key(people.office, key.prefix, by="li") == first
    assert standing_by_key(people.office, secret.value) is None
    assert people.kinds().count("key.revoked") == 1


@pytest.mark.parametrize(
    ("rights", "more", "code"),
    [
        ({Right.OVERSEE}, {}, "share.key_beyond_owner"),
        ({Right.MAKE_KEY}, {}, "share.key_beyond_owner"),
        (set(), {}, "share.key_beyond_owner"),
        ({Right.QUERY}, {"party": "city_government"}, "share.key_beyond_owner"),
        ({Right.QUERY}, {"lasts": timedelta(0)}, "share.key_too_long"),
        ({Right.QUERY}, {"lasts": timedelta(days=367)}, "share.key_too_long"),
    ],
)
def test_a_key_beyond_its_owner_or_the_terms_is_refused(
    people: Any, rights: set[Right], more: dict[str, Any], code: str
) -> None:
    people.add("li", Role.ANALYST)
    with refused(code):
        key_for(people, *rights, **more)


def test_an_identity_belongs_to_one_account(people: Any) -> None:
    people.add("li")
    people.add("wang")
    bind_identity(people.office, "li", "https://id.example", "s-1", by="root")
    with refused("share.identity_taken"):
        bind_identity(people.office, "wang", "https://id.example", "s-1", by="root")


def test_nothing_that_is_secret_is_logged_recorded_or_shown(
    people: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    people.add("li", Role.ANALYST)
    opened = login(people.office, "li", people.password)
    key, secret = key_for(people, Right.QUERY)
    told = [repr(opened), repr(key), repr(secret), repr(people.office)]
    for name, password in (("li", "WRONG-SECRET-7"), ("nobody", "WRONG-SECRET-7")):
        with pytest.raises(AccountError) as caught:
            login(people.office, name, password)
        told += [str(caught.value), repr(caught.value)]
    with pytest.raises(AccountError) as caught:
        change_password(people.office, "li", people.password, "WRONG-SECR")
    told += [str(caught.value), repr(account_file(people.office, "li")), caplog.text]
    told += [repr(people.entries())]
    with people.office.control.transaction() as connection:
        row = account_row(connection, "li")
    assert row is not None
    secrets = [people.password, "WRONG-SECR", opened.token.value, secret.value, secret.value[15:]]
    secrets.append(row["password_hash"])
    assert [s for s in secrets for text in told if s in text] == []


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("eleven char", Weakness.SHORT),
        ("x" * 129, Weakness.LONG),
        ("null \x00 is no text", Weakness.NO_TEXT),
        ("half a pair \ud800", Weakness.NO_TEXT),
        ("Password2026!!", Weakness.COMMON),
        ("P@ssw0rd12345", Weakness.COMMON),
        ("123456789012", Weakness.COMMON),
        ("qwertyuiop[]", Weakness.COMMON),
        ("1qaz2wsx3edc", Weakness.COMMON),
        ("abcabcabcabc", Weakness.COMMON),
        ("aaaaaaaaaaaaaa", Weakness.COMMON),
        ("woaini5201314", Weakness.COMMON),
        ("Riverside is mine", Weakness.ABOUT_YOU),
        ("correct horse battery", None),
        ("我的口令是一句很长的话呀", None),
        ("k7#Vq2!mZx9@", None),
    ],
)
def test_passwords_that_are_guessed_first_are_refused(
    password: str, expected: Weakness | None
) -> None:
    assert weakness(password, ("riverside", "li")) is expected


def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    passwords = Passwords(Cost(memory_kib=8, rounds=1))
    hashed = passwords.hashed("caf\u00e9 au lait et croissant", bytes(16))
    assert passwords.is_right(hashed, "cafe\u0301 au lait et croissant")
    assert not passwords.is_right("no hash", "x")
    assert not passwords.is_right(passwords.decoy, "")


def test_tries_at_several_processes_count_together(people: Any) -> None:
    people.add("li")
    elsewhere = open_control(f"{people.office.control.engine.url}")
    offices = [people.office, replace(people.office, control=elsewhere)]

    def guess(number: int) -> None:
        with refused("share.login_refused"):
            login(offices[number % 2], "li", f"wrong {number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(guess, range(12)))
    with people.office.control.transaction() as connection:
        row = account_row(connection, "li")
    assert (row["failed"], people.kinds().count("account.locked")) == (people.office.terms.tries, 1)
    for office in offices:
        with refused("share.login_refused"):
            login(office, "li", people.password)
    elsewhere.engine.dispose()


class Overtaken(Control):
    """A store in which `meanwhile` happens between its first transaction and its second."""

    def __init__(self, control: Control, meanwhile: Callable[[], object]) -> None:
        super().__init__(control.engine)
        self.turns = iter([lambda: None, meanwhile])

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        next(self.turns, lambda: None)()
        with super().transaction() as connection:
            yield connection


def test_two_first_visits_at_once_come_in_by_one_account(people: Any) -> None:
    rule = AdmitRule(claim="office", equals="east", party=str(people.east))
    setup = OidcSetup(issuer="https://id.example", client_id="shuzhi", admit=(rule,))
    claims = {"office": "east", "preferred_username": "li"}
    identity = Identity(setup.issuer, "subject 1", claims)
    came: list[Any] = []

    def come_in(office: Any) -> None:
        came.append(login_by_identity(office, setup, identity).standing.account)

    slower = Overtaken(people.office.control, lambda: come_in(people.office))
    come_in(replace(people.office, control=slower))
    assert came == ["li", "li"]
    assert people.kinds().count("account.added") == 1
