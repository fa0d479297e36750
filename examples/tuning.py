"""A search over students by KerasTuner, whose teachers are trained and asked once.

    pip install ".[tune]"
    python examples/tuning.py [TRIALS]

Real patients (scikit-learn's diabetes), six teachers, 20 trials by default. What a
trial costs is a student; the test samples are asked once, about the best of them.
"""

import sys
import tempfile
import time

import keras_tuner

import mind_keras as mk
from mind_keras.tuning import StudentHyperModel

trials = int(sys.argv[1]) if len(sys.argv) > 1 else 20
missing = {"mechanism": "mcar", "rate": {"serum": 0.2, "vitals": 0.2}}
data = mk.load("diabetes", missing=missing)

begun = time.perf_counter()
teachers = {
    m: [mk.build_teacher(data.spec, m, units=units) for units in (256, 128, 64)]
    for m in data.spec.names
}
history = mk.fit_teachers(teachers, data, epochs=50, learning_rate=0.003)
teachers |= {"fusion": [mk.fit_joint_teacher(teachers, data)]}
trained = time.perf_counter()

space = {
    "fusion": ["concat", "sum", "gated"],
    "distillation.temperature": {"low": 1.0, "high": 8.0, "log": True},
    "encoders.serum.units": [4, 8, 16],
    "encoders.vitals.units": [4, 8, 16],
    "training.learning_rate": {"low": 0.001, "high": 0.03, "log": True},
}
encoders = {m: {"encoder": "mlp", "units": 8} for m in data.spec.names}
with tempfile.TemporaryDirectory() as folder:
    tuner = keras_tuner.BayesianOptimization(
        StudentHyperModel(data, teachers, encoders, space=space),
        objective=keras_tuner.Objective("val_auroc", "max"),
        max_trials=trials,
        seed=0,
        directory=folder,
    )
    tuner.search(verbose=0)
    searched = time.perf_counter()
    found = tuner.oracle.get_best_trials()[0]
    student = tuner.get_best_models()[0].student

done = len(tuner.oracle.trials)
print(f"teachers: {history['model'].nunique()} models, {trained - begun:.0f} s, once")
print(f"{done} trials: {searched - trained:.0f} s")
print(f"best on validation samples, AUROC {found.score:.3f}:")
print(found.hyperparameters.values)
print(mk.evaluate(student, data.test, metrics=["auroc"]).query("pattern == 'all'"))
