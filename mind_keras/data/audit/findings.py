"""A finding: what one check of the audit came to.

A check returns `judge(...)`, or `unchecked(...)` where the extraction does not hold
what it would need: that passes, and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """What one check came to.

    Args:
        rule: What must hold.
        found: What was found, in numbers.
        passed: Whether the rule holds, or could not be checked.
        cure: What to do about a violation.
        checked: False: the extraction does not hold what the check needs.
        check: Name of the check, from `checks.CHECKS`.
        accepted: Whether a violation was accepted by the user.
    """

    rule: str
    found: str
    passed: bool = True
    cure: str = ""
    checked: bool = True
    check: str = ""
    accepted: bool = False

    @property
    def status(self) -> str:
        """`passed`, `not checked`, `accepted` or `violation`.

        Example:
            >>> unchecked("No image is late.", "there are no images").status
            'not checked'
        """
        if self.passed:
            return "passed" if self.checked else "not checked"
        return "accepted" if self.accepted else "violation"


def judge(rule: str, problems: list[str], *, found: str, cure: str) -> Finding:
    """A finding that passes if there are no problems.

    Args:
        rule: What must hold.
        problems: One text for each way in which it does not.
        found: What was looked at, if it does.
        cure: What to do, if it does not.

    Example:
        >>> judge("Ids differ.", ["2 stays are 7"], found="9 ids", cure="...").passed
        False
    """
    if problems:
        return Finding(rule, "; ".join(problems) + ".", passed=False, cure=cure)
    return Finding(rule, found + ".")


def unchecked(rule: str, reason: str) -> Finding:
    """A finding that passes because nothing could be looked at.

    Example:
        >>> unchecked("No image is late.", "there are no images").found
        'not checked: there are no images.'
    """
    return Finding(rule, f"not checked: {reason}.", checked=False)


def some(values: Iterable) -> str:
    """The first few of some values, each once, in order.

    Example:
        >>> some([3, 1, 1, 2, 4])
        'e.g. 1, 2, 3'
    """
    return "e.g. " + ", ".join(str(value) for value in sorted(set(values))[:SHOWN])
