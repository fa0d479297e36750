"""Seeds as replicates: what training again, with other random numbers, changes.

An interval of the bootstrap says how far other *patients* would move a number, and
holds for one trained model; the one here says how far another *training* would. A
table of several runs goes in, one row per number comes out.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from mind_keras.evaluation.significance import check_level, holm_over_labels

KEYS = ["model", "head", "pattern", "metric", "label"]
COLUMNS = (
    *("model", "reference", "head", "pattern", "metric", "label"),
    *("mean", "sd", "low", "high", "p", "p_adjusted", "seeds", "note"),
)
FEWEST_SEEDS = 3
MOST_FLIPPED = 16  # seeds; 65,536 patterns of signs
ROUNDING = 1e-12  # a spread below is one of representation, not of seeds


def over_seeds(
    metrics: pd.DataFrame,
    reference: str | None = None,
    *,
    level: float = 0.95,
    test: str = "t",
) -> pd.DataFrame:
    """Mean and spread of each number over seeds, and of each difference.

    Differences are paired: of two models of the same seed, which share data, order of
    batches and teachers. Where one of both is undefined (NaN) the seed is left out.

    Args:
        metrics: Rows of `metrics.json` of all seeds: columns `model, head, pattern,
            metric, label, value, seed`; others are not read.
        reference: What the other models are compared with; None for no comparison.
        level: Of confidence of the t-interval.
        test: A name from `TESTS`, for the p of a difference: `"t"` (paired t-test) or
            `"sign_flip"` (exact: the share of the 2^seeds ways to flip signs that
            give a mean at least as far from 0; with k seeds never below 2 / 2^k).

    Returns:
        The columns of `COLUMNS`. `reference` is None for a model's own numbers (no
        p), which come first. `sd` has n - 1; `seeds` counts those used. With fewer
        than `FEWEST_SEEDS`, or the same number in all, there is no interval and no p,
        but a note. `p_adjusted` is Holm's, over the labels of one headline.

    Raises:
        ValueError: If a column is absent, a row comes twice, a seed is not known, the
            reference or the test is unknown, `level` is out of range, or there are
            more than `MOST_FLIPPED` seeds to flip.

    Example:
        >>> rows = [("student", 0, 0.82), ("student", 1, 0.85), ("student", 2, 0.81)]
        >>> rows += [("no_kd", 0, 0.80), ("no_kd", 1, 0.82), ("no_kd", 2, 0.80)]
        >>> metrics = pd.DataFrame(rows, columns=["model", "seed", "value"])
        >>> metrics = metrics.assign(head="best", pattern="all", metric="auroc")
        >>> table = over_seeds(metrics.assign(label=None), "no_kd")
        >>> table[["model", "reference", "mean", "low"]].round(3).values.tolist()
        [['student', None, 0.827, 0.775], ['no_kd', None, 0.807, 0.778],
         ['student', 'no_kd', 0.02, -0.005]]
    """
    check_level(level)
    _check(metrics, reference, test)
    wide = _by_seed(metrics)
    tables = [_summary(wide, level).assign(reference=None)]
    if reference is not None:
        paired = _minus(wide, reference)
        found = _summary(paired, level).assign(reference=reference)
        found["p"] = np.where(found["low"].isna(), np.nan, TESTS[test](paired))
        tables.append(found)
    table = pd.concat([part.astype({"reference": object}) for part in tables])
    table = table.reset_index()
    texts = table[["label", "reference"]].astype(object)
    table[["label", "reference"]] = texts.where(texts.notna() & (texts != ""), None)
    # Own numbers have no p, so that differences alone are a family.
    table["p_adjusted"] = holm_over_labels(table, KEYS[:4])
    return table[list(COLUMNS)]


def _check(metrics: pd.DataFrame, reference: str | None, test: str) -> None:
    needed = [*KEYS, "value", "seed"]
    absent = [name for name in needed if name not in metrics]
    if absent:
        raise ValueError(
            f"`metrics` must have the columns {needed}. Received: none of {absent}. "
            "Are these rows of `metrics.json` of several runs?"
        )
    if metrics["seed"].isna().any():
        raise ValueError(
            f"Each row must have its seed. Received: {metrics['seed'].isna().sum()} "
            "rows without."
        )
    twice = metrics.duplicated([*KEYS, "seed"])
    if twice.any():
        raise ValueError(
            "A number must come once per seed. Received twice: "
            f"{metrics.loc[twice, [*KEYS, 'seed']].iloc[0].to_dict()}. Have two runs "
            "the same seed?"
        )
    models = list(metrics["model"].unique())
    if reference is not None and reference not in models:
        raise ValueError(
            f"`reference` must be one of the models. Received: {reference!r}. "
            f"Known: {models}."
        )
    if test not in TESTS:
        raise ValueError(f"Unknown test {test!r}. Known: {sorted(TESTS)}.")
    seeds = metrics["seed"].nunique()
    if test == "sign_flip" and seeds > MOST_FLIPPED:
        raise ValueError(
            f"All signs are flipped for at most {MOST_FLIPPED} seeds. Received: "
            f"{seeds}. Write test='t'."
        )


def _by_seed(metrics: pd.DataFrame) -> pd.DataFrame:
    """A row per number in the order of the table, a column per seed."""
    # Headlines have no label, and pandas drops rows whose key is None.
    label = metrics["label"].astype(object).where(metrics["label"].notna(), "")
    metrics = metrics.assign(label=label)
    order = pd.MultiIndex.from_frame(metrics[KEYS].drop_duplicates())
    wide = metrics.pivot(index=KEYS, columns="seed", values="value")
    return wide.reindex(order).astype(float)


def _minus(wide: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Each model less the reference; no row for a number that only one has."""
    model = wide.index.get_level_values("model")
    others, theirs = wide[model != reference], wide.xs(reference, level="model")
    shared = others.index.droplevel("model")
    others = others[shared.isin(theirs.index)]
    return others - theirs.reindex(others.index.droplevel("model")).to_numpy()


def _summary(wide: pd.DataFrame, level: float) -> pd.DataFrame:
    count = wide.notna().sum(axis=1)
    mean, sd = wide.mean(axis=1), wide.std(axis=1, ddof=1)
    steady = sd <= ROUNDING
    doubtful = (count >= FEWEST_SEEDS) & ~steady
    freedom = count.where(doubtful)
    half = stats.t.isf((1 - level) / 2, freedom - 1) * sd / np.sqrt(freedom)
    few = count.map("no interval: {} seeds, fewer than ".format) + str(FEWEST_SEEDS)
    note = few.where(count < FEWEST_SEEDS, "").mask(
        (count >= FEWEST_SEEDS) & steady, "no interval: the same in all seeds"
    )
    some = count.map("defined in {} ".format) + f"of {wide.shape[1]} seeds"
    some = some.where(count < wide.shape[1], "")
    note = some + np.where((some != "") & (note != ""), "; ", "") + note
    numbers = {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}
    return pd.DataFrame({**numbers, "p": np.nan, "seeds": count, "note": note})


def _paired_t(wide: pd.DataFrame) -> np.ndarray:
    count = wide.notna().sum(axis=1)
    error = wide.std(axis=1, ddof=1) / np.sqrt(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * stats.t.sf((wide.mean(axis=1) / error).abs(), count - 1)


def _sign_flip(wide: pd.DataFrame) -> np.ndarray:
    signs = np.array(list(itertools.product((-1, 1), repeat=wide.shape[1])))
    found = []
    for row in np.nan_to_num(wide.to_numpy()):  # 0 has no sign: a seed left out
        as_far = np.abs(signs @ row) >= np.abs(row.sum()) - ROUNDING
        found.append(as_far.mean())
    return np.array(found)


TESTS: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
    "t": _paired_t,
    "sign_flip": _sign_flip,
}
