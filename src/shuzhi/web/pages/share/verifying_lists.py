"""Lists of subjects as a clerk brings them: a CSV file read line by line, and its answers.

No line is lost: what was not asked stands in the answers with the reason.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence

from shuzhi.share.access import Refusal
from shuzhi.share.delivery.forms import safe_text
from shuzhi.share.verification import (
    AnsweredBlock,
    Aside,
    Asking,
    Block,
    Desk,
    Sheet,
    answer_sheet,
)
from shuzhi.share.verification.sheets import SUBJECT, claims_of_titles
from shuzhi.share.verification.words import Said, wrong
from shuzhi.web.pages.share.verifying_told import Listed
from shuzhi.web.pages.share.verifying_who import NotAnsweredError, WrongError
from shuzhi.web.turns import MOST_BYTES, MOST_QUESTIONS

FILE = "file"
_BAD = "share.bad_batch"
# Spreadsheets take a file without the mark for one of another encoding, and so garble names.
_WRITTEN_AS = "utf-8-sig"
_Line = tuple[int, list[str]]


def list_answered(desk: Desk, asking: Asking, content: bytes) -> Listed:
    """Answer a list as the room answers any: together, with one receipt before it leaves.

    Raises:
        WrongError: for a file that is no list, or too long; nothing was asked then.
        NotAnsweredError: for a list that was refused as a whole.
        VerificationError: `share.bad_question`, `share.bad_batch`.
    """
    titles, lines = _read(content)
    claims = claims_of_titles(titles)
    whole = [(number, cells) for number, cells in lines if len(cells) == len(titles)]
    columns = {title: [cells[i] for _, cells in whole] for i, title in enumerate(titles)}
    cells = [columns[claim.title] for claim in claims]
    block = Block([number for number, _ in whole], columns[SUBJECT], cells)
    done = next(answer_sheet(desk, asking, Sheet(claims, iter((block,)), set())))
    if isinstance(done, Refusal):
        raise NotAnsweredError(done)
    said = _sentence("unreadable")
    unread = (Aside(n, "unreadable", *said) for n, row in lines if len(row) != len(titles))
    aside = tuple(sorted((*done.aside, *unread), key=lambda each: each.number))
    told = Counter(done.answers.column("answer").to_pylist())
    written = _written(done, aside, dict(lines), titles.index(SUBJECT))
    return Listed(asking, told, aside, done.receipt, done.as_of, written)


def _read(content: bytes) -> tuple[list[str], list[_Line]]:
    """Return the titles, and each line that is not empty with its number as spreadsheets count."""
    if len(content) > MOST_BYTES:
        said = _sentence("bytes", most=f"{MOST_BYTES:,}")
        raise WrongError("web.too_large", FILE, said)
    # Else a quotation mark that is never closed would take all lines after it for one.
    reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    try:
        lines = [(n, cells) for n, cells in enumerate(reader, 1) if any(map(str.strip, cells))]
    except csv.Error:
        raise WrongError(_BAD, FILE, _sentence("quotes", line=reader.line_num)) from None
    if not 1 < len(lines) <= MOST_QUESTIONS + 1:
        raise WrongError(_BAD, FILE, _sentence("length", most=f"{MOST_QUESTIONS:,}"))
    return [title.strip() for title in lines[0][1]], lines[1:]


def _text(content: bytes) -> str:
    """Return a file as text: UTF-8, else GB 18030, as spreadsheets here write it."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise WrongError(_BAD, FILE, _sentence("no_text"))


def _sentence(why: str, **facts: object) -> Said:
    zh, en = wrong(why, **facts)
    return Said(f"{zh}。", f"{en[0].upper()}{en[1:]}.")


def _written(
    done: AnsweredBlock, aside: Sequence[Aside], lines: Mapping[int, Sequence[str]], whose: int
) -> bytes:
    names = map(safe_text, done.answers.column_names[2:])
    answered = {
        number: [number, safe_text(subject), *told, done.receipt, ""]
        for number, subject, *told in zip(*done.answers.to_pydict().values(), strict=True)
    }
    blank = [""] * (done.answers.num_columns - 1)
    rows = answered | {
        each.number: [
            each.number,
            safe_text("".join(lines[each.number][whose : whose + 1])),
            *blank,
            f"{each.zh} {each.en}",
        ]
        for each in aside
    }
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["line", SUBJECT, *names, "receipt", "not asked"])
    writer.writerows(rows[number] for number in sorted(rows))
    return file.getvalue().encode(_WRITTEN_AS)
