"""Whatever stands in the files of a pack, its check answers with findings and never breaks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.packs import examine, installed_packs

FILES = [
    (pack, path.relative_to(folder).as_posix())
    for pack, folder in installed_packs().items()
    for path in sorted(folder.rglob("*"))
    if path.suffix in (".yaml", ".sql", ".py") and path.name != "__init__.py"
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["SELECT 1", "{x}", "2026-03-02 08:00", "city", "a, b\n1, 2", "1 day", "\0"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda each: st.one_of(
        st.lists(each, max_size=3), st.dictionaries(st.text(max_size=8), each, max_size=3)
    ),
    max_leaves=6,
)
MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return tmp_path


def copy(to: Path, pack: str) -> Path:
    folder = to / pack
    shutil.copytree(installed_packs()[pack], folder, dirs_exist_ok=True)
    return folder


def places(content: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document where something stands."""
    yield where
    inner: Any = ()
    if isinstance(content, dict):
        inner = content.items()
    elif isinstance(content, list):
        inner = enumerate(content)
    for key, value in inner:
        yield from places(value, (*where, key))


def put(content: Any, where: tuple[Any, ...], value: Any) -> Any:
    if not where:
        return value
    content[where[0]] = put(content[where[0]], where[1:], value)
    return content


@MANY
@given(data=st.data(), chosen=st.sampled_from(FILES))
def test_a_changed_file_gives_findings_or_none(
    copied: Path, data: st.DataObject, chosen: tuple[str, str]
) -> None:
    pack, file = chosen
    path = copy(copied, pack) / file
    if path.suffix == ".yaml":
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        where = data.draw(st.sampled_from(list(places(content))))
        changed = yaml.safe_dump(put(content, where, data.draw(VALUES)), allow_unicode=True)
    else:
        text = path.read_text(encoding="utf-8")
        cut = data.draw(st.integers(0, len(text)))
        changed = text[:cut] + data.draw(st.text(max_size=8)) + text[cut + 1 :]
    path.write_text(changed, encoding="utf-8", errors="replace")
    for finding in examine(copied / pack)[1]:
        assert finding.problem
        assert finding.line >= 1


@MANY
@given(raw=st.binary(max_size=200), file=st.sampled_from(FILES))
def test_any_bytes_give_findings(copied: Path, raw: bytes, file: tuple[str, str]) -> None:
    pack, name = file
    path = copy(copied, pack) / name
    path.write_bytes(raw)
    assert examine(copied / pack)[1]


def test_a_folder_in_the_place_of_a_file_is_a_finding(copied: Path) -> None:
    folder = copy(copied, "air")
    (folder / "rules" / "air_feed_late.yaml").unlink()
    (folder / "rules" / "air_feed_late.yaml").mkdir()
    (folder / "parties.yaml").unlink()
    (folder / "parties.yaml").mkdir()
    problems = {(Path(f.file).name, f.problem) for f in examine(folder)[1]}
    assert ("air_feed_late.yaml", "cannot be read (Is a directory)") in problems
    assert ("parties.yaml", "cannot be read (Is a directory)") in problems
