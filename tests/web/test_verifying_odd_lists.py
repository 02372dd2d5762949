"""Lists as hurried clerks and spreadsheets make them: read as meant, or told what is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from shuzhi.app import City

from .entering import Enter, entering, hidden
from .verified import ASKING, LI, ZHANG, allow, verified_city

CHINESE = {"Accept-Language": "zh"}
TITLES = "subject,name:name,born"
# By this agreement, which each city of this file has, as many may be asked about as there are.
ODD = ASKING | {"agreement": "4", "purpose": "odd"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    city = verified_city(tmp_path_factory.mktemp("odd lists") / "city")
    assert allow(city, purposes=("odd",), budget=1_000_000) == int(ODD["agreement"])
    return city


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def send(enter: Enter, content: bytes | str, **more: str) -> httpx.Response:
    """Send a list from a page in Chinese, and return the page that follows."""
    client = enter("fang")
    form = hidden(client.get("/verify", params=ODD | more), "list")
    sent = content.encode() if isinstance(content, str) else content
    files = {"file": ("list.csv", sent)}
    return client.post("/verify/lists", data=form, files=files, headers=CHINESE)


def answers(enter: Enter, content: bytes | str) -> list[tuple[str, str]]:
    """Return of each line of the answers its number, and its answer or why there is none."""
    page = send(enter, content)
    assert page.status_code == 200, page.text
    file = enter("fang").get(f"{page.url.path}/list.csv").content.decode("utf-8-sig")
    return [(r["line"], r["answer"] or r["not asked"]) for r in csv.DictReader(io.StringIO(file))]


def refused(enter: Enter, content: bytes | str) -> str:
    """Return what is said of a list that cannot be used."""
    page = send(enter, content)
    assert page.status_code == 422
    return page.text.partition('id="refusal"')[2].partition("</div>")[0]


WIDE = str.maketrans("0123456789X-", "０１２３４５６７８９Ｘ－")
SAME = {
    "a mark of UTF-8": f"\ufeff{TITLES}\n{ZHANG},张三丰,1990-03-07\n",
    "lines of Windows": f"{TITLES}\r\n{ZHANG},张三丰,1990-03-07\r\n",
    "lines of old Macs": f"{TITLES}\r{ZHANG},张三丰,1990-03-07\r",
    "no end": f"{TITLES}\n{ZHANG},张三丰,1990-03-07",
    "a small x": f"{TITLES}\n{ZHANG.lower()},张三丰,1990-03-07\n",
    "wide digits": f"{TITLES}\n{ZHANG},张三丰,1990-03-07\n".translate(WIDE),
    "spaces around": f" subject , name:name , born \n {ZHANG} ,  张三丰, 1990-03-07 \n",
    "spaces between": f"{TITLES}\n110101 19900307 721x,张 三 丰,1990-03-07\n",
    "marks that are not seen": f"{TITLES}\n\u202a{ZHANG}\u202c,张三\u200b丰\ufe00,1990-03-07\n",
    "a day of a spreadsheet": f"{TITLES}\n{ZHANG},张三丰,1990/3/7\n",
    "a day as it is said": f"{TITLES}\n{ZHANG},张三丰,1990年3月7日\n",
    "everything quoted": f'"subject","name:name","born"\n"{ZHANG}","张三丰","1990-03-07"\n',
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_list_is_read_as_it_is_meant(enter: Enter, text: str, encoding: str) -> None:
    assert answers(enter, text.encode(encoding)) == [("2", "yes")]


def test_a_break_in_a_cell_leaves_the_numbers_as_a_spreadsheet_has_them(enter: Enter) -> None:
    text = f'{TITLES}\n"{ZHANG}\n",张三丰,1990-03-07\n{LI},"李\n四",1970-01-01\n{LI},李四,?\n'
    told = answers(enter, text)
    assert told[:2] == [("2", "yes"), ("3", "yes")]
    assert told[2][0] == "4"


def test_what_a_spreadsheet_would_take_for_a_formula_comes_back_as_a_text(enter: Enter) -> None:
    page = send(enter, "subject,born\n=1+1,1990-03-07\n＠SUM(A1),never\n")
    file = enter("fang").get(f"{page.url.path}/list.csv").content.decode("utf-8-sig")
    told = [row["subject"] for row in csv.DictReader(io.StringIO(file))]
    assert told == ["'=1+1", "'＠SUM(A1)"]


def test_a_list_of_a_thousand_lines_is_answered_and_one_more_is_not(enter: Enter) -> None:
    text = "subject,born\n" + f"{ZHANG},1990-03-07\n" * 1_000
    assert answers(enter, text) == [(f"{n}", "yes") for n in range(2, 1_002)]
    assert "名单应有一行标题，其下 1 至 1,000 行。" in refused(enter, f"{text}{ZHANG},1990-03-07\n")


def test_what_is_wrong_in_a_line_is_told_in_chinese_by_line_and_column(enter: Enter) -> None:
    text = (
        f"subject,name:name,born:date:3,phone:masked,secret\n{ZHANG},张三丰,then,138*,s\n"
        f",张三丰,1990-03-07,138*,s\n{ZHANG},张三丰,,138*,s\n{ZHANG},张三丰,1990-03-07,****,s\n"
        f"{ZHANG},张三丰\n1.10101E+17,张三丰,1990-03-07,138*,s\n{ZHANG},张三丰,1990-03-07,138*,s\n"
    )
    page = send(enter, text)
    table = page.text.partition('id="h-aside"')[2].partition("</table>")[0]
    rows = [row.partition("</tr>")[0] for row in table.split("<tr>")[2:]]
    assert [(row.count("<code>"), *_cells(row)) for row in rows] == [
        (1, "2", "born:date:3", "“born”一项不能比对：写的不是日期（如 1990-03-07）。"),
        (1, "3", "subject", "不能这样核验：对象编号应为 1 至 200 个字符的文本。"),
        (1, "4", "born:date:3", "不能这样核验：列“born”没有填写。"),
        (1, "5", "phone:masked", "“phone”一项不能比对：没有写出任何一位。"),
        (0, "6", "", "该行列数与标题行不同。"),
        (
            1, "7", "subject",
            "不能这样核验：编号被表格软件改成了科学计数法，后几位已丢失；请把该列设为文本，重新导出。",
        ),
        (1, "8", "secret", "字段“secret”不在授权之内。"),
    ]  # fmt: skip
    english = enter("fang").get(page.url.path).text
    assert "The claim about &#39;born&#39; cannot be compared: its value is no date." in english


def _cells(row: str) -> list[str]:
    """Return the text of each cell of a row of the page."""
    bare = row.replace("<code>", "").replace("</code>", "").replace("</th>", "</td>")
    return [cell.rpartition(">")[2] for cell in bare.split("</td>")[:-1]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "请选择一个 CSV 文件"),
        ("\n\n\n", "名单应有一行标题"),
        ("subject,born\n", "名单应有一行标题"),
        (f"编号,born\n{ZHANG},1990-03-07\n", "标题行要有一列 subject，每项说法只有一列"),
        (f"subject;born\n{ZHANG};1990-03-07\n", "标题行要有一列 subject，每项说法只有一列"),
        (f"subject,born,\n{ZHANG},1990-03-07,\n", "列名应为 1 至 200 个字符的文本"),
        (f"subject,born,born:date\n{ZHANG},1990-03-07,1990-03-07\n", "每项说法只有一列"),
        (f"subject,subject\n{ZHANG},{ZHANG}\n", "每项说法只有一列"),
        (f"subject\n{ZHANG}\n", "名单应有 1 至 20 项说法"),
        (f"subject,born:soon\n{ZHANG},1990-03-07\n", "比对方式只有 exact, first"),
        (f"subject,born:date:x\n{ZHANG},1990-03-07\n", "列名:date:天数"),
        (
            f'subject,born\n{ZHANG},1990-03-07\n{LI},"1970\n{LI},1970-01-01\n',
            "第 4 行附近的引号没有配对",
        ),
        (f"subject,born\n{ZHANG},1990-03-07\n".encode("utf-16"), "不是 UTF-8 或 GB 18030 的文本"),
        (
            b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xff\xff\xff",
            "不是 UTF-8 或 GB 18030 的文本",
        ),
    ],
)
def test_a_list_that_cannot_be_used_is_told_why_in_chinese(
    enter: Enter, content: bytes | str, says: str
) -> None:
    assert says in refused(enter, content)


def test_who_sends_lists_too_fast_is_told_in_both_languages_when_to_come_again(
    town: City, enter: Enter
) -> None:
    text = "subject,born\n" + f"{ZHANG},1990-03-07\n" * 600
    number = f"{allow(town, purposes=('crowd',), budget=1_000_000)}"
    more = {"agreement": number, "purpose": "crowd"}
    told = [send(enter, text, **more) for _ in range(85)]
    slow = next(page for page in told if page.status_code != 200)
    # 84 lists of 600 rows are 400 more than may be asked at once; 500 of them come back a second.
    assert told.index(slow) == 84
    assert (slow.status_code, slow.headers["retry-after"]) == (429, "1")
    assert "请在 2026-03-02 09:30:01 之后再提交名单。" in slow.text
    assert "到时再提交这份名单" in slow.text
    town.clock.go(seconds=1)  # type: ignore[attr-defined]
    assert send(enter, text, **more).status_code == 200
