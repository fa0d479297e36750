"""An audit as a file. To add a format: its suffix in `FORMATS`."""

from pathlib import Path

from mind_keras.data.atomic import atomic_path
from mind_keras.data.audit.checks import Audit

FORMATS = {".html": Audit.html, ".md": Audit.markdown}


def write_audit(found: Audit, path: str | Path) -> None:
    """Write findings and cohort to a file, replacing one that is there.

    Args:
        found: What `audit` returned.
        path: A file whose name ends with `.html` or `.md`.

    Raises:
        ValueError: If it ends otherwise.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "audit.md")
        >>> write_audit(Audit((), {}), path)
        >>> path.read_text("utf-8").split()[:2]
        ['#', 'Audit']
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(
            f"An audit must be written to a file of type {[*FORMATS]}. Received: "
            f"{path.name!r}."
        )
    with atomic_path(path) as part:
        part.write_text(FORMATS[path.suffix](found), "utf-8")
