"""The page of the study: what is chosen, and on which samples."""

import json

import pytest

from benchmarks import study_table

HEADS = ("fusion", "serum", "vitals")


def rows(seed, model, split, values):
    about = {"model": model, "split": split, "metric": "auroc", "n": 9, "seed": seed}
    about |= {
        "fusion": "sum",
        "rate": 1.0,
        "parameters": 1000 if model[0] == "t" else 9,
    }
    pairs = zip(HEADS, values, strict=True)
    return [about | {"head": head, "value": value} for head, value in pairs]


@pytest.fixture
def page(tmp_path):
    """Without teachers `serum` is weaker on validation, `vitals` on test samples."""
    folder = tmp_path / "diabetes"
    (folder / "seeds").mkdir(parents=True)
    (folder / "chosen.json").write_text('{"sum-student": [1.0]}')
    for seed in range(4):
        noise = seed / 1000
        found = rows(seed, "no_kd", "validation", [0.8, 0.6, 0.7])
        found += rows(seed, "no_kd", "test", [0.8, 0.7, 0.6])
        found += rows(seed, "student", "validation", [0.9, 0.9, 0.9])
        found += rows(
            seed, "student", "test", [0.9 + noise, 0.6904 + noise, 0.8 + noise]
        )
        found += rows(seed, "teachers", "test", [0.9, 0.8, 0.8])
        (folder / "seeds" / f"{seed}.json").write_text(json.dumps(found))
    tasks = {"diabetes": {"about": "Patients.", "fusions": ["sum"]}}
    return study_table.page(tmp_path, tasks)


def test_the_weakest_head_is_chosen_on_validation_samples(page):
    assert "| diabetes | sum | yes | no (serum) | yes | 111 |" in page


def test_numbers_are_of_test_samples(page):
    # Means of four seeds; 3.182 standard errors of 0.00065 are 0.002.
    assert "| sum | serum | 0.692 | 0.700 | 0.800 | -0.008 [-0.010, -0.006] |" in page
