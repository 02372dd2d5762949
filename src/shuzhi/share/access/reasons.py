"""Every reason for which access is refused: a stable code with words in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from shuzhi.share.access.model import Refusal

# Code: what it means in Chinese, in English. `{what}` is a word of the asker's or of the grant's.
REASONS: Mapping[str, tuple[str, str]] = {
    # Of the decision.
    "no_grant": ("没有覆盖此数据集的授权。", "No grant covers this data set."),
    "not_the_assignee": ("授权给的是另一单位。", "The grant was given to another party."),
    "not_the_dataset": ("授权针对的是另一数据集。", "The grant is for another data set."),
    "contract_changed": (
        "数据合同已有新的主版本，授权须重新约定。",
        "The data contract has a new main version; the grant must be agreed on again.",
    ),
    "not_yet": ("授权尚未生效。", "The grant does not hold yet."),
    "expired": ("授权已到期。", "The grant has ended."),
    "not_by_method": (
        "协议约定的共享方式是“{what}”，不能以文件或推送方式提供；如需要，请另行申请。",
        "The method agreed on is {what!r}: no file and no changes leave by it. Apply for another.",
    ),
    "role_not_held": ("用户没有角色“{what}”。", "The user does not hold the role {what!r}."),
    "role_not_covered": ("授权不含角色“{what}”。", "The grant does not cover the role {what!r}."),
    "purpose_not_covered": (
        "授权不含用途“{what}”。",
        "The grant does not cover the purpose {what!r}.",
    ),
    "column_not_granted": (
        "字段“{what}”不在授权之内。",
        "The column {what!r} is not in the grant.",
    ),
    "no_mask_rule": (
        "没有适用于字段“{what}”的脱敏规则；无规则则不提供。",
        "No masking rule covers the column {what!r}; where there is no rule there is no data.",
    ),
    "mask_unfit": (
        "字段“{what}”的脱敏规则与其类型不符。",
        "The masking rule of the column {what!r} does not fit its type.",
    ),
    "condition_unfit": (
        "行条件与字段“{what}”不符。",
        "The condition on rows does not fit the column {what!r}.",
    ),
    "masked_condition": (
        "字段“{what}”已脱敏，不能用作行条件。",
        "The column {what!r} is masked and cannot choose rows.",
    ),
    "budget_spent": (
        "授权约定的提问次数已用完。",
        "All the questions that the grant allows have been asked.",
    ),
    "too_often": (
        "此协议一分钟内的取数次数已达上限，请稍后再取。",
        "The agreement has had all the answers that it may have within a minute; ask again later.",
    ),
    # Of SQL.
    "sql_text": (
        "查询含有不允许的字符，或过长。",
        "The query has characters that are not allowed, or is too long.",
    ),
    "sql_not_read": (
        "这不是一条可读的 SELECT 查询。{what}",
        "This cannot be read as one SELECT. {what}",
    ),
    "sql_not_allowed": ("查询中不允许使用 {what}。", "A query may not use {what}."),
    "sql_function": (
        "查询中不允许使用函数“{what}”。",
        "A query may not use the function {what!r}.",
    ),
    "sql_engines_differ": (
        "此写法在不同引擎上结果不同，请按提示改写：{what}",
        "Engines differ in what this gives: {what}",
    ),
    "sql_unknown_table": (
        "“{what}”不是授权内的数据集。",
        "{what!r} is not a data set of the grants.",
    ),
    "sql_name_taken": (
        "名称“{what}”不能用于此处；请换一个名称。",
        "The name {what!r} cannot be used here; take another.",
    ),
    "sql_form": (
        "此授权只允许这种形式的提问：{what}",
        "The grant allows only questions of another form. {what}",
    ),
    "sql_mixed_forms": (
        "只能得到统计数或是否答复的数据集不能与其他数据集同问。",
        "A data set that gives figures or yes and no only must be asked alone.",
    ),
    # Of the answer.
    "types_unfit": (
        "查询所用的字段类型不符，或名称有误。",
        "The query does not fit the types of its columns, or a name in it is wrong.",
    ),
    "query_failed": (
        "查询在允许的数据上计算失败（如类型转换或溢出）。",
        "The query failed on the data that it may see (a cast, a division, an overflow).",
    ),
    "query_too_slow": ("查询超过了允许的时间。", "The query took longer than is allowed."),
    "query_too_large": (
        "查询需要的内存或结果行数超过了允许的上限。",
        "The query needs more memory or gives more rows than is allowed.",
    ),
}


def refused(
    reason: str, what: str = "", *, line: int | None = None, column: int | None = None
) -> Refusal:
    """Return the refusal for `reason`, a key of `REASONS`; `what` is the word it speaks of."""
    zh, en = (text.format(what=what[:200]).strip() for text in REASONS[reason])
    return Refusal(reason, zh, en, line, column)
