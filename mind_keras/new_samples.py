"""Predictions for new samples of any pattern: a file of raw values in, a table out."""

from pathlib import Path

from mind_keras.artifact import Run
from mind_keras.data.atomic import atomic_path
from mind_keras.data.files import read_samples
from mind_keras.longtable import long_table
from mind_keras.prediction import predict


def predict_file(run: Run, data: str | Path, output: str | Path) -> int:
    """Answer the samples of a file with the student of a run.

    Args:
        run: A finished run.
        data: Raw values; see `data.files.read_samples`.
        output: The `.csv` to write: `id, pattern, head, label, probability`, a row per
            head that can answer.

    Returns:
        How many samples were answered.
    """
    spec = run.spec()
    samples = read_samples(data, spec, run.preprocessing())
    said = predict(run.model("student"), samples, task=spec.task)
    table = long_table(said, samples, spec.task)
    with atomic_path(Path(output)) as part:
        table.to_csv(part, index=False)
    return len(samples)
