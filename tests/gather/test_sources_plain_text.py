"""Texts become plain UTF-8 whatever pieces they come in, or are refused with their line."""

from __future__ import annotations

from io import BytesIO
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.gather.sources.plain_text import write_plain
from shuzhi.kernel.errors import RefusedError

SIGNS = st.text(alphabet=st.sampled_from("a,é庆😀\"'\r\n"), max_size=60)
STEPS = st.integers(min_value=3, max_value=9)


class Drip(BytesIO):
    """A file that hands out few bytes at a time."""

    def __init__(self, raw: bytes, step: int) -> None:
        super().__init__(raw)
        self._step = step

    def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002
        return super().read(self._step)


def plain(source: IO[bytes], encoding: str) -> bytes:
    target = BytesIO()
    write_plain(source, target, "a.csv", encoding)
    return target.getvalue()


@given(SIGNS, STEPS, st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_utf_8_keeps_every_sign_and_ends_lines_in_one_way(
    text: str, step: int, mark: bytes
) -> None:
    whole = f"x{text}"
    expected = whole.replace("\r\n", "\n").replace("\r", "\n").encode()
    assert plain(Drip(mark + whole.encode(), step), "utf-8") == expected


@given(SIGNS, STEPS, st.sampled_from(["gb18030", "utf-16"]))
def test_other_encodings_become_the_same(text: str, step: int, encoding: str) -> None:
    whole = f"x{text}"
    expected = whole.replace("\r\n", "\n").replace("\r", "\n").encode()
    assert plain(Drip(whole.encode(encoding), step), encoding) == expected


@pytest.mark.parametrize("bad", [b"\xff", b"\xe5\xba", b"\xc0\xaf", b"\xed\xa0\x80"])
@pytest.mark.parametrize("end", [b"", b"\nmore\n"])
@pytest.mark.parametrize("step", [3, 4, 1000])
def test_the_line_of_a_wrong_byte_is_told(bad: bytes, end: bytes, step: int) -> None:
    with pytest.raises(RefusedError, match=r"a.csv is not utf-8: line 3 cannot be read"):
        plain(Drip("one\r\n二\r\nx".encode() + bad + end, step), "utf-8")
