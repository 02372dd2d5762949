"""Splink at work in DuckDB: a model is trained by EM, and pairs are scored with it.

Nothing here knows of the control store; a connection with the data sets as views comes in.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import duckdb

from shuzhi.gather.lake.query import literal
from shuzhi.share.linkage.em import fitted
from shuzhi.share.linkage.levels import blocked, comparisons
from shuzhi.share.linkage.model import Block, Linkage, Pair, Record, Trained
from shuzhi.share.linkage.preparing import ROWS, prepare, record_of
from shuzhi.share.linkage.presets import Presets, presets
from shuzhi.share.linkage.shortcomings import untrainable

_ROUNDS = 40
_LEAST_PAIRS = 30


def declared_sha256(linkage: Linkage) -> str:
    """Return the hash of all that a model depends on of what is declared."""
    told = [linkage.members, linkage.parts, linkage.blocks, linkage.training]
    return hashlib.sha256(repr(told).encode()).hexdigest()


class Bench:
    """A connection on which the rows of a linkage are prepared, for Splink to work with."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> None:
        self.connection = connection
        self.linkage = linkage
        self.known: Presets = presets()
        prepare(connection, linkage, self.known)
        self.records: Mapping[int, Record] = record_of(connection)
        self.left_out: list[str] = []
        self.blocks = [block for block in linkage.blocks if self._is_small(block)]

    def train(self, versions: Mapping[str, int]) -> Trained:
        """Train a model; the same rows, declaration and seed give the same model.

        Raises:
            LinkageError: `share.linkage_untrainable` when there is nothing to learn from.
        """
        if empty := sorted(name for name, rows in self._rows().items() if not rows):
            raise untrainable(self.linkage, [f"no_rows: {name}" for name in empty])
        if self.linkage.training.is_local:
            return self._train_locally(versions)
        training = self.linkage.training
        problems: list[str] = []
        linker = self._linker(self._settings())
        prior, prior_from = self._prior(linker, problems)
        linker._settings_obj._probability_two_random_records_match = prior
        with _quiet():
            linker.training.estimate_u_using_random_sampling(
                max_pairs=training.max_pairs, seed=training.seed, min_count_per_level=None
            )
        done = sum(self._learn(linker, block, problems) for block in training.sessions)
        if not done:
            raise untrainable(self.linkage, problems)
        kept = linker.misc.save_model_to_json()
        untrained = tuple(_untrained(kept))
        _fill(kept)
        return self._trained(kept, versions, prior_from, untrained, problems)

    def _train_locally(self, versions: Mapping[str, int]) -> Trained:
        """Learn from the pairs that the blocks let through, and how often they are found."""
        linker = self._linker(self._settings())
        names = [p.name for p in self.linkage.parts]
        with _quiet():
            found = linker.inference.predict()
        levels = ", ".join(f'"gamma_{name}"' for name in names)
        counted = self.connection.execute(
            f"SELECT {levels}, COUNT(*) FROM {found.physical_name} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        patterns = {tuple(row[:-1]): int(row[-1]) for row in counted}
        pairs = sum(patterns.values())
        kept = linker.misc.save_model_to_json()
        sizes = [
            sum(not level.get("is_null_level") for level in each["comparison_levels"])
            for each in kept["comparisons"]
        ]
        if pairs < _LEAST_PAIRS:
            raise untrainable(self.linkage, [f"few_pairs: {pairs}"])
        learnt = fitted(patterns, sizes, min(0.5, self._expected() * self._possible() / pairs))
        kept["probability_two_random_records_match"] = learnt.share
        for i, each in enumerate(kept["comparisons"]):
            told = [level for level in each["comparison_levels"] if not level.get("is_null_level")]
            for level, m, u in zip(told, reversed(learnt.m[i]), reversed(learnt.u[i]), strict=True):
                level["m_probability"], level["u_probability"] = m, u
        return self._trained(kept, versions, "compared", (), [])

    def _trained(
        self,
        kept: dict[str, Any],
        versions: Mapping[str, int],
        prior_from: str,
        untrained: tuple[str, ...],
        problems: Sequence[str],
    ) -> Trained:
        kept.pop("linker_uid", None)
        return Trained(
            kept,
            declared_sha256(self.linkage),
            dict(versions),
            self._rows(),
            self.linkage.training.seed,
            {name: version(name) for name in ("splink", "duckdb")},
            kept["probability_two_random_records_match"],
            prior_from,
            untrained,
            tuple(problems),
            tuple(self.left_out),
        )

    def predict(self, trained: Trained, least: float) -> tuple[Pair, ...]:
        """Return the pairs with at least that probability, the likeliest first."""
        linker = self._linker(dict(trained.splink))
        with _quiet():
            found = linker.inference.predict(threshold_match_probability=least)
        names = [p.name for p in self.linkage.parts]
        columns = ["unique_id_l", "unique_id_r", "match_probability", "match_weight"]
        columns += [f'"gamma_{name}"' for name in names]
        columns += [self._weight(found.physical_name, name) for name in names]
        sql = f"SELECT {', '.join(columns)} FROM {found.physical_name}"
        pairs = (self._pair(row, names) for row in self.connection.execute(sql).fetchall())
        return tuple(sorted(pairs, key=lambda p: (-p.weight, p.left, p.right)))

    def _weight(self, table: str, name: str) -> str:
        """Return the SQL of what a part adds, with what its value adds by being rare."""
        there = {row[0] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()}
        by_frequency = f"mw_tf_adj_{name}"
        return f'"mw_{name}"' + (f' + "{by_frequency}"' if by_frequency in there else "")

    def _pair(self, row: Sequence[Any], names: Sequence[str]) -> Pair:
        one, other = self.records[row[0]], self.records[row[1]]
        levels = dict(zip(names, row[4 : 4 + len(names)], strict=True))
        weights = dict(zip(names, row[4 + len(names) :], strict=True))
        return Pair(min(one, other), max(one, other), row[2], row[3], levels, weights)

    def _is_small(self, block: Block) -> bool:
        """Whether a block lets no more pairs through than may be compared; note it if it does."""
        if block.rare is not None:
            column = f'UNNEST("{block.rare}_rare")'
        else:
            pieces = (
                f'"{p.part}"' if p.first is None else f'SUBSTR("{p.part}", 1, {p.first})'
                for p in block.pieces
            )
            column = f"[{', '.join(pieces)}]"
        known = " AND ".join(f'"{p.part}" IS NOT NULL' for p in block.pieces) or "TRUE"
        sql = (
            f"SELECT COALESCE(SUM(rows * (rows - 1) / 2), 0) FROM (SELECT COUNT(*) AS rows FROM "
            f"(SELECT {column} AS block FROM {ROWS} WHERE {known}) GROUP BY block)"
        )
        pairs = int((self.connection.execute(sql).fetchone() or (0,))[0])
        if pairs > self.linkage.most_pairs:
            self.left_out.append(f"{block}: {pairs}")
        return pairs <= self.linkage.most_pairs

    def _rows(self) -> dict[str, int]:
        found = self.connection.execute(f"SELECT dataset, COUNT(*) FROM {ROWS} GROUP BY dataset")
        none = dict.fromkeys((member.dataset for member in self.linkage.members), 0)
        return dict(sorted((none | dict(found.fetchall())).items()))

    def _linker(self, settings: dict[str, Any]) -> Any:
        # Splink takes a while to import, which a command that links nothing need not wait for.
        from splink import DuckDBAPI, Linker

        api = DuckDBAPI(connection=self.connection)
        tables = []
        for i, member in enumerate(self.linkage.members):
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW linkage_input_{i} AS SELECT n AS unique_id, "
                f"'{i}' AS source_dataset, * EXCLUDE (n, dataset, key) FROM {ROWS} "
                f"WHERE dataset = {literal(member.dataset)}"
            )
            tables.append(api.register(f"linkage_input_{i}", dataset_display_name=f"{i}"))
        with _quiet():
            given = tables if len(tables) > 1 else tables[0]
            return Linker(given, settings, log_level=None, validate_settings=False)

    def _settings(self) -> dict[str, Any]:
        members = self.linkage.members
        link_type = "link_and_dedupe"
        if len(members) == 1:
            link_type = "dedupe_only"
        elif all(m.is_clean for m in members):
            link_type = "link_only"
        return {
            "link_type": link_type,
            "comparisons": comparisons(self.linkage, self.known),
            "blocking_rules_to_generate_predictions": [_rule(b) for b in self.blocks],
            "max_iterations": _ROUNDS,
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": True,
        }

    def _prior(self, linker: Any, problems: list[str]) -> tuple[float, str]:
        """Return the share of all pairs that match, and what it follows from."""
        training = self.linkage.training
        rules = [_sql(b) for b in training.certain]
        if rules:
            try:
                with _quiet():
                    linker.training.estimate_probability_two_random_records_match(
                        rules, recall=training.recall
                    )
                found = float(linker._settings_obj._probability_two_random_records_match)
                if found > 0:
                    return found, "certain"
                problems.append("certain_none")
            except ValueError:
                # They find more pairs than they may at the recall that is declared.
                problems.append("certain_many")
        return self._expected(), "expected"

    def _expected(self) -> float:
        counts = sorted(self._rows().values())
        smaller = sum(counts[:-1]) or counts[0] / 2
        return min(0.5, self.linkage.training.expected * smaller / max(self._possible(), 1))

    def _possible(self) -> float:
        """Return how many pairs there are in all."""
        counts = list(self._rows().values())
        if len(counts) == 1:
            return counts[0] * (counts[0] - 1) / 2
        return (sum(counts) ** 2 - sum(c * c for c in counts)) / 2

    def _learn(self, linker: Any, block: Block, problems: list[str]) -> bool:
        from splink.internals.exceptions import EMTrainingException, SplinkException

        training = self.linkage.training
        compared = list(linker._settings_obj.comparisons)
        try:
            with _quiet():
                linker.training.estimate_parameters_using_expectation_maximisation(
                    _sql(block),
                    fix_u_probabilities=not training.is_local,
                    max_pairs=training.max_pairs,
                    record_sample_proportion=1.0,
                )
        except (SplinkException, ValueError, ZeroDivisionError) as error:
            # Splink takes the parts of the block out of the model, and leaves them out.
            linker._settings_obj.comparisons = compared
            is_none = isinstance(error, EMTrainingException) and "no record pairs" in str(error)
            problems.append(f"{'session_none' if is_none else 'session_failed'}: {block}")
            return False
        return True


def _sql(block: Block) -> str:
    return blocked([(p.part, p.first) for p in block.pieces], block.rare)


def _rule(block: Block) -> dict[str, Any]:
    if block.rare is None:
        return {"blocking_rule": _sql(block)}
    column = f"{block.rare}_rare"
    return {"blocking_rule": f'l."{column}" = r."{column}"', "arrays_to_explode": [column]}


def _untrained(kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield each level whose probabilities EM could not estimate."""
    for comparison in kept["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            for side in ("m", "u"):
                if not isinstance(level.get(f"{side}_probability"), float):
                    yield f"{comparison['output_column_name']}: {level['label_for_charts']}: {side}"


def _fill(kept: dict[str, Any]) -> None:
    """Take out what is not a number, so that Splink puts its own guess there when it predicts."""
    for comparison in kept["comparisons"]:
        for level in comparison["comparison_levels"]:
            for side in ("m_probability", "u_probability"):
                if not isinstance(level.get(side), float):
                    level.pop(side, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Splink's advice to people in notebooks off the output; what matters is in the model."""
    import logging

    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
