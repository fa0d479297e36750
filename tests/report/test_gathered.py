"""Reading a folder: what is there, as it was written."""

import numpy as np
import pandas as pd
import pytest
from report import made_up

from mind_keras import report
from mind_keras.artifact import Run
from mind_keras.report.standing import standing


def test_an_absent_file_is_an_empty_table_of_its_columns(tmp_path):
    made_up.say(tmp_path / "summary.json", made_up.summary("binary", 0, "odd"))
    results = report.gather(Run(tmp_path))
    assert results.metrics.empty and results.comparisons.empty
    assert {"model", "reference", "value", "p"} <= set(results.comparisons.columns)
    assert (results.curves, results.config, results.audited) == ((), "", False)


def test_words_stay_words(tmp_path):
    made_up.write(tmp_path)
    rows = pd.read_csv(tmp_path / "subgroups.csv").head(3)
    rows.assign(subgroup=["NA", "None", "01"], label=[None, "0", "NA"]).to_csv(
        tmp_path / "subgroups.csv", index=False
    )
    found = report.gather(Run(tmp_path)).subgroups
    assert found["subgroup"].tolist() == ["NA", "None", "01"]
    assert found["label"].isna().tolist() == [True, False, False]
    assert found["label"].tolist()[1:] == ["0", "NA"]
    assert found["note"].tolist() == ["", "", ""]


def test_a_summary_that_is_not_yet_written_can_be_given(tmp_path):
    made_up.write(tmp_path)
    (tmp_path / "summary.json").unlink()
    with pytest.raises(ValueError, match=r"must hold summary\.json"):
        report.gather(Run(tmp_path))
    given = made_up.summary("binary", 5, "given")
    report.write(Run(tmp_path), given)
    assert "<h1>given</h1>" in (tmp_path / "report.html").read_text("utf-8")
    assert "# given" in (tmp_path / "card.md").read_text("utf-8")
    assert not (tmp_path / "summary.json").exists()


def test_a_table_without_a_column_is_refused_by_name(tmp_path):
    made_up.write(tmp_path)
    pd.DataFrame({"model": ["a"]}).to_csv(tmp_path / "balance.csv", index=False)
    with pytest.raises(
        ValueError, match=r"balance\.csv must have the columns"
    ) as error:
        report.gather(Run(tmp_path))
    message = str(error.value)
    assert "without split, quantity, modality, metric, value" in message
    assert "Run the experiment again" in message


def test_damaged_json_is_refused_by_name(tmp_path):
    made_up.write(tmp_path)
    (tmp_path / "curves.json").write_text("[{")
    with pytest.raises(ValueError, match=r"curves\.json must be JSON"):
        report.gather(Run(tmp_path))


def test_numbers_over_seeds_are_means_and_paired_differences(tmp_path):
    results = report.gather(Run(made_up.over_seeds(tmp_path)))
    rows = pd.read_csv(tmp_path / "seeds.csv")
    own = rows[rows["reference"].isna()]
    np.testing.assert_array_equal(results.scores["value"], own["mean"])
    paired = rows["mean"][len(own) :]
    np.testing.assert_array_equal(results.differences["value"], paired)
    assert set(results.differences["method"]) == {"paired over seeds"}
    assert results.summary["metric"] == "auroc"  # of the first seed
    assert results.summary["seeds"] == [0, 1, 2]
    assert results.config.startswith("name: odd")


def test_models_that_answer_other_samples_are_told_apart_over_seeds_too(tmp_path):
    results = report.gather(Run(made_up.over_seeds(tmp_path)))
    table = report.headline(results.summary, results.scores)["best"]
    assert table.index.tolist() == ["student", "no_kd", "teachers"]
    assert table.columns[0] == "all (3 seeds)"
    assert standing(results).index.tolist() == ["student", "no_kd", "teachers"]


def test_a_page_over_seeds_has_spread_and_links_to_each(tmp_path):
    folder = made_up.over_seeds(tmp_path)
    page = report.page(report.gather(Run(folder)))
    assert 'id="over-the-seeds"' in page
    assert '<a href="seed-2/report.html">' in page
    assert "seeds 0, 1, 2" in page and "All metrics" not in page
    assert "AUROC, fusion (3 seeds)" in page
    row = pd.read_csv(folder / "seeds.csv").iloc[0]
    spread = f'{row["mean"]:.3f} <span class="ci">[{row["low"]:.2f}, {row["high"]:.2f}]'
    assert f"{spread}</span></td><td>0.010</td><td>3</td>" in page


def test_a_table_without_rows_is_as_if_it_were_absent(tmp_path):
    made_up.write(tmp_path)
    (tmp_path / "comparisons.csv").write_text("seed\n")
    (tmp_path / "subgroups.csv").write_text("\n")
    results = report.gather(Run(tmp_path))
    assert results.comparisons.empty and results.subgroups.empty
    page = report.page(results)
    assert "paired-differences" not in page and 'id="subgroups"' not in page
