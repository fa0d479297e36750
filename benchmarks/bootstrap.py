"""The vectorised bootstrap against a loop over scikit-learn.

`python -m benchmarks.bootstrap`, with one thread (`OMP_NUM_THREADS=1`):
1,000 replicates of 25 labels on 12,000 stays of 9,000 patients. The loop runs
a few replicates and is extrapolated; on these, both must give the same numbers.
"""

import time

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from mind_keras.evaluation import METRICS, group_weights, replicate

STAYS, PATIENTS, LABELS, REPLICATES, LOOPED = 12_000, 9_000, 25, 1_000, 5
PEERS = {"auroc": roc_auc_score, "auprc": average_precision_score}


def main() -> None:
    """Print seconds for both, and their ratio."""
    generator = np.random.default_rng(0)
    patient = generator.integers(0, PATIENTS, STAYS)
    rate = generator.uniform(0.03, 0.5, LABELS)
    y = (generator.random((STAYS, LABELS)) < rate).astype(float)
    p = generator.beta(2, 5, (STAYS, LABELS)) * 0.7 + 0.3 * y * generator.random()
    weights, drawing = timed(group_weights, patient, REPLICATES, seed=0)
    print(f"drawing patients: {drawing:.2f} s")
    for name, peer in PEERS.items():
        ours, seconds = timed(vectorised, METRICS[name].function, y, p, weights)
        theirs, few = timed(looped, peer, y, p, weights[:LOOPED])
        np.testing.assert_allclose(ours[:, :LOOPED], theirs, atol=1e-12)
        loop = few * REPLICATES / LOOPED
        print(
            f"{name}: {seconds:.2f} s vectorised, {loop:.0f} s scikit-learn loop "
            f"(from {LOOPED} replicates), {loop / seconds:.0f} times faster"
        )


def timed(function, *args, **kwargs):
    """What a function returns, and the seconds it took."""
    start = time.perf_counter()
    result = function(*args, **kwargs)
    return result, time.perf_counter() - start


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


if __name__ == "__main__":
    main()
