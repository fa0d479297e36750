"""A run folder of random numbers, in every file that a report reads.

The numbers mean nothing: they come from a generator, and models differ by chance.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

MODELS = ("student", "no_kd", "unimodal:ehr", "teachers", "teacher:ehr:0")
TAUGHT = ("student", "no_kd", "teachers")
HEADS = {"fusion": ["cxr", "ehr"], "cxr": ["cxr"], "ehr": ["ehr"]}
N = {"all": 90, "cxr": 20, "ehr": 30, "cxr+ehr": 40}
LABELS = {"binary": ["death"], "multilabel": ["gout", "flu", "NA"]}
METRICS = ("auroc", "brier", "ece")
RANGE = ("value", "low", "high")


def write(folder: Path, kind: str = "binary", seed: int = 0, name: str = "odd") -> Path:
    """All files of a finished run over one seed."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    say(folder / "summary.json", summary(kind, seed, name))
    say(folder / "metrics.json", metrics(rng, kind, seed))
    say(folder / "curves.json", curves(rng))
    say(folder / "environment.json", {"keras": "3.99", "seed": seed})
    say(folder / "extraction.json", {"exclusions": EXCLUSIONS})
    (folder / "audit.html").write_text("<!doctype html><title>audit</title>")
    (folder / "config.yaml").write_text(f"name: {name}\nseed: {seed}\n")
    tables = (history, comparisons, calibration, subgroups, balance, missing)
    for make in tables:
        make(rng).to_csv(folder / f"{make.__name__}.csv", index=False)
    return folder


EXCLUSIONS = [
    {"step": "ICU stays", "removed": 0, "left": 4000},
    {"step": "stay shorter than 48 h", "removed": 1491, "left": 2509},
]


def over_seeds(folder: Path, seeds: tuple[int, ...] = (0, 1, 2)) -> Path:
    """A folder of several seeds: whole runs, and a table over them."""
    rng = np.random.default_rng(9)
    for seed in seeds:
        write(folder / f"seed-{seed}", seed=seed)
    rows = pd.DataFrame(metrics(rng, "binary", 0)).drop(columns=["n", "note", "seed"])
    rows = rows.rename(columns={"value": "mean"}).assign(
        reference="", sd=0.01, p=None, seeds=len(seeds), note=""
    )
    apart = comparisons(rng).query("method == 'bootstrap'")
    apart = apart.drop(columns=["n", "method", "note", "seed"])
    apart = apart.rename(columns={"value": "mean"}).assign(sd=0.02, seeds=len(seeds))
    pd.concat([rows, apart]).to_csv(folder / "seeds.csv", index=False)
    every = [row for seed in seeds for row in metrics(rng, "binary", seed)]
    say(folder / "metrics.json", every)
    say(folder / "summary.json", {"name": "odd", "seeds": list(seeds)})
    return folder


def say(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, allow_nan=False))


def summary(kind: str, seed: int, name: str) -> dict:
    models = [
        {
            "model": model,
            "parameters": 1000 * (k + 1) ** 2,
            "size_bytes": 54321 * (k + 1),
            "latency_ms": 1.25,
            "macs": None if model == "teachers" else 4321000 * (k + 1),
            "latency_p50_ms": 1.25,
            "latency_p95_ms": 3.5,
        }
        for k, model in enumerate(MODELS)
    ]
    counted = [
        {"split": split, "pattern": pattern, "samples": n, "groups": n - 1}
        for split in ("train", "validation", "test")
        for pattern, n in list(N.items())[1:]
    ]
    return {
        **{"name": name, "config_digest": "0123456789abcdef", "mind_keras": "0.1.0"},
        **{"backend": "jax", "source": "made_up", "replicates": 1000, "level": 0.95},
        **{"seed": seed, "heads": HEADS, "split": "test", "metric": "auroc"},
        "task": {"name": "mortality", "kind": kind, "labels": LABELS[kind]},
        **{"availability": counted, "models": models},
    }


def draw(rng: np.random.Generator, middle: float = 0.75, size: int = 1) -> dict:
    """Columns of a value and its interval."""
    value = middle + 0.1 * rng.standard_normal(size)
    around = 0.02 + 0.05 * rng.random((2, size))
    return {"value": value, "low": value - around[0], "high": value + around[1]}


def metrics(rng: np.random.Generator, kind: str, seed: int) -> list[dict]:
    """Rows of `metrics.json`, as `results.py` writes them: None where undefined."""
    labels = [None, *(LABELS[kind] if kind == "multilabel" else ())]
    rows = []
    for model in MODELS:
        known = {"ehr"} if "ehr" in model else {"cxr", "ehr"}
        for head in ("best", *HEADS):
            if not known >= set(HEADS.get(head, known)):
                continue
            for pattern, n in answered(head, known).items():
                for metric in METRICS:
                    for label in labels:
                        part = {k: float(v[0]) for k, v in draw(rng).items()}
                        where = (model, head, pattern, metric, label)
                        keys = ("model", "head", "pattern", "metric", "label")
                        rows.append(
                            dict(zip(keys, where, strict=True))
                            | part
                            | {"n": n, "note": "", "seed": seed}
                        )
    note = {"value": None, "low": None, "high": None, "note": "undefined: one class"}
    rows[-1] |= note
    return rows


def answered(head: str, known: set[str]) -> dict[str, int]:
    """How many samples of which pattern a head answers."""
    needs = set(HEADS.get(head, ()))
    found = {
        p: n
        for p, n in list(N.items())[1:]
        if needs <= set(p.split("+")) and known & set(p.split("+"))
    }
    return {"all": sum(found.values()), **found}


def curves(rng: np.random.Generator) -> list[dict]:
    """Rising and falling random lines."""
    x = np.linspace(0, 1, 31)
    rows = []
    for model in TAUGHT:
        for head in HEADS:
            y = np.sort(rng.random(31))
            where = {"model": model, "head": head, "label": None, "n": 60}
            empty = {"low": [], "high": []}
            up, down = y.tolist(), y[::-1].tolist()
            rows.append({**where, "kind": "roc", "x": x.tolist(), "y": up, **empty})
            rows.append({**where, "kind": "pr", "x": x.tolist(), "y": down, **empty})
            tens = {"x": x[::3].tolist(), "y": y[::3].tolist(), "n": [4, *[6] * 10]}
            ends = {
                "low": [*(y[::3] * 0.8).tolist()[:-1], None],
                "high": [*(y[::3] * 0.8 + 0.2).tolist()[:-1], None],
            }
            rows.append({**where, "kind": "reliability", **tens, **ends})
    return rows


def history(rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (model, epoch, metric, value)
        for model in MODELS
        for metric in ("loss", "val_loss")
        for epoch, value in enumerate(np.sort(rng.random(12))[::-1])
    ]
    quantities = ("utilisation_cxr", "utilisation_ehr", "imbalance", "head_gap")
    rows += [
        ("student", epoch, quantity, value)
        for quantity in (*quantities, "teacher_gap_cxr", "teacher_gap_ehr")
        for epoch, value in enumerate(0.2 * rng.random(12))
    ]
    return pd.DataFrame(rows, columns=["model", "epoch", "metric", "value"])


def comparisons(rng: np.random.Generator) -> pd.DataFrame:
    pairs = [("student", name) for name in ("no_kd", "unimodal:ehr", "teachers")]
    rows = pd.DataFrame(
        [
            (model, reference, head, "all", metric, None)
            for model, reference in pairs
            for head in ("fusion", "best", "cxr", "ehr")
            if "ehr" not in reference or head in ("best", "ehr")
            for metric in METRICS
        ],
        columns=["model", "reference", "head", "pattern", "metric", "label"],
    )
    rows = rows.assign(**draw(rng, 0.0, len(rows)), p=rng.random(len(rows)))
    rows = rows.assign(p_adjusted=rows["p"], n=40, method="bootstrap", margin=0.01)
    rows = rows.assign(note="", non_inferior=rng.random(len(rows)) > 0.5, seed=0)
    other = rows[rows["metric"] == "auroc"].assign(method="delong", p=0.123)
    other["p_adjusted"] = other["p"]
    return pd.concat([rows, other], ignore_index=True)


def calibration(rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (m, h, p) for m in TAUGHT for h in HEADS for p in answered(h, {"cxr", "ehr"})
    ]
    table = pd.DataFrame(rows, columns=["model", "head", "pattern"])
    table = table.assign(temperature=1.3 + 0.2 * rng.random(len(rows)), n_validation=50)
    for name in ("ece", "log_loss", "brier"):
        table[name] = rng.random(len(rows))
        table[f"{name}_calibrated"] = table[name] * 0.9
    return table.assign(n=60, note="")


def subgroups(rng: np.random.Generator) -> pd.DataFrame:
    groups = {"gender": ["F", "M", "gap"], "age": ["<45", "45-65", "unknown"]}
    rows = [
        (model, column, group, "best", metric, None)
        for model in ("student", "no_kd")
        for column, names in groups.items()
        for group in names
        for metric in METRICS
    ]
    names = ["model", "column", "subgroup", "head", "metric", "label"]
    table = pd.DataFrame(rows, columns=names).assign(**draw(rng, 0.75, len(rows)))
    return table.assign(n=30, positives=7, note="")


def balance(rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (model, split, quantity, modality, "auroc", rng.random())
        for model in ("student", "no_kd")
        for split in ("validation", "test")
        for quantity, modality in [
            *(("utilisation", "cxr"), ("utilisation", "ehr")),
            *(("imbalance", ""), ("head_gap", ""), ("teacher_gap", "cxr")),
        ]
    ]
    names = ["model", "split", "quantity", "modality", "metric", "value"]
    return pd.DataFrame(rows, columns=names)


def missing(rng: np.random.Generator) -> pd.DataFrame:
    """Numbers, areas, and the student less each other model, as of `missing_lab`."""
    rivals = ("zero_fill", "modality_dropout")
    pairs = [(name, None) for name in ("student", *rivals)]
    pairs += [("student", name) for name in rivals]
    rows = [
        (*pair, "mcar", "cxr", train, test, which, metric)
        for pair in pairs
        for which in ("all", "incomplete")
        for train in (0.0, 0.5)
        for test, metric in [*((share, "auroc") for share in SHARES), AREA]
    ]
    names = ["model", "reference", "mechanism", "modality", "train_rate", "test_rate"]
    table = pd.DataFrame(rows, columns=[*names, "rows", "metric"])
    table = table.assign(**draw(rng, 0.7, len(rows)), p=0.25, n=80, note="", seed=0)
    none = {"low": None, "high": None, "p": None}
    table.loc[table["metric"] == AREA[1], list(none)] = list(none.values())
    return table


SHARES, AREA = (0.0, 0.25, 0.5, 0.75), (None, "auc_auroc")
