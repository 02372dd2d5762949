"""Evidence files, lists of cases, and the drawing of a case's way."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shuzhi.act.cases import (
    CaseKind,
    Stage,
    Upload,
    Wanted,
    case,
    cases,
    close,
    draw_case,
    feed_back,
    keep_evidence,
    read_evidence,
    return_case,
    tick,
)
from shuzhi.kernel.errors import BrokenError, RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


def test_evidence_is_stored_under_its_hash_once(town: Any) -> None:
    case_id = town.in_hand()
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo, town.photo])
    sha256 = hashlib.sha256(town.photo.raw).hexdigest()
    kept = [p for p in town.office.evidence_folder.rglob("*") if p.is_file()]
    assert [path.name for path in kept] == [sha256]
    assert read_evidence(town.office.evidence_folder, sha256) == town.photo.raw
    assert case(town.office, case_id).steps[-1].facts["evidence"][0] == {
        "sha256": sha256, "name": "after.png", "media_type": "image/png", "kind": "photo",
        "size_bytes": len(town.photo.raw),
    }  # fmt: skip


def test_evidence_that_was_changed_is_not_shown(town: Any) -> None:
    folder = town.office.evidence_folder
    kept = keep_evidence(folder, town.photo)
    (folder / kept.sha256[:2] / kept.sha256).write_bytes(b"another picture")
    with pytest.raises(BrokenError) as broken:
        read_evidence(folder, kept.sha256)
    assert str(broken.value) == (
        f"act.evidence_damaged: The evidence file {kept.sha256} is changed in its folder. "
        "Bring the evidence folder back from a backup."
    )
    assert keep_evidence(folder, town.photo) == kept
    assert read_evidence(folder, kept.sha256) == town.photo.raw


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.png", b"", "'a.png' has 0 bytes; 1 to 100 are taken"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 93, "'a.png' has 101 bytes; 1 to 100 are taken"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n", "is not what its name says (its content is image/png)"),
        ("a.png", b"MZ\x90\x00", "(its content is of another type)"),
        ("a.txt", b"a\x00b", "(its content is of another type)"),
        ("a.html", b"<script>", "(its content is text/plain)"),
        ("..\\..\\run.exe", b"\xff\xfe", "'run.exe' is not what its name says"),
    ],
)
def test_evidence_that_is_no_evidence_is_refused(
    tmp_path: Path, name: str, raw: bytes, said: str
) -> None:
    with pytest.raises(RefusedError, match=re.escape(said)) as refused:
        keep_evidence(tmp_path, Upload(name, raw), most_bytes=100)
    assert (refused.value.code, list(tmp_path.iterdir())) == ("act.evidence_refused", [])


@pytest.mark.parametrize(
    ("name", "raw", "media_type", "kind"),
    [
        ("a.JPG", b"\xff\xd8\xff\xe0", "image/jpeg", "photo"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", "photo"),
        ("a.pdf", b"%PDF-1.7", "application/pdf", "document"),
        ("测量.csv", "pH,值\n7,中性\n".encode(), "text/csv", "record"),
        ("a.txt", b"seen", "text/plain", "record"),
    ],
)
def test_the_type_of_evidence_is_read_from_its_bytes(
    tmp_path: Path, name: str, raw: bytes, media_type: str, kind: str
) -> None:
    kept = keep_evidence(tmp_path, Upload(name, raw))
    assert (kept.media_type, kept.kind, kept.size_bytes) == (media_type, kind, len(raw))


def test_cases_are_found_by_what_is_asked(town: Any) -> None:
    first = town.checked(merge_key="weir")
    close(town.office, first, by=town.desk)
    second = town.dispatched("ford", severity="urgent")
    town.hand.forward(days=1)
    third = town.report(party="water")
    asked = {
        "all": Wanted(),
        "open": Wanted(is_open=True),
        "closed": Wanted(is_open=False),
        "stage": Wanted(stages=(Stage.NEW, Stage.CLOSED)),
        "severity": Wanted(severity="urgent"),
        "kind": Wanted(kind="noise"),
        "ford has a part": Wanted(party=PartyId("ford")),
        "water answers": Wanted(party=PartyId("water")),
        "key": Wanted(merge_key="weir"),
        "today": Wanted(opened_from=town.hand.now),
        "before": Wanted(opened_before=town.hand.now),
        "late": Wanted(is_late=True),
        "not late": Wanted(is_late=False),
    }
    found = {name: [c.id for c in cases(town.office, w).cases] for name, w in asked.items()}
    assert found == {
        "all": [third, second, first],
        "open": [third, second],
        "closed": [first],
        "stage": [third, first],
        "severity": [second],
        "kind": [],
        "ford has a part": [second],
        "water answers": [third],
        "key": [first],
        "today": [third],
        "before": [second, first],
        "late": [second],
        "not late": [third, first],
    }


def test_a_case_that_went_up_is_found_by_where_it_went(town: Any) -> None:
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(days=3)
    tick(town.office)
    up = case(town.office, case_id).case.escalated_to
    assert [c.id for c in cases(town.office, Wanted(escalated_to=up)).cases] == [case_id]


def test_pages_follow_each_other(town: Any) -> None:
    ids = [town.report() for _ in range(5)]
    first = cases(town.office, limit=2)
    second = cases(town.office, limit=2, after=first.after)
    third = cases(town.office, limit=2, after=second.after)
    pages = [[c.id for c in page.cases] for page in (first, second, third)]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert third.after is None
    with pytest.raises(RefusedError, match=r"act\.bad_page: A page has 1 to 500"):
        cases(town.office, limit=0)


def test_the_way_of_a_case_is_drawn_with_times_and_what_is_possible(
    town: Any, kind: CaseKind
) -> None:
    town.hand.now = Instant(town.hand.now + timedelta(minutes=5))
    case_id = town.dispatched()
    town.hand.forward(hours=1)
    return_case(town.office, case_id, by=town.bridge, reason="other bank")
    steps = case(town.office, case_id).steps
    drawing = draw_case(kind, steps, zone="Asia/Shanghai")
    assert (
        drawing
        == """\
stateDiagram-v2
    direction LR
    [*] --> NEW
    state "new" as NEW
    state "verified" as VERIFIED
    state "filed" as FILED
    state "dispatched" as DISPATCHED
    state "returned" as RETURNED
    NEW --> VERIFIED : 2. verify 2026-03-02 09：05
    VERIFIED --> FILED : 3. file 2026-03-02 09：05
    FILED --> DISPATCHED : 4. dispatch 2026-03-02 09：05
    DISPATCHED --> RETURNED : 5. return 2026-03-02 10：05
    RETURNED --> DISPATCHED : dispatch ?
    class DISPATCHED,FILED,NEW,VERIFIED done
    class RETURNED now
    classDef done fill:#dff3e4,stroke:#2e7d4f,color:#14361f
    classDef now fill:#1f5fbf,stroke:#123a75,color:#ffffff
    classDef ahead fill:#ffffff,stroke:#9aa4b2,color:#4a5565,stroke-dasharray:4 3
"""
    )


def test_no_label_holds_what_would_end_it(town: Any, kind: CaseKind) -> None:
    case_id = town.checked()
    close(town.office, case_id, by=town.desk)
    drawing = draw_case(kind, case(town.office, case_id).steps, zone="Asia/Shanghai")
    labels = [line.split(" : ")[1] for line in drawing.splitlines() if " : " in line]
    assert len(labels) == 9
    assert not [label for label in labels if re.search(r"[:;\n]", label)]
