"""The vectorised bootstrap, and the comparison, against loops over scikit-learn.

`python -m benchmarks.bootstrap`, with one thread (`OMP_NUM_THREADS=1`):
1,000 replicates of 25 labels on 12,000 stays of 9,000 patients. The loop runs
a few replicates and is extrapolated; on these, both must give the same numbers.
A comparison needs each number of two models; its loop is a loop for each of them.
With `--rivals 14` instead: a student and so many rivals, compared
in one call and pair by pair; both must give the same table to the last bit.
Seconds are those of the processor, so that a busy machine does not count.
"""

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from mind_keras.data.samples import Samples
from mind_keras.evaluation import METRICS, compare, group_weights, replicate
from mind_keras.spec import Modality, Spec, Task

STAYS, PATIENTS, LABELS, REPLICATES, LOOPED = 12_000, 9_000, 25, 1_000, 5
PEERS = {"auroc": roc_auc_score, "auprc": average_precision_score}


def main() -> None:
    """Print seconds for the two ways, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals", type=int, help="compare a student with so many")
    rivals = parser.parse_args().rivals
    if rivals is None:
        with_a_loop()
    else:
        with_pairs(rivals)


def with_pairs(rivals: int) -> None:
    """One comparison with all rivals, against one for each."""
    samples, models = made_up(1 + rivals)
    said = {f"model {k}": {"ehr": p} for k, p in enumerate(models)}
    student, *others = said
    for name in PEERS:
        pairs, apart = [], 0.0
        for other in others:
            two = {model: said[model] for model in (other, student)}
            table, seconds = timed(compare, two, samples, metrics=[name])
            pairs, apart = [*pairs, table], apart + seconds
        table, seconds = timed(compare, said, samples, reference=others, metrics=[name])
        expected = pd.concat(pairs, ignore_index=True)
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
        print(f"{name}, {rivals} rivals: {seconds:.2f} s at once, ", end="")
        print(f"{apart:.2f} s pair by pair, {apart / seconds:.2f} times faster")


def with_a_loop() -> None:
    """The vectorised bootstrap, against calls of scikit-learn."""
    samples, (first, second) = made_up(2)
    y, patient = samples.y, samples.group
    weights, drawing = timed(group_weights, patient, REPLICATES, seed=0)
    print(f"drawing patients: {drawing:.2f} s")
    for name, peer in PEERS.items():
        metric, few = METRICS[name].function, weights[:LOOPED]
        ours, seconds = timed(vectorised, metric, y, first, weights)
        theirs, looping = timed(looped, peer, y, first, few)
        np.testing.assert_allclose(ours[:, :LOOPED], theirs, atol=1e-12)
        report(name, seconds, looping)
        said = {"first": {"ehr": first}, "second": {"ehr": second}}
        table, seconds = timed(compare, said, samples, metrics=[name])
        theirs, again = timed(looped, peer, y, second, few)
        other = vectorised(metric, y, second, weights)
        np.testing.assert_allclose(other[:, :LOOPED], theirs, atol=1e-12)
        check(table, other - ours)
        report(f"{name}, two models compared", seconds, looping + again)


def made_up(models: int) -> tuple[Samples, list[np.ndarray]]:
    """Stays, and the probabilities of some models."""
    generator = np.random.default_rng(0)
    patient = generator.integers(0, PATIENTS, STAYS)
    rate = generator.uniform(0.03, 0.5, LABELS)
    y = (generator.random((STAYS, LABELS)) < rate).astype(float)
    said = [
        generator.beta(2, 5, y.shape) * 0.7 + 0.3 * y * generator.random()
        for _ in range(models)
    ]
    names = tuple(f"phenotype {k}" for k in range(LABELS))
    spec = Spec(Task("phenotypes", "multilabel", names), (Modality("ehr", (1,)),))
    return Samples(spec, y, {"ehr": y[:, :1]}, group=patient), said


def timed(function, *args, **kwargs):
    """What a function returns, and the processor's seconds it took."""
    start = time.process_time()
    result = function(*args, **kwargs)
    return result, time.process_time() - start


def vectorised(metric, y, p, weights):
    """`(labels, replicates)`, all replicates of a label at once."""
    rows = np.arange(len(y))
    pairs = zip(y.T, p.T, strict=True)
    return np.array([replicate(metric, a, b, weights, rows) for a, b in pairs])


def looped(metric, y, p, weights):
    """The same by a call for each label and replicate."""
    pairs = zip(y.T, p.T, strict=True)
    return np.array(
        [[metric(a, b, sample_weight=w) for w in weights] for a, b in pairs]
    )


def check(table, gains):
    """The intervals of a comparison are those of its replicates."""
    rows = table[(table.pattern == "all") & (table.method == "bootstrap")]
    expected = np.quantile(np.vstack([gains.mean(0), gains]), [0.025, 0.975], axis=1)
    np.testing.assert_allclose(rows[["low", "high"]].T, expected, atol=1e-12)


def report(what, seconds, looping):
    """A line of the figure."""
    loop = looping * REPLICATES / LOOPED
    print(
        f"{what}: {seconds:.2f} s vectorised, {loop:.0f} s scikit-learn loop "
        f"(from {LOOPED} replicates), {loop / seconds:.0f} times faster"
    )


if __name__ == "__main__":
    main()
