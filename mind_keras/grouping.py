"""The structure of a batch: rows by pattern, labels and weights by pattern and head.

`fit` may be given the batches of `mk.batches`, or plain arrays of complete samples;
here both become one form. Patterns are always walked in sorted order, since JAX does
not keep a dict's order and labels must meet their logits.
"""

from collections.abc import Mapping

from keras import ops

from mind_keras.spec import pattern_modalities, pattern_name


def is_grouped(x) -> bool:
    """Whether a batch is keyed by pattern first, as `mk.batches` makes it."""
    return all(isinstance(rows, Mapping) for rows in x.values())


def by_pattern(x) -> dict:
    """A batch as `{pattern: {modality: rows}}`; plain ones are of one pattern."""
    if not isinstance(x, Mapping):
        raise ValueError(
            "A batch must be a dict, `{modality: rows}` or `{pattern: {modality: "
            f"rows}}}}`. Received: {type(x).__name__}. Name the rows: {{'ehr': rows}}."
        )
    return x if is_grouped(x) else {pattern_name(x): x}


def by_head(values, x, heads: Mapping[str, frozenset]) -> dict:
    """Labels or weights as `{pattern: {head: rows}}`.

    Args:
        values: In that form; or `{pattern: rows}`, the same for all heads; for a plain
            batch `{head: rows}`, or one array for all heads.
        x: The batch they belong to.
        heads: `{head: modalities it needs}`.
    """
    if not is_grouped(x):
        values = {pattern_name(x): values}
    return {
        pattern: rows if isinstance(rows, Mapping) else dict.fromkeys(heads, rows)
        for pattern, rows in values.items()
    }


def able(head: str, patterns, heads: Mapping[str, frozenset]) -> list[str]:
    """The patterns that reach a head, sorted."""
    return [p for p in sorted(patterns) if heads[head] <= set(pattern_modalities(p))]


def joined(values: Mapping, heads: Mapping[str, frozenset]) -> dict:
    """`{pattern: {head: rows}}` to `{head: rows}`, in the order of `Parts`.

    A head that no pattern reaches gets no rows.
    """
    any_rows = next(iter(next(iter(values.values())).values()))
    together = {}
    for head in heads:
        rows = [_of(head, values[p], p) for p in able(head, values, heads)]
        together[head] = join(rows) if rows else ops.convert_to_tensor(any_rows)[:0]
    return together


def _of(head: str, rows: Mapping, pattern: str):
    if head not in rows:
        raise ValueError(
            f"Every head that a pattern reaches needs labels. Received: heads "
            f"{sorted(rows)} for pattern {pattern!r}, none for {head!r}. Make the "
            "batches with `mk.batches(samples, heads=mk.heads(student))`."
        )
    return rows[head]


def join(arrays: list):
    """Rows of several patterns as one array."""
    return arrays[0] if len(arrays) == 1 else ops.concatenate(arrays)


def split(rows, sizes: list) -> list:
    """The inverse of `join`."""
    if len(sizes) == 1:
        return [rows]
    parts, start = [], 0
    for size in sizes:
        parts.append(rows[start : start + size])
        start = start + size
    return parts
