"""What docs/forms.md shows is a form, and every verdict is explained."""

from __future__ import annotations

import re
from pathlib import Path

from shuzhi.share.forms import Every, Verdict, read_form

_PAGE = (Path(__file__).resolve().parents[3] / "docs" / "forms.md").read_text(encoding="utf-8")


def test_the_form_shown_is_one(tmp_path: Path) -> None:
    [block] = re.findall(r"^```yaml\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "form.yaml").write_text(block, encoding="utf-8")
    form = read_form(tmp_path / "form.yaml")
    assert [field.name for field in form.fields] == ["birth_date", "address", "income", "hobby"]


def test_every_verdict_and_schedule_is_explained() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", _PAGE, re.MULTILINE))
    assert rows == {verdict.value for verdict in Verdict}
    assert all(every.value in _PAGE for every in Every)
