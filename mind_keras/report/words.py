"""Numbers and names as people read them; nothing is computed but the rounding.

Every function takes plain values and returns text; what is unknown is `ABSENT`. To add
a unit: a function here.
"""

import pandas as pd

ABSENT = "-"
# How the metrics of `evaluation.METRICS` are written.
METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "auroc_micro": "AUROC (micro)",
    "auprc_micro": "AUPRC (micro)",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "ECE",
}
AREA = "auc_"  # Of a metric over the shares of a missing modality.
PREFIXES = ((1e9, " G"), (1e6, " M"), (1e3, " k"))
SMALLEST_P = 0.001


def metric(name: str) -> str:
    """A metric's usual name.

    Example:
        >>> metric("auroc"), metric("accuracy"), metric("auc_auroc")
        ('AUROC', 'accuracy', 'area of AUROC')
    """
    if name.startswith(AREA):
        return f"area of {metric(name.removeprefix(AREA))}"
    return METRICS.get(name, name)


def number(value: float | None, digits: int = 3) -> str:
    """A number of a metric's size.

    Example:
        >>> number(0.81234), number(float("nan")), number(None)
        ('0.812', '-', '-')
    """
    return ABSENT if pd.isna(value) else f"{value:.{digits}f}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """A number and its interval.

    Example:
        >>> interval(0.8123, 0.7, 0.9)
        '0.812 [0.70, 0.90]'
        >>> interval(0.5, None, None), interval(None, None, None)
        ('0.500', '-')
    """
    if pd.isna(value) or pd.isna(low):
        return number(value)
    return f"{value:.3f} [{low:.2f}, {high:.2f}]"


def difference(value: float | None, low: float | None, high: float | None) -> str:
    """A difference, its sign spelled out, and its interval to the same digit.

    Example:
        >>> difference(0.0123, -0.004, 0.03), difference(-0.2, None, None)
        ('+0.012 [-0.004, +0.030]', '-0.200')
    """
    if pd.isna(value):
        return ABSENT
    shown = f"{value:+.3f}"
    return shown if pd.isna(low) else f"{shown} [{low:+.3f}, {high:+.3f}]"


def p_value(p: float | None) -> str:
    """A p-value; never 0.

    Example:
        >>> p_value(0.0123), p_value(0.0001), p_value(None)
        ('0.012', '<0.001', '-')
    """
    if not pd.isna(p) and p < SMALLEST_P:
        return f"<{SMALLEST_P}"
    return number(p)


def count(n: float | None) -> str:
    """A count, in groups of three digits.

    Example:
        >>> count(12345), count(None)
        ('12,345', '-')
    """
    return ABSENT if pd.isna(n) else f"{n:,.0f}"


def short(n: float | None) -> str:
    """A large count in thousands, millions or thousand millions.

    Example:
        >>> short(950), short(12345), short(2.5e6), short(None)
        ('950', '12.3 k', '2.5 M', '-')
    """
    if pd.isna(n):
        return ABSENT
    for size, prefix in PREFIXES:
        if n >= size:
            return f"{n / size:.1f}{prefix}"
    return f"{n:.0f}"


def shown(said: object) -> str:
    """Whether something was shown, however it was read; "not shown" is not "untrue".

    Example:
        >>> shown(True), shown("False"), shown(float("nan"))
        ('shown', 'not shown', '')
    """
    return {"True": "shown", "False": "not shown"}.get(str(said), "")


def times(ratio: float) -> str:
    """A ratio; two digits where it is small.

    Example:
        >>> times(651.7), times(8.04), times(1.0)
        ('652 times', '8.0 times', '1.0 times')
    """
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times"


def cell(value: object) -> str:
    """A value of a table: text as it is, whole numbers whole, others to four digits.

    Example:
        >>> cell("a"), cell(7), cell(0.123456), cell(12345.0), cell(None)
        ('a', '7', '0.1235', '12345', '')
    """
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return ""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")
