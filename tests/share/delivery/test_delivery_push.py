"""Changes pushed over a real socket: to one that is good, fails, is slow, or dies mid-way."""

from __future__ import annotations

import hmac
import json
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx2
import pytest

from shuzhi.app import open_city
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import User
from shuzhi.share.accounts import NewAccount, Role, add_account, disable
from shuzhi.share.agreements import Actor, Deed, Verb, deal
from shuzhi.share.delivery import (
    DeliverySetup,
    SubscriptionState,
    push,
    resume,
    subscribe,
    subscriptions,
    unsubscribe,
)
from shuzhi.share.delivery.webhooks import poster, require_allowed, secret_of
from shuzhi.share.receipts import Left, answer_objection, object_to, receipts, uses_of

HOUSING = Actor("h.li", PartyId("housing"))


@dataclass
class Receiver:
    """What listens: it takes the bodies down and answers as `do` says for each attempt."""

    do: Callable[[int], int | None] = lambda _: 200
    attempts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    hold: Event = field(default_factory=Event)

    @property
    def taken(self) -> dict[str, Any]:
        """Bodies by the id of their message, as a receiver that knows what it has would keep."""
        return {headers["webhook-id"]: json.loads(body) for headers, body in self.attempts}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    held = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            held.attempts.append((names, body))
            status = held.do(len(held.attempts))
            if status is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if status == -1:
                held.hold.wait(30)
                status = 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{held.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield held
    held.hold.set()
    server.shutdown()
    server.server_close()
    thread.join(10)


@dataclass
class Line:
    """A subscription of the housing office, and the clock that its waits go by."""

    town: Any
    receiver: Receiver
    now: Instant
    wait_s: float = 5.0
    as_now: Callable[[User], User] = lambda user: user

    @property
    def desk(self) -> Any:
        """The desk as it is now."""
        desk = self.town.desk
        sharing = replace(desk.sharing, clock=lambda: self.now)
        setup = DeliverySetup(push_to=(self.receiver.url,), per_minute=10_000)
        return replace(desk, receipts=replace(desk.receipts, sharing=sharing), setup=setup)

    def subscribe(self, **given: Any) -> Any:
        """Subscribe to all columns."""
        held = self.town.agreed()
        self.now = self.town.city.clock()
        wanted, asker = self.town.wanted(held), self.town.asker()
        return subscribe(self.desk, wanted, asker, f"{self.receiver.url}/hook", **given)

    def push(self, hours: float = 2) -> int:
        """Let time pass, and push what is due."""
        self.now = Instant(self.now + timedelta(hours=hours))
        with httpx2.Client(timeout=self.wait_s, trust_env=False) as client:
            return push(self.desk, poster(client), self.as_now)

    @property
    def held(self) -> Any:
        """The subscription as it is now."""
        (found,) = subscriptions(self.desk)
        return found


@pytest.fixture
def line(town: Any, receiver: Receiver) -> Line:
    """A line to a receiver on this machine."""
    return Line(town, receiver, town.city.clock())


def test_changes_come_signed_with_a_receipt_each(line: Line) -> None:
    made = line.subscribe()
    assert line.push() == 0
    line.town.put([100, 101])
    assert line.push() == 1
    ((headers, body),) = line.receiver.attempts
    secret = b64decode(secret_of(line.desk.city_key, made.id).removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = b64encode(hmac.digest(secret, content, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert [row["no"] for row in told["added"]] == [100, 101]
    assert (told["removed"], told["since"], told["until"], told["is_last"]) == ([], 0, 1, True)
    assert b"SECRET" not in body
    (receipt,) = receipts(line.desk.receipts)
    assert (receipt.what.left, receipt.what.rows, receipt.what.lake_version) == (Left.PUSH, 2, 1)
    assert [r.id for r in uses_of(line.desk.receipts, "person", "p50")] == [receipt.id]
    assert line.push() == 0


def test_what_is_corrected_and_what_is_hidden(line: Line) -> None:
    line.subscribe()
    lake = line.town.city.lake
    rows = lake.reader("residents").read_all().to_pylist()
    changed = [{**r, "district": "east"} if r["no"] == 3 else r for r in rows if r["no"] != 4]
    changed = [{**r, "secret": "SECRET anew"} if r["no"] == 5 else r for r in changed]
    lake.overwrite("residents", lake.reader("residents").read_all().from_pylist(
        changed, schema=lake.schema("residents")))  # fmt: skip
    line.push()
    ((_, body),) = line.receiver.attempts
    told = json.loads(body)
    assert [(row["no"], row["district"]) for row in told["added"]] == [(3, "east")]
    assert [(r["no"], r["district"]) for r in told["removed"]] == [(3, "south"), (4, "north")]
    lake.compact("residents")
    line.push()
    assert len(line.receiver.attempts) == 1


def test_all_that_is_there_comes_first_in_parts(line: Line) -> None:
    line.town.put(range(1_000, 3_200))
    line.subscribe(from_start=True)
    assert line.push() == 3
    numbers = [row["no"] for body in line.receiver.taken.values() for row in body["added"]]
    assert sorted(numbers) == [*range(20), *range(1_000, 3_200)]
    assert (line.held.position, line.held.target, line.held.sent) == (1, None, 0)


def test_a_receiver_that_fails_gets_the_same_again_with_one_receipt(line: Line) -> None:
    line.receiver.do = lambda attempt: {1: 500, 2: None, 3: 302}.get(attempt, 200)
    line.subscribe()
    line.town.put([100])
    assert [line.push() for _ in range(3)] == [0, 0, 0]
    assert (line.held.failures, line.held.last_error) == (3, "status 302")
    line.town.put([101])
    assert line.push() == 2
    ids = [headers["webhook-id"] for headers, _ in line.receiver.attempts]
    bodies = [body for _, body in line.receiver.attempts]
    assert ids[:4] == [ids[0]] * 4 != [ids[4]] * 4
    assert len(set(bodies[:4])) == 1
    assert len(receipts(line.desk.receipts)) == 2
    assert line.held.failures == 0


def test_it_waits_longer_each_time_and_not_for_others(line: Line) -> None:
    line.receiver.do = lambda _: 503
    line.subscribe()
    line.town.put([100])
    for seconds, attempts in ((0, 1), (4, 1), (2, 2), (9, 2), (2, 3)):
        line.push(hours=seconds / 3600)
        assert len(line.receiver.attempts) == attempts


def test_a_receiver_that_is_too_slow_is_tried_again(line: Line) -> None:
    line.receiver.do = lambda attempt: -1 if attempt == 1 else 200
    line.wait_s = 0.3
    line.subscribe()
    line.town.put([100])
    assert line.push() == 0
    assert line.held.last_error == "ReadTimeout"
    line.receiver.hold.set()
    line.wait_s = 10
    assert line.push() == 1


def test_a_receiver_that_drips_is_cut_off(line: Line) -> None:
    line.subscribe()
    line.town.put([100])
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        thread = Thread(target=_drip, args=[server, 200])
        thread.start()
        line.receiver.url, listened = url, line.receiver.url
        subscribe(line.desk, line.held.wanted, line.held.asker, f"{url}/hook", from_start=True)
        line.receiver.url = listened
        dripping = DeliverySetup(push_to=(listened, url), per_minute=10_000)
        desk = replace(line.desk, setup=dripping)
        with httpx2.Client(timeout=5, trust_env=False) as client:
            assert push(desk, poster(client, within_s=1.5)) == 1
        thread.join(20)
    good, slow = subscriptions(desk)
    assert (good.failures, slow.failures) == (0, 1)
    # Each byte came in time, and the whole would have been a yes.
    assert slow.last_error == "RemoteProtocolError"


def _drip(server: socket.socket, lines: int) -> None:
    taken, _ = server.accept()
    with taken:
        taken.settimeout(20)
        taken.recv(100_000)
        try:
            taken.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in range(lines):
                time.sleep(0.05)
                taken.sendall(b"X-%d: a\r\n" % number)
            taken.sendall(b"Content-Length: 0\r\n\r\n")
        except OSError:
            return


@pytest.mark.parametrize("name", ["127.1", "2130706433"])
def test_a_name_that_comes_to_mean_this_machine_is_told_nothing(line: Line, name: str) -> None:
    line.receiver.url = line.receiver.url.replace("127.0.0.1", name)
    line.subscribe()
    line.town.put([100])
    assert line.push() == 0
    assert line.receiver.attempts == []
    assert (line.held.failures, line.held.last_error) == (1, "its name means this machine")


def test_no_change_is_left_out_when_somebody_objects_between_two_parts(line: Line) -> None:
    line.town.put(range(1_000, 3_200))
    line.receiver.do = lambda attempt: 200 if attempt == 1 else 500
    line.subscribe(from_start=True)
    assert (line.push(), line.held.sent) == (1, 1_000)
    office = line.desk.receipts
    left = receipts(office)[-1]
    held = object_to(office, left.id, "person", "p505", reason="I never asked for it", by="p505")
    registry = Actor("r.zhou", PartyId("registry"))
    answer_objection(office, held.id, by=registry, text="Not needed", is_stopped=True)
    line.receiver.do = lambda _: 200
    assert line.push() == 3
    bodies = list(line.receiver.taken.items())
    before, after = (
        {row["no"] for _, body in part for row in body["added"]}
        for part in (bodies[:2], bodies[2:])
    )
    whole = {*range(20), *range(1_000, 3_200)}
    assert {1_010, 1_011} < before
    assert after == whole - {1_010, 1_011}
    # What was begun anew is no batch that the receiver knows.
    assert len({headers["webhook-id"] for headers, _ in line.receiver.attempts}) == 5


def test_who_lost_the_role_is_sent_nothing_until_it_is_theirs_again(line: Line) -> None:
    line.subscribe()
    line.town.put([100])
    line.as_now = lambda user: replace(user, roles=frozenset())
    assert line.push() == 0
    assert (line.held.state, line.held.last_error) == (SubscriptionState.ACTIVE, "role_not_held")
    assert line.receiver.attempts == []
    line.as_now = lambda user: user
    assert line.push() == 1


def test_a_city_sends_nothing_to_who_subscribed_by_an_account_that_is_disabled(
    line: Line,
) -> None:
    city = line.town.city
    new = NewAccount("h.li", PartyId("housing"), "Li", frozenset({Role.ANALYST}))
    add_account(city.accounts_office, new, by="root")
    line.subscribe()
    settings = city.settings.folder / "city.yaml"
    listed = f"delivery: {{push_to: ['{line.receiver.url}']}}\n"
    settings.write_text(settings.read_text(encoding="utf-8") + listed, encoding="utf-8")
    city = open_city(city.settings.folder)
    line.town.put([100])
    assert city.push_changes() == 1
    disable(city.accounts_office, "h.li", by="root")
    line.town.put([101])
    assert city.push_changes() == 0
    assert len(line.receiver.attempts) == 1
    assert line.held.last_error == "role_not_held"


def test_one_that_dies_is_resumed_from_what_it_acknowledged(line: Line) -> None:
    line.town.put(range(1_000, 2_500))
    line.receiver.do = lambda attempt: 200 if attempt == 1 else 500
    made = line.subscribe(from_start=True)
    for _ in range(12):
        line.push()
    assert (line.held.state, line.held.sent) == (SubscriptionState.DEAD, 1_000)
    attempts = len(line.receiver.attempts)
    line.push()
    assert len(line.receiver.attempts) == attempts
    line.receiver.do = lambda _: 200
    with pytest.raises(RefusedError, match=r"share.not_your_side"):
        resume(line.desk, made.id, by=Actor("w", PartyId("water")))
    resume(line.desk, made.id, by=HOUSING)
    assert line.push() == 1
    numbers = [row["no"] for body in line.receiver.taken.values() for row in body["added"]]
    assert sorted(numbers) == [*range(20), *range(1_000, 2_500)]


def test_an_end_is_an_end(line: Line) -> None:
    made = line.subscribe()
    line.receiver.do = lambda _: 410
    line.town.put([100])
    line.push()
    assert line.held.state is SubscriptionState.ENDED
    with pytest.raises(RefusedError, match=r"share.subscription_ended"):
        resume(line.desk, made.id, by=HOUSING)
    with pytest.raises(RefusedError, match=r"share.subscription_unknown"):
        unsubscribe(line.desk, 9, by=HOUSING)


def test_who_unsubscribes_while_something_is_sent_gets_nothing_more(line: Line) -> None:
    made = line.subscribe(from_start=True)
    line.town.put(range(100, 2_400))

    def leave(_: int) -> int:
        unsubscribe(line.desk, made.id, by=HOUSING)
        return 200

    line.receiver.do = leave
    line.push()
    line.push()
    assert (len(line.receiver.attempts), line.held.state) == (1, SubscriptionState.ENDED)


def test_a_suspended_agreement_waits_and_an_ended_one_ends(line: Line) -> None:
    made = line.subscribe()
    sharing, number = line.desk.sharing, made.wanted.agreement
    deal(sharing, number, Deed(Verb.SUSPEND, HOUSING, text="Repair"))
    line.town.put([100])
    line.push()
    assert (line.held.state, line.held.last_error) == (SubscriptionState.ACTIVE, "no_grant")
    deal(sharing, number, Deed(Verb.RESUME, HOUSING))
    assert line.push() == 1
    deal(line.desk.sharing, number, Deed(Verb.END, HOUSING, text="Done"))
    line.town.put([101])
    line.push()
    assert line.held.state is SubscriptionState.ENDED
    assert len(line.receiver.attempts) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/hook",
        "https://data.example.cn.evil.example/hook",
        "https://data.example.cn@evil.example/",
        "https://user:word@data.example.cn/hook",
        "http://data.example.cn/hook",
        "https://data.example.cn:8443/hook",
        "file:///etc/passwd",
        "gopher://data.example.cn/",
        "https://",
        "https://data.example.cn:x/",
        "https://data.example.cn/" + "a" * 1_000,
        "http://169.254.169.254/latest",
    ],
)
def test_no_address_is_called_that_the_city_does_not_list(url: str) -> None:
    with pytest.raises(RefusedError, match=r"share.push_not_allowed"):
        require_allowed(url, ["https://data.example.cn"])


def test_a_listed_address_is_called_whatever_its_path() -> None:
    for url in ("https://data.example.cn/a?b=c", "https://DATA.example.cn:443/"):
        assert require_allowed(url, ["https://data.example.cn"]) == url


def test_an_address_that_is_listed_no_more_is_called_no_more(line: Line) -> None:
    line.subscribe()
    line.town.put([100])
    desk = replace(line.desk, setup=DeliverySetup())
    with httpx2.Client(timeout=5, trust_env=False) as client:
        assert push(desk, poster(client)) == 0
    assert line.receiver.attempts == []
    assert line.held.last_error == "share.push_not_allowed"
    assert receipts(desk.receipts) == ()


def test_of_two_who_push_at_once_one_sends_each_change_once(line: Line) -> None:
    line.subscribe()
    line.town.put([100])
    beside: list[int] = []

    def push_beside(_: int) -> int:
        # While the first batch is on its way, others push, and more is stored.
        line.receiver.do = lambda _: 200
        line.town.put([101])
        beside.append(line.push())
        line.town.put([102])
        return 200

    line.receiver.do = push_beside
    assert line.push() == 2
    assert beside == [0]
    numbers = [row["no"] for body in line.receiver.taken.values() for row in body["added"]]
    assert sorted(numbers) == [100, 101, 102]


def test_who_resumes_while_something_is_sent_takes_no_acknowledgement_back(line: Line) -> None:
    made = line.subscribe()
    line.town.put([100])
    pushes = iter([line.push])

    def clock() -> Instant:
        next(pushes, lambda: None)()
        return line.now

    desk = line.desk
    sharing = replace(desk.sharing, clock=clock)
    resume(replace(desk, receipts=replace(desk.receipts, sharing=sharing)), made.id, by=HOUSING)
    assert len(line.receiver.attempts) == 1
    assert line.held.position == 1
