"""What the page on linkage shows is what the software reads."""

from __future__ import annotations

import re
from pathlib import Path

from shuzhi.share.linkage import parse_linkage
from shuzhi.share.linkage.presets import presets

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "linkage.md").read_text(encoding="utf-8")


def test_the_linkage_that_is_shown_is_one() -> None:
    block = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
    linkage = parse_linkage(block.encode(), file="linkage.md")
    assert [p.name for p in linkage.parts] == ["name", "birth", "phone", "address"]


def test_the_page_names_every_form() -> None:
    told = re.search(r"^Forms: (.*)$", PAGE, re.MULTILINE)
    assert told is not None
    assert set(re.findall(r"`(\w+)`", told[1])) == set(presets().forms)
