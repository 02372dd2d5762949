"""Writes a question that computes in a sub-query as one that computes where rows are gathered.

Both mean the same. What a WITH part or a sub-query of FROM only computes of each row, or lets
through, is put where it is spoken of, so that fewer rows have to be set apart (`apart.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlglot import exp

# What is computed in a sub-query is written as often as it is spoken of.
_MOST_NODES = 2_000
_COMPUTING = frozenset({"expressions", "from_", "joins", "where"})
_READ = frozenset({"from_", "joins", "with_"})
# A name in these is that of the answer's column, where it has one.
_LATE = ("having", "qualify", "order")

Columns = Mapping[str, Collection[str]]


def flatten(query: exp.Query, columns: Columns) -> None:
    """Move what sub-queries only compute out of them, in place, along the FROMs of `query`.

    `columns` are the names of the columns of each data set, in lower case.
    """
    _place_parts(query)
    if isinstance(query, exp.Select):
        _flatten(query, columns)


def _flatten(select: exp.Select, columns: Columns) -> None:
    source = source_of(select)
    inner = source.this if isinstance(source, exp.Subquery) else None
    if isinstance(inner, exp.Select):
        _flatten(inner, columns)
        if _only_computes(inner, columns):
            _pull_up(inner, select)


def source_of(select: exp.Select) -> exp.Expr | None:
    """Return what `select` reads, where that is one thing."""
    start = select.args.get("from_")
    return start.this if start and not select.args.get("joins") else None


def own_parts(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the parts of `select` but those that say what it reads."""
    for name, value in select.args.items():
        if name not in _READ:
            parts = value if isinstance(value, list) else [value]
            yield from (part for part in parts if isinstance(part, exp.Expr))


def own_columns(select: exp.Select) -> Iterator[exp.Column]:
    """Yield the columns that `select` speaks of, but those in what it reads."""
    return (column for part in own_parts(select) for column in part.find_all(exp.Column))


def aliases(select: exp.Select) -> set[str]:
    """Return the names of outputs, in lower case, that are not just a column's own."""
    return {
        output.alias.lower()
        for output in select.expressions
        if isinstance(output, exp.Alias)
        and not (isinstance(output.this, exp.Column) and output.this.name == output.alias)
    }


def _place_parts(query: exp.Query) -> None:
    """Put each WITH part that is read once where it is read."""
    for part in list(query.find_all(exp.CTE)):
        name = part.alias.lower()
        readers = [t for t in query.find_all(exp.Table) if t.name.lower() == name]
        if len(readers) == 1:
            (reader,), whole = readers, part.parent
            alias = exp.to_identifier(reader.alias_or_name, quoted=True)
            part.pop()
            reader.replace(exp.Subquery(this=part.this, alias=exp.TableAlias(this=alias)))
            if isinstance(whole, exp.With) and not whole.expressions:
                whole.pop()


def _pull_up(inner: exp.Select, outer: exp.Select) -> None:
    """Compute in `outer` what the sub-query `inner` computes that it reads, if that is clear."""
    _spell_out(outer, [output.alias_or_name for output in inner.expressions])
    computed = {output.alias_or_name.lower(): output for output in inner.expressions}
    if not _is_clear(outer, computed):
        return
    _say_whose(inner)
    _write_out(outer, computed)
    conditions = [q.args["where"].this for q in (inner, outer) if q.args.get("where")]
    if conditions:
        outer.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    outer.set("from_", inner.args["from_"])
    outer.set("joins", inner.args.get("joins"))


def _only_computes(inner: exp.Select, columns: Columns) -> bool:
    """Whether each output is made of columns of what is read, and of nothing else."""
    given = {name for name, part in inner.args.items() if part}
    if not {"from_"} <= given <= _COMPUTING:
        return False
    more = (exp.AggFunc, exp.Window, exp.Query, exp.Star)
    # A constant that stands in GROUP BY or ORDER BY would be a place.
    constant = any(output.find(exp.Column) is None for output in inner.expressions)
    if constant or any(part.find(*more) for part in own_parts(inner)):
        return False
    spoken = list(own_columns(inner))
    is_said = source_of(inner) is not None or all(column.table for column in spoken)
    names = [output.alias_or_name.lower() for output in inner.expressions]
    # An output may be made of others of the same SELECT, where no column is called so.
    others = aliases(inner) - _names_of(source_of(inner), columns)
    is_made = others & {column.name.lower() for column in spoken}
    return is_said and not is_made and len(set(names)) == len(names)


def _names_of(source: exp.Expr | None, columns: Columns) -> set[str]:
    """Return the names of the columns that a source surely has."""
    if isinstance(source, exp.Table):
        return set(columns.get(source.name.lower(), ()))
    inner = source.this if isinstance(source, exp.Subquery) else None
    outputs = inner.expressions if isinstance(inner, exp.Select) else ()
    return {output.alias_or_name.lower() for output in outputs}


def _spell_out(outer: exp.Select, names: list[str]) -> None:
    """Write the columns of which it consists in the place of `*`, alone or after a name."""
    outputs: list[exp.Expr] = []
    for output in outer.expressions:
        if isinstance(output, exp.Star) or isinstance(output.this, exp.Star):
            outputs += [exp.column(exp.to_identifier(name, quoted=True)) for name in names]
        else:
            outputs.append(output)
    outer.set("expressions", outputs)


def _is_clear(outer: exp.Select, computed: Mapping[str, exp.Expr]) -> bool:
    """Whether all that `outer` speaks of can be told to be its source's, or its own."""
    if any(part.find(exp.Query) for part in own_parts(outer)) or outer.args.get("with_"):
        return False
    own, nodes = aliases(outer), 0
    late = [outer.args[name] for name in _LATE if outer.args.get(name)]
    if any(c.name.lower() in own & computed.keys() for p in late for c in p.find_all(exp.Column)):
        return False
    for column in own_columns(outer):
        name = column.name.lower()
        if name not in own | computed.keys():
            return False
        nodes += len(list(computed[name].walk())) if name in computed else 0
    return nodes <= _MOST_NODES


def _say_whose(inner: exp.Select) -> None:
    """Say of each column of `inner` what it is of, for outside others may be called the same."""
    source = source_of(inner)
    for column in own_columns(inner):
        if source is not None and not column.table:
            column.set("table", exp.to_identifier(source.alias_or_name, quoted=True))


def _write_out(outer: exp.Select, computed: Mapping[str, exp.Expr]) -> None:
    """Write what is computed in the place of its name; an output of `outer` keeps that name."""
    for column in list(own_columns(outer)):
        output = computed.get(column.name.lower())
        if output is not None:
            written: exp.Expr = exp.paren(output.unalias(), copy=True)
            if column.parent is outer:
                name = exp.to_identifier(output.alias_or_name, quoted=True)
                written = exp.Alias(this=written, alias=name)
            column.replace(written)
