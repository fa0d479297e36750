"""What a missing modality costs: a metric against the share that lacks it.

For each share in training a run of its own, then every contender of it is asked about
test samples of which other shares lack the modality. Removal follows a mechanism of
`data.mechanisms`, fitted on the training samples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from mind_keras import report
from mind_keras.artifact import MISSING, Run
from mind_keras.balance import MEASURE
from mind_keras.config import Config
from mind_keras.controls import Contender
from mind_keras.data.atomic import atomic_path
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.evaluation.comparison import compare
from mind_keras.evaluation.table import ALL, score
from mind_keras.missing_tables import COLUMNS, INCOMPLETE, areas_under, spread
from mind_keras.progress import Progress
from mind_keras.results import STUDENT
from mind_keras.run import compete, prepare, read_data, run, train
from mind_keras.spec import BEST

CONTRASTS = ("no_kd", "zero_fill", "mean_fill", "modality_dropout")
SEEDS = "missing_seeds.csv"


@dataclass(frozen=True)
class Removal:
    """How a modality is removed.

    Args:
        modality: Which.
        mechanism: A name in `data.mechanisms.MECHANISMS`.
        on: The column that decides, as in `data.missing.remove`.
        rates: Shares of those who have it, from 0 to below 1.
    """

    modality: str
    mechanism: str = "mcar"
    on: str | None = None
    rates: Sequence[float] = (0.0, 0.25, 0.5, 0.75)

    def applied(self, config: Config, rate: float) -> Config:
        """The config with this removal in place of its own, in all splits."""
        how = {"mechanism": self.mechanism, "rate": {self.modality: rate}}
        how |= {} if self.on is None else {"on": self.on}
        given = config.data.model_dump()
        data = type(config.data)(**given | {"missing": how if rate else None})
        controls = list(dict.fromkeys([*config.controls, *CONTRASTS]))
        return config.model_copy(update={"data": data, "controls": controls})


def missing_lab(
    config: Config,
    output: str | Path,
    removal: Removal,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Train at each share, ask at each share, and write `missing.csv`.

    Args:
        config: The experiment; `data.missing` is replaced by the removal, and the
            contrasts of `CONTRASTS` join its controls. Of several `seeds` each.
        output: The folder to make: `train-<share>-seed-<k>/` are run folders, each
            with its part of `missing.csv`, and with the curves in its report.
        removal: What is removed, and how.
        resume: Go on in the same folder; what is trained is kept.
        progress: As in `run`.

    Of several seeds `missing_seeds.csv` has what `spread` says.

    Returns:
        `COLUMNS`, for the head `best` of each contender: `reference` is None for a
        model's own number; `rows` is `"all"`, or `"incomplete"` for the samples that
        lack the modality; rows with a reference are the student less that model on
        the same samples; a metric `auc_<metric>` is the mean over test shares (the
        area under the curve by trapezia, divided by its width), without an interval.

    Raises:
        ValueError: If the folder is in use, the modality is unknown or a share is no
            number from 0 to below 1.
    """
    progress = progress or Progress(Console(quiet=True))
    output, removal = Path(output), _checked(removal)
    if output.is_dir() and any(output.iterdir()) and not resume:
        raise ValueError(
            f"The output folder must be empty. Received: {output}, which holds files. "
            "Go on with the same lab by --resume, or choose another --output."
        )
    tables = []
    for seed in config.seeds or [config.seed]:
        one = config.model_copy(update={"seed": seed, "seeds": []})
        with progress.stage("test samples"):
            tests = {
                rate: _test(read_data(removal.applied(one, rate), progress))
                for rate in removal.rates
            }
        tests[removal.rates[0]][0].spec.modality(removal.modality)  # refused if unknown
        for rate in removal.rates:
            done = Run(output / f"train-{rate:g}-seed-{seed}")
            contenders = _trained(removal.applied(one, rate), done.path, progress)
            with progress.stage(f"missing {removal.modality}"):
                own = tests[rate][1]
                shown = {r: _on_scale(*test, own) for r, test in tests.items()}
                rows = list(_asked(contenders, shown, one, removal.modality))
                tables.append(_told(done, rows, removal, rate, seed))
    found = pd.concat(tables, ignore_index=True)
    _write(output / MISSING, found)
    if found["seed"].nunique() > 1:
        _write(output / SEEDS, spread(found, level=config.evaluation.level))
    return found


def _write(path: Path, table: pd.DataFrame) -> None:
    with atomic_path(path) as part:
        table.to_csv(part, index=False)


def _test(data: Splits) -> tuple[Samples, Preprocessing]:
    """Test samples, and what they are standardised by; the rest is let go."""
    return data.test, data.preprocessing


def _on_scale(test: Samples, was: Preprocessing, scale: Preprocessing) -> Samples:
    """Test samples as the models of another share read them.

    What standardises is fitted on the training rows that removal leaves: the models
    of one share would take rows of another for those of a shifted population.
    """
    return test if was == scale else scale.apply(was.undo(test))


def _told(
    run: Run, rows: list[dict], removal: Removal, rate: float, seed: int
) -> pd.DataFrame:
    """The rows of one run as a table, which its report shows too."""
    where = {"mechanism": removal.mechanism, "modality": removal.modality}
    table = pd.DataFrame(rows).assign(**where, train_rate=rate, seed=seed)
    table = pd.concat([table, areas_under(table)], ignore_index=True)
    table = table.reindex(columns=COLUMNS)
    run.write_csv(MISSING, table)
    report.write(run)
    return table


def _trained(config: Config, folder: Path, progress: Progress) -> dict[str, Contender]:
    """The contenders of a run, which is made or gone on with."""
    data = read_data(config, progress)
    done = run(config, folder, resume=folder.exists(), progress=progress, data=data)
    # A finished run has all its models: nothing is trained here.
    bench = train(config, *prepare(config, progress, data), done, progress)
    return {
        name: contender
        for name, contender in compete(config, bench, progress).items()
        if not name.startswith(("teacher:", "unimodal:"))
    }


def _asked(
    contenders: Mapping[str, Contender],
    tests: Mapping[float, Samples],
    config: Config,
    modality: str,
) -> Iterator[dict]:
    """Numbers of every contender, and differences, at each share in the test."""
    options = config.evaluation.model_dump(include={"replicates", "level"})
    options |= {"seed": config.seed}
    for rate, test in tests.items():
        said = {name: one.answer(test) for name, one in contenders.items()}
        said = {name: {BEST: p[BEST]} for name, p in said.items() if BEST in p}
        metric = MEASURE[test.spec.task.kind]
        parts = {
            ALL: np.arange(len(test)),
            INCOMPLETE: np.flatnonzero(~test.has(modality)),
        }
        for rows, index in parts.items():
            if not len(index):
                continue
            part = test.take(index)
            here = {name: {BEST: p[BEST][index]} for name, p in said.items()}
            about = {"test_rate": rate, "rows": rows}
            for row in _numbers(here, part, metric, options):
                yield about | row


def _numbers(
    said: Mapping, samples: Samples, metric: str, options: Mapping
) -> Iterator[dict]:
    keys = ["metric", "value", "low", "high", "n", "note"]
    for name, p in said.items():
        table = score(p, samples, metrics=[metric], **options)
        for row in _headline(table)[keys].to_dict("records"):
            yield {"model": name, "reference": None, "p": np.nan, **row}
    others = [name for name in said if name != STUDENT]
    table = compare(said, samples, reference=others, metrics=[metric], **options)
    table = _headline(table[table["method"] == "bootstrap"])
    yield from table[["model", "reference", "p", *keys]].to_dict("records")


def _headline(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["pattern"] == ALL) & table["label"].isna()]


def _checked(removal: Removal) -> Removal:
    rates = list(removal.rates)
    fine = all(isinstance(rate, int | float) and 0 <= rate < 1 for rate in rates)
    if not rates or not fine or sorted(set(rates)) != rates:
        raise ValueError(
            "The shares must rise from 0 up to below 1, each once. Received: "
            f"{rates}. To do without a modality, leave it out of the config."
        )
    return removal
