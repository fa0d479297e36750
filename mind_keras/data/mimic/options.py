"""What an extraction is asked for: the inputs, the task, and the rules."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mind_keras.data.mimic.codes import load_codes, read_mapping
from mind_keras.data.mimic.events import CHUNK_ROWS
from mind_keras.data.mimic.partition import FRACTIONS
from mind_keras.data.mimic.reading import MOST_BAD
from mind_keras.data.mimic.rules import Rules
from mind_keras.data.mimic.tasks import ICUTask
from mind_keras.data.split import check_fractions

# What decides the result, beside the inputs and the lists in files.
RULES = (
    *("task", "hours", "reference", "labs", "intubated", "lookback_hours", "views"),
    *("fractions", "image_size", "labelled"),
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Inputs and rules of one extraction.

    Args:
        mimic_iv: Folder of MIMIC-IV, with `hosp/` and `icu/`.
        mimic_cxr: Folder of MIMIC-CXR-JPG, with `files/`; None: no images.
        task: `"mortality"` or `"phenotyping"`.
        hours: Length of the observation window from the stay's begin; None: the whole
            stay.
        reference: None: our rules; `"medfuse"`: the published cohort rules where they
            differ (`docs/icu_data.md` lists them).
        labs: Read `labevents` too.
        intubated: Verbal score of the intubated in the GCS total: `"minimum"` (1) or
            `"fifteen"` (the total is 15).
        lookback_hours: Images from so long before the stay's begin are taken too.
        views: Views of the chest that are taken.
        split_files: The user's `(test.csv, validation.csv)`; None: by a hash of the
            patient's id.
        fractions: Share of the patients in train, validation and test, by that hash.
        codes: Phenotypes by diagnosis codes, a table of `ccs.build_codes`; None:
            the one shipped.
        mapping: Phenotypes by a YAML file of the form of mimic3-benchmarks, instead.
        image_size: Height and width of the kept images, in pixels.
        labelled: False for stays whose outcome is not known yet.
        engine: What reads the tables, `"pandas"`, `"pyarrow"` or `"polars"`; None: the
            fastest that is installed. The result does not depend on it.
        chunk_rows: Rows read at once.
        most_bad: Share of unreadable ids, times or numbers of events above which the
            extraction stops.
        workers: Threads that decode images; None: one per core.

    Example:
        >>> Options(mimic_iv="mimic-iv", task="mortality").hours
        48
    """

    mimic_iv: str | Path
    mimic_cxr: str | Path | None = None
    task: str = "mortality"
    hours: int | None = 48
    reference: str | None = None
    labs: bool = False
    intubated: str = "minimum"
    lookback_hours: float = 0.0
    views: tuple[str, ...] = ("AP",)
    split_files: tuple[str | Path, str | Path] | None = None
    fractions: tuple[float, float, float] = FRACTIONS
    codes: str | Path | None = None
    mapping: str | Path | None = None
    image_size: int = 256
    labelled: bool = True
    engine: str | None = None
    chunk_rows: int = CHUNK_ROWS
    most_bad: float = MOST_BAD
    workers: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", ICUTask(self.task).value)
        object.__setattr__(self, "views", tuple(self.views))
        fractions = check_fractions(self.fractions).tolist()
        object.__setattr__(self, "fractions", tuple(fractions))
        Rules(self.task, hours=self.hours, reference=self.reference)
        if self.codes and self.mapping:
            raise ValueError(
                "Phenotypes must come from `codes` or from `mapping`. Received both."
            )
        if self.image_size < 8:
            raise ValueError(
                f"`image_size` must be at least 8 pixels. Received: {self.image_size}."
            )

    @classmethod
    def like(cls, rules: Mapping, **changes: object) -> "Options":
        """Options with the rules of a manifest, for other inputs.

        Lists of patients and of codes are not in the rules: they decide splits and
        labels, which new stays do not have.

        Args:
            rules: From `rules`.
            changes: Inputs, and whatever else is to differ.

        Raises:
            ValueError: If the rules are not those of an extraction of raw tables.

        Example:
            >>> rules = Options(mimic_iv="a", hours=24, labs=True).rules()
            >>> new = Options.like(rules, mimic_iv="b", labelled=False)
            >>> new.hours, new.labs, new.mimic_iv
            (24, True, 'b')
        """
        absent = [name for name in RULES if name not in rules]
        if absent:
            raise ValueError(
                "Raw tables are extracted by the rules of an earlier extraction of raw "
                f"tables. Received: rules without {absent}, of data that were imported "
                f"(source: {rules.get('source')!r}). Import the new data in the same "
                "way, and give that extraction."
            )
        return cls(**{name: rules[name] for name in RULES} | changes)

    def cohort(self) -> dict:
        """The arguments of `build_cohort`."""
        codes = (
            load_codes(self.codes) if not self.mapping else read_mapping(self.mapping)
        )
        return {
            "task": self.task,
            "hours": self.hours,
            "reference": self.reference,
            "labelled": self.labelled,
            "codes": codes,
        }

    def rules(self) -> dict:
        """Plain values of all that decides the result, for the manifest."""
        # How the tables are read changes nothing; where they lie is the user's affair.
        listed = {"split_files": self.split_files or ()}
        listed |= {"codes": [self.codes] if self.codes else ()}
        listed |= {"mapping": [self.mapping] if self.mapping else ()}
        files = {
            name: [_digest(path) for path in some] for name, some in listed.items()
        }
        values = {name: getattr(self, name) for name in RULES}
        values |= {name: list(values[name]) for name in ("fractions", "views")}
        values |= {"images": self.mimic_cxr is not None}
        return values | {"files": {name: some for name, some in files.items() if some}}

    @property
    def digest(self) -> str:
        """SHA-256 of rules and inputs, for `--resume`."""
        inputs = [str(Path(p).resolve()) for p in (self.mimic_iv, self.mimic_cxr) if p]
        text = json.dumps([self.rules(), inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: str | Path) -> str:
    """SHA-256 of a small file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
