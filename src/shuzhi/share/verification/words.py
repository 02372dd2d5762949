"""The reasons of verdicts and refusals, and what is wrong with a question: in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from shuzhi.share.access import Refusal

# Why a verdict is what it is: in Chinese, in English.
REASONS: Mapping[str, tuple[str, str]] = {
    "same": ("与登记一致。", "The same as what is held."),
    "similar": ("姓名写法相近，视为一致。", "Written so alike that it counts as the same."),
    "within_days": ("日期在允许的误差之内。", "Within the days that were allowed."),
    "near": ("相近但不一致。", "Alike, and not the same."),
    "other": ("与登记不一致。", "Not what is held."),
    "nothing_held": ("该项没有登记。", "Nothing is held of it."),
    "no_such_subject": ("没有此对象的登记。", "There is no such subject."),
    "not_confirmed": (
        "不能确认：不一致，或没有登记。",
        "Not confirmed: it differs, or nothing is held.",
    ),
}

# Why a question is not answered. `{what}` is a word of the asker's or of the agreement's.
REFUSALS: Mapping[str, tuple[str, str]] = {
    "not_verifiable": (
        "数据集“{what}”没有开通核验。",
        "The data set {what!r} is not declared for verification.",
    ),
    "no_index": (
        "数据集“{what}”的核验索引尚未建立。",
        "The verification index of {what!r} has not been built yet.",
    ),
    "wrong_subject": (
        "此授权的对象字段与核验的对象字段“{what}”不同。",
        "The grant speaks of another subject than the column {what!r}.",
    ),
    "column_not_verifiable": (
        "字段“{what}”没有开通核验。",
        "The column {what!r} is not declared for verification.",
    ),
    "comparison_not_allowed": (
        "字段不允许这种比对方式：{what}。",
        "The column may not be compared in this way: {what}.",
    ),
    "form_not_verifiable": (
        "只提供统计数的授权不能用于核验。",
        "A grant of figures over groups cannot be used for verification.",
    ),
    "too_fast": ("提问过快，请稍后再问。", "Too many questions; ask again a little later."),
    "list_too_soon": (
        "近来名单的行数过多，请在 {what} 之后再提交名单。",
        "The lists of late had too many rows; send the next list after {what}.",
    ),
    "day_spent": ("今日的核验次数已用完。", "All questions of today have been asked."),
    "suspended": (
        "核验已暂停，等待数据主管部门处理（{what}）。",
        "Verification is suspended until the data manager has looked at it ({what}).",
    ),
}


# What is wrong with a question, a claim or a list. `{…}` are facts of it, and never a value.
WRONG: Mapping[str, tuple[str, str]] = {
    "other_fields": ("应有且只有这些字段：{names}", "it has other fields than {names}"),
    "agreement_number": ("协议用编号表示", "the agreement is named by its number"),
    "no_word": (
        "{name}应为 1 至 {most} 个字符的文本",
        "{name} is a text of 1 to {most} characters",
    ),
    "no_claims": ("说法应为 1 至 {most} 列", "claims are a mapping of 1 to {most} columns"),
    "ways_of_a_claim": ("每项说法只写一种比对方式", "a claim names one way to compare"),
    "unknown_way": ("比对方式只有 {names}", "ways to compare are {names}"),
    "no_claimed_value": (
        "说法应为文本、数字或真假",
        "a claim is a text, a number, or true or false",
    ),
    "nothing_claimed": ("列“{column}”没有填写", "nothing is claimed about {column!r}"),
    "rounded": (
        "编号被表格软件改成了科学计数法，后几位已丢失；请把该列设为文本，重新导出",
        "a spreadsheet has rounded it (as 1.1E+17); make the column a text and write the file anew",
    ),
    "titles": (
        "标题行要有一列 {subject}，每项说法只有一列",
        "a list has one column {subject!r}, and each claim once",
    ),
    "titles_of_claims": ("名单应有 1 至 {most} 项说法", "a list has 1 to {most} claims"),
    "title": (
        "说法的列名写成 列名、列名:比对方式 或 列名:date:天数",
        "a claim is called column:how, or column:date:days",
    ),
    "too_long": ("超过 {most} 个字符", "it has more than {most} characters"),
    "kind_and_way": ("{kind}类型的列不能这样比对", "a column of {kind} cannot be compared so"),
    "kind": ("{kind}类型的列不能比对", "a column of {kind} cannot be compared"),
    "no_such_value": ("写的不是{kind}", "its value is no {kind}"),
    "days": ("日期可相差 0 至 {most} 天", "a date may be off by 0 to {most} days"),
    "no_part": ("部分比对的值应为文本", "a part of a text is a text"),
    "nothing_shown": ("没有写出任何一位", "it shows no sign of the value"),
    "parts": ("遮盖的写法至多露出四段", "a masked form has at most four parts that are shown"),
    "no_name": ("姓名应为文本", "a name is a text"),
    "unreadable": ("该行列数与标题行不同", "the line has more or fewer cells than the titles"),
    "length": (
        "名单应有一行标题，其下 1 至 {most} 行",
        "a list has a line of titles, and below it 1 to {most} lines",
    ),
    "bytes": ("名单至多 {most} 字节", "a list has at most {most} bytes"),
    "no_text": ("不是 UTF-8 或 GB 18030 的文本", "it is no text in UTF-8 or GB 18030"),
    "quotes": (
        "第 {line} 行附近的引号没有配对，或单元格过长",
        "near line {line} a quotation mark is not closed, or a cell is too long",
    ),
}
# The words of ours among these facts.
_OURS = ("name", "kind")
_NAMES = {
    "purpose": "用途", "role": "角色", "subject": "对象编号", "a column": "列名",
    "string": "文本", "integer": "整数", "number": "数字", "boolean": "真假（true 或 false）",
    "date": "日期（如 1990-03-07）", "timestamp": "时间",
}  # fmt: skip


class Said(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


def wrong(why: str, **facts: object) -> Said:
    """Return what is wrong, a key of `WRONG`, without a stop at its end."""
    zh, en = WRONG[why]
    named = {n: _NAMES.get(str(fact), fact) if n in _OURS else fact for n, fact in facts.items()}
    return Said(zh.format(**named), en.format(**facts))


@dataclass(frozen=True)
class Slowed(Refusal):
    """A refusal that ends by itself, after some seconds."""

    retry_after_s: float = 1.0


def refused(reason: str, what: str = "") -> Refusal:
    """Return the refusal for `reason`, a key of `REFUSALS`."""
    zh, en = (text.format(what=what[:200]) for text in REFUSALS[reason])
    return Refusal(reason, zh, en)


def too_fast(retry_after_s: float) -> Slowed:
    """Return the refusal of a question that came too soon."""
    zh, en = REFUSALS["too_fast"]
    return Slowed("too_fast", zh, en, retry_after_s=retry_after_s)


def list_too_soon(retry_after_s: float, when: str) -> Slowed:
    """Return the refusal of a list that came too soon after others; `when` it may come again."""
    told = refused("list_too_soon", when)
    return Slowed(told.reason, told.zh, told.en, retry_after_s=retry_after_s)
