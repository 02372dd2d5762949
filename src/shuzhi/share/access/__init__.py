"""Access: what a grant lets somebody see, decided in one place, and SQL held inside of it."""

from shuzhi.share.access.asking import Limits, ask
from shuzhi.share.access.conditions import Condition, Either, Every, Operator, Term
from shuzhi.share.access.deciding import decide
from shuzhi.share.access.errors import AccessError
from shuzhi.share.access.masks import (
    AddressTo,
    DateTo,
    Hashed,
    Keep,
    Mask,
    MaskRule,
    MaskTable,
    Nothing,
    NumberTo,
    Partial,
)
from shuzhi.share.access.masks_yaml import parse_masks, read_masks_file
from shuzhi.share.access.model import (
    Allowed,
    AllowedColumn,
    ColumnFacts,
    DatasetFacts,
    Form,
    Grant,
    Refusal,
    Request,
    User,
)
from shuzhi.share.access.reasons import REASONS
from shuzhi.share.access.rewriting import Most, Plan, plan

__all__ = [
    "REASONS",
    "AccessError",
    "AddressTo",
    "Allowed",
    "AllowedColumn",
    "ColumnFacts",
    "Condition",
    "DatasetFacts",
    "DateTo",
    "Either",
    "Every",
    "Form",
    "Grant",
    "Hashed",
    "Keep",
    "Limits",
    "Mask",
    "MaskRule",
    "MaskTable",
    "Most",
    "Nothing",
    "NumberTo",
    "Operator",
    "Partial",
    "Plan",
    "Refusal",
    "Request",
    "Term",
    "User",
    "ask",
    "decide",
    "parse_masks",
    "plan",
    "read_masks_file",
]
