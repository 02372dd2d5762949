"""Frames that stations of the tests send."""

from __future__ import annotations

from shuzhi.gather.sensors.hj212 import Dialect, Message, write

PASSWORD = "123456"  # noqa: S105


def frame(
    mn: str = "ST0001",
    *,
    qn: str = "20240301080000123",
    at: str = "20240301080000",
    area: str | None = None,
    values: dict[str, object] | None = None,
    mark: str = "N",
    cn: str = "2011",
    st: str = "31",
    flag: int | None = 5,
    pw: str = PASSWORD,
    pnum: int | None = None,
    pno: int | None = None,
    dialect: Dialect | None = None,
) -> bytes:
    """Return a whole frame with its CR LF."""
    if area is None:
        told = {"a21026": 12.5} if values is None else values
        groups = [f"{name}-Rtd={value},{name}-Flag={mark}" for name, value in told.items()]
        area = ";".join([f"DataTime={at}", *groups])
    return write(Message(st, cn, area, qn, pw, mn, flag, pnum, pno), dialect)
