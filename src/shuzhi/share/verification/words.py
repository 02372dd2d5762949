"""The reasons of verdicts and refusals, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
