"""What the documentation shows is what the software does: its examples are read and run here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from shuzhi.cli.demo import build
from shuzhi.gather.contracts import parse_contract
from shuzhi.gather.sources import read_source
from shuzhi.gather.sources.model import (
    CsvOptions,
    ExcelOptions,
    FileSource,
    HttpSource,
    Melt,
    Paging,
    SqlSource,
)
from shuzhi.kernel.notices import load_notice

DOCS = Path(__file__).resolve().parents[1] / "docs"
_SOURCES = (DOCS / "sources.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_contract_shown_beside_sources_is_one() -> None:
    contract = parse_contract(blocks("sources.md", "yaml")[0].encode(), file="sources.md")
    assert contract.tables[0].key == ("id",)


@pytest.mark.parametrize("block", blocks("sources.md", "yaml")[1:])
def test_the_sources_shown_are_sources(block: str, tmp_path: Path) -> None:
    file = tmp_path / "source.yaml"
    file.write_text(block, encoding="utf-8")
    assert read_source(file).dataset == "permits"


@pytest.mark.parametrize(
    "model", [FileSource, SqlSource, HttpSource, CsvOptions, ExcelOptions, Melt, Paging]
)
def test_every_key_of_a_source_is_explained(model: type[BaseModel]) -> None:
    explained = set(re.findall(r"`(\w+)(?:: [^`]*)?`", _SOURCES))
    assert set(model.model_fields) - {"kind", "headers", "query", "csv", "excel", "paging"} <= (
        explained
    )


def test_the_glossary_has_one_meaning_for_a_word() -> None:
    lines = (DOCS.parent / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    words = [line.split(" | ")[0] for line in lines if line.startswith("| ")]
    assert len(words) > 50
    assert sorted(set(words)) == sorted(words)


def test_the_notice_shown_is_one(tmp_path: Path) -> None:
    [block] = blocks("calendar.md", "yaml")
    (tmp_path / "notice.yaml").write_text(block, encoding="utf-8")
    assert load_notice(tmp_path / "notice.yaml").year == 2026


@pytest.mark.slow
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build(Path("demo-city"))
    [example] = blocks("python.md", "python")
    told: dict[str, object] = {}
    exec(compile(example, "docs/python.md", "exec"), told)  # noqa: S102
    assert told["report"].outcome.parts_known == 1  # type: ignore[attr-defined]
    assert [hit.entry.id for hit in told["page"].hits] == ["weather"]  # type: ignore[attr-defined]
    assert told["before"].rows == ()  # type: ignore[attr-defined]
