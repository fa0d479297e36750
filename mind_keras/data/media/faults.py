"""What of a folder cannot be used, by file name: refused or skipped, never silent.

Contract: every fault is collected, so that a user learns of all of them at once.
"""

import warnings
from pathlib import Path

CHOICES = ("refuse", "skip")
TOLD = 5  # Faults that a message shows; all are in `text`.


class Faults:
    """The faults of one folder, collected while it is read.

    Args:
        folder: Where the files lie; they are named relative to it.
        on_error: `"refuse"`: `settle` raises where there is a fault. `"skip"`: it
            warns, and the samples that are hit are left out.

    Raises:
        ValueError: If `on_error` is unknown.

    Example:
        >>> faults = Faults("here", "refuse")
        >>> faults.add("here/a.wav", "it is empty")
        >>> faults.text
        'a.wav: it is empty'
    """

    def __init__(self, folder: str | Path, on_error: str) -> None:
        if on_error not in CHOICES:
            raise ValueError(
                f"`on_error` must be one of {CHOICES}. Received: {on_error!r}."
            )
        self.folder, self.on_error = Path(folder), on_error
        self.lines: list[str] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, path: str | Path, why: object) -> None:
        """Note one fault of a file, or of a row of it."""
        path = Path(path)
        if path.is_relative_to(self.folder):
            path = path.relative_to(self.folder)
        self.lines.append(f"{path.as_posix()}: {why}")

    @property
    def text(self) -> str:
        """All faults, a line each."""
        return "\n".join(self.lines)

    def settle(self, left: int) -> None:
        """Refuse or tell what was found.

        Args:
            left: How many samples there are without those that are hit.

        Raises:
            ValueError: If there are faults and these are to be refused, or no sample
                is left.
        """
        if not self.lines:
            return
        shown = "\n".join(self.lines[:TOLD])
        more = len(self.lines) - TOLD
        shown += f"\nand {more:,} more" if more > 0 else ""
        count = f"{len(self.lines):,} faults in {self.folder}"
        if self.on_error == "refuse" or not left:
            raise ValueError(
                f"Every file of a data set must be usable. Received: {count}:\n{shown}"
                "\nGet these files anew, or leave their samples out by on_error='skip'."
            )
        warnings.warn(f"Skipped: {count}:\n{shown}", stacklevel=2)
