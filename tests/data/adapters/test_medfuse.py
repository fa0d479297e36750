"""A published extraction becomes ours: hour by hour what plain Python reads in it."""

import csv
import math
import shutil

import numpy as np
import pandas as pd
import pytest
from data.adapters import published
from PIL import Image

from mind_keras.data.adapters import medfuse_series
from mind_keras.data.adapters.medfuse import from_medfuse
from mind_keras.data.adapters.medfuse_tables import read_listfiles
from mind_keras.data.mimic import partition
from mind_keras.data.mimic.extraction import read_extraction
from mind_keras.data.mimic.tasks import ICUTask

NAN = float("nan")


def slow_grid(rows, limit, hours):
    """Hour by hour what a stay's rows say: the discretiser's rule in plain Python."""
    grid = [[NAN] * 17 for _ in range(hours)]
    for row in sorted(rows, key=lambda row: float(row[0])):
        time = float(row[0])
        hour = int(time / 1.0 - 1e-6)
        if time > limit + 1e-6 or hour >= hours:
            continue
        for k in range(1, 18):
            if row[k] != "":
                known = published.TEXTS.get(k, {})
                value = known[row[k]] if row[k] in known else float(row[k])
                grid[hour][k - 1] = value
    return grid


@pytest.fixture(scope="module")
def mortality(tmp_path_factory):
    folder = tmp_path_factory.mktemp("medfuse")
    return folder, published.write(folder, "mortality")


@pytest.fixture(scope="module")
def phenotyping(tmp_path_factory):
    folder = tmp_path_factory.mktemp("medfuse")
    return folder, published.write(folder, "phenotyping", seed=1)


def kept(stays):
    """Stays with at least one value; the others have neither hours nor an image."""
    return [s for s in stays if any(cell for row in s["rows"] for cell in row[1:])]


def check_hours(found, stays, hours):
    for number, stay in enumerate(stays):
        limit = stay["period"] or 48
        rows = int(limit + 1 - 1e-6) if hours is None else min(hours, math.ceil(limit))
        sample = found.samples.iloc[number]
        assert (sample["stay_id"], sample["hours"]) == (stay["stay_id"], rows)
        expected = slow_grid(stay["rows"], limit, rows)
        actual = found.grid(np.array([number]), rows)[0]
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
        assert sample["has_ehr"] == (not np.isnan(expected).all())
    assert len(found.series) == found.samples["hours"].sum()


def test_mortality_is_what_a_plain_reading_says(mortality, tmp_path, monkeypatch):
    monkeypatch.setattr(medfuse_series, "BLOCK", 11)
    folder, stays = mortality
    found = from_medfuse(folder, tmp_path / "out", task="mortality")
    stays = kept(stays)
    assert len(stays) < 40
    check_hours(found, stays, 48)
    assert found.task.labels == ("death",)
    assert found.labels["death"].tolist() == [s["labels"][0] for s in stays]
    assert found.labels["stay_id"].tolist() == [s["stay_id"] for s in stays]
    for name in ("split", "subject_id", "gender"):
        assert found.samples[name].tolist() == [s[name] for s in stays]
    assert found.samples["age_years"].tolist() == [s["anchor_age"] for s in stays]
    assert set(found.samples["care_unit"]) == {"MICU"}
    window = found.samples["prediction_time"] - found.samples["intime"]
    assert (window.dt.total_seconds() == 48 * 3600).all()
    dead = found.labels["death"].to_numpy() == 1
    expected = [s["deathtime"] or s["dischtime"] for s in stays]
    assert found.samples["label_time"].astype(str).tolist() == expected
    assert dead.any() and set(found.samples["image"]) == {-1}


@pytest.mark.parametrize("hours", [None, 48, 60])
def test_phenotyping_is_what_a_plain_reading_says(phenotyping, tmp_path, hours):
    folder, stays = phenotyping
    found = from_medfuse(
        folder / "phenotyping", tmp_path / "out", task="phenotyping", hours=hours
    )
    read = found.samples.set_index("stay_id")
    # `all_stays.csv` is found in the folder above.
    stays = [s for s in stays if s["stay_id"] in read.index]
    assert len(stays) == len(found.samples) > 20
    check_hours(found, stays, hours)
    labels = found.labels.drop(columns="stay_id")
    assert labels.columns.tolist() == published.phenotypes()
    np.testing.assert_array_equal(labels, [s["labels"] for s in stays])
    window = read["intime"] + pd.Timedelta(hours=hours or 1000)
    expected = np.minimum(window, read["outtime"])
    assert (read["prediction_time"] == expected).all()
    assert found.samples["label_time"].astype(str).tolist() == [
        s["dischtime"] for s in stays
    ]


def test_stays_without_an_id_are_found_by_their_episode(tmp_path):
    stays = kept(published.write(tmp_path / "a", "mortality", with_id=False))
    found = from_medfuse(tmp_path / "a", tmp_path / "out", task="mortality")
    assert found.samples["stay_id"].tolist() == [s["stay_id"] for s in stays]
    assert any("episode2" in s["file"] for s in stays)
    shutil.rmtree(tmp_path / "a/root")
    found = from_medfuse(tmp_path / "a", tmp_path / "none", task="mortality")
    made = [
        s["subject_id"] * 1000 + int(s["file"].split("episode")[1][0]) for s in stays
    ]
    assert found.samples["stay_id"].tolist() == made
    assert found.samples[["intime", "prediction_time", "label_time"]].isna().all().all()


def test_without_a_list_for_validation_patients_of_training_validate(tmp_path):
    stays = published.write(tmp_path / "a", "mortality", stays=150, validation=False)
    found, _ = read_listfiles(tmp_path / "a", ICUTask.MORTALITY)
    split = found.set_index("stay_id")["split"]
    spared = partition.assign([stay["subject_id"] for stay in stays]) == "validation"
    for stay, yes in zip(stays, spared, strict=True):
        train = "validation" if yes else "train"
        assert split[stay["stay_id"]] == ("test" if stay["split"] == "test" else train)
    assert 0 < (split == "validation").sum() < spared.sum() < 40


def test_lists_may_lie_in_the_folders_of_their_parts(mortality, tmp_path):
    folder, stays = mortality
    shutil.copytree(folder, tmp_path / "a")
    base = tmp_path / "a/in-hospital-mortality"
    for part in ("train", "test"):
        (base / f"{part}_listfile.csv").rename(base / part / "listfile.csv")
    found = from_medfuse(tmp_path / "a", tmp_path / "out", task="mortality")
    assert found.samples["split"].tolist() == [s["split"] for s in kept(stays)]
    assert sorted(found.manifest["inputs"]) == [
        "all_stays.csv",
        "test/listfile.csv",
        "train/listfile.csv",
        "val_listfile.csv",
    ]


def small(folder, rows, **options):
    """One patient each to train, validate and test; the first with these rows."""
    stays = published.write(folder, "mortality", stays=7, **options)
    train = next(s for s in stays if s["split"] == "train")
    path = folder / "in-hospital-mortality/train" / train["file"]
    published.write_csv(path, [published.HEADER, *rows])
    return train["stay_id"]


def row(hour, **cells):
    line = dict.fromkeys(published.HEADER, "") | {"Hours": hour}
    return list((line | {k.replace("_", " "): v for k, v in cells.items()}).values())


def first(found, stay):
    number = found.samples["stay_id"].tolist().index(stay)
    return found.grid(np.array([number]), 48)[0]


def test_the_last_event_of_a_bin_wins_and_a_full_hour_ends_its_bin(tmp_path):
    rows = [row("3.0", pH="7.1"), row("3.5", pH="7.3"), row("3.2", pH="7.2")]
    rows += [row("0.0", pH="7.4"), row("48.0", pH="6.9"), row("48.1", pH="6.5")]
    rows += [row("3.5", Height="170"), row("5", pH="7.5"), row("5", pH="7.6")]
    rows += [row("-1", pH="7")]
    stay = small(tmp_path / "a", rows)
    found = from_medfuse(tmp_path / "a", tmp_path / "out", task="mortality")
    grid = first(found, stay)
    expected = {0: 7.4, 2: 7.1, 3: 7.3, 4: 7.6, 47: 6.9}
    assert np.flatnonzero(~np.isnan(grid[:, 16])).tolist() == [*expected]
    np.testing.assert_allclose(grid[[*expected], 16], [*expected.values()], rtol=1e-6)
    assert np.flatnonzero(~np.isnan(grid[:, 9])).tolist() == [3]
    counts = found.manifest["counts"]
    late = [
        cell != ""
        for path in (tmp_path / "a").rglob("*_timeseries.csv")
        for line in csv.reader(path.read_text().splitlines())
        if line[0] != "Hours" and not 0 <= float(line[0]) <= 48
        for cell in line[1:]
    ]
    assert counts["values"]["outside"] == sum(late) > 2
    assert counts["values"]["read"] == counts["values"]["kept"] + sum(late)


def test_values_are_cleaned_on_request_alone(tmp_path):
    rows = [row("1", Heart_Rate="999", Temperature="98.6", Weight="70")]
    stay = small(tmp_path / "a", rows)
    plain = from_medfuse(tmp_path / "a", tmp_path / "out", task="mortality")
    np.testing.assert_allclose(
        first(plain, stay)[0, [8, 14, 15]], [999, 98.6, 70], 1e-6
    )
    found = from_medfuse(tmp_path / "a", tmp_path / "o", task="mortality", clean=True)
    np.testing.assert_allclose(first(found, stay)[0, [8, 14, 15]], [NAN, 37, 70], 1e-6)
    assert found.manifest["counts"]["values"]["implausible"] > 0
    assert found.manifest["options"]["clean"] is True


def test_unreadable_values_are_missing_and_counted_up_to_a_limit(tmp_path):
    rows = [row("1", Heart_Rate="ERROR", pH="7.4"), row("x", pH="7.5")]
    stay = small(tmp_path / "a", rows)
    found = from_medfuse(tmp_path / "a", tmp_path / "out", task="mortality")
    assert found.manifest["counts"]["values"]["bad"] == 2
    assert np.isnan(first(found, stay)[:, 8]).all()
    assert np.nansum(first(found, stay)) == np.float32(7.4)
    with pytest.raises(
        ValueError, match=r"At most 0.1% of the values.*2 of \d+.*raise"
    ):
        from_medfuse(tmp_path / "a", tmp_path / "o", task="mortality", most_bad=0.001)


def test_patients_who_died_within_the_window_are_left_out_unless_asked(tmp_path):
    stays = published.write(tmp_path / "a", "mortality", stays=12)
    path = tmp_path / "a/root/all_stays.csv"
    dead = next(s["stay_id"] for s in kept(stays) if s["labels"] == [1])
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    row = next(line for line in lines if line["stay_id"] == str(dead))
    row["deathtime"] = row["intime"][:11] + "23:59:59"
    rows = [[*lines[0]], *([*line.values()] for line in lines)]
    published.write_csv(path, rows)
    found = from_medfuse(tmp_path / "a", tmp_path / "out", task="mortality")
    everybody = from_medfuse(
        tmp_path / "a", tmp_path / "all", task="mortality", alive=False
    )
    lost = set(everybody.samples["stay_id"]) - set(found.samples["stay_id"])
    assert lost == {dead}
    steps = found.manifest["exclusions"]
    assert [s["removed"] for s in steps[:2]] == [0, 1]
    assert steps[0] == {"step": "listed", "removed": 0, "left": 12}
    assert steps[-1]["left"] == len(found.samples)


NAME = "-".join(["0a1b2c3d"] * 5)


def cxr(root, stay, hours_after):
    """A folder of MIMIC-CXR-JPG with images of one patient; those of 100 h corrupt."""
    lines = ["dicom_id,subject_id,study_id,ViewPosition,StudyDate,StudyTime"]
    begin = np.datetime64(stay["intime"].replace(" ", "T"))
    for number, hours in enumerate(hours_after):
        time = published.text(begin + np.timedelta64(int(hours * 60), "m"))
        date, clock = time.replace("-", "").replace(":", "").split()
        name = f"{number}{NAME[1:]}"
        lines.append(f"{name},{stay['subject_id']},5000000{number},AP,{date},{clock}.5")
        subject = f"files/p10/p{stay['subject_id']}/s5000000{number}"
        (root / subject).mkdir(parents=True)
        if hours == 30:
            (root / subject / f"{name}.jpg").write_bytes(b"\xff\xd8 cut")
        else:
            Image.new("L", (40, 30), 10 * number).save(root / subject / f"{name}.jpg")
    (root / "mimic-cxr-2.0.0-metadata.csv").write_text("\n".join(lines) + "\n")
    return root


def test_images_are_paired_within_the_window(tmp_path):
    stays = published.write(tmp_path / "a", "mortality", stays=12)
    stay = next(s for s in kept(stays) if s["split"] == "test")
    root = cxr(tmp_path / "cxr", stay, [5, 20, 100])
    options = {"task": "mortality", "cxr_root": root, "image_size": 16}
    found = from_medfuse(tmp_path / "a", tmp_path / "out", **options)
    has = found.samples["image"] >= 0
    assert found.samples.loc[has, "stay_id"].tolist() == [stay["stay_id"]]
    assert found.images.shape == (1, 16, 16) and set(found.images.ravel()) == {10}
    (image,) = found.image_table.to_dict("records")
    assert (image["dicom_id"][0], image["view"], image["image"]) == ("1", "AP", 0)
    assert image["subject_id"] == stay["subject_id"]
    assert not list((tmp_path / "out").glob("*.journal"))
    assert read_extraction(tmp_path / "out").manifest == found.manifest
    early = cxr(tmp_path / "early", stay, [-3])
    for hours, count in ((2, 0), (4, 1)):
        options |= {"cxr_root": early, "lookback_hours": hours}
        found = from_medfuse(tmp_path / "a", tmp_path / f"{hours}", **options)
        assert len(found.images) == count
        assert found.manifest["options"]["lookback_hours"] == hours


def test_a_corrupt_image_leaves_the_stay_its_hours(tmp_path):
    stays = published.write(tmp_path / "a", "mortality", stays=12)
    stay = next(s for s in kept(stays) if s["split"] == "test")
    root = cxr(tmp_path / "cxr", stay, [5, 30])
    found = from_medfuse(
        tmp_path / "a", tmp_path / "out", task="mortality", cxr_root=root
    )
    assert len(found.samples) == len(kept(stays))
    assert (found.samples["image"] == -1).all()
    assert found.images.shape == (0, 256, 256) and len(found.image_table) == 0
    assert found.manifest["counts"]["image_files"]["corrupt"] == 1


def test_a_stay_with_an_image_alone_is_kept_and_one_with_nothing_is_not(tmp_path):
    stays = published.write(tmp_path / "a", "mortality", stays=12)
    base = tmp_path / "a/in-hospital-mortality"
    alone, nothing = [s for s in stays if s["split"] == "train"][:2]
    for stay in (alone, nothing):
        published.write_csv(base / "train" / stay["file"], [published.HEADER])
    root = cxr(tmp_path / "cxr", alone, [5])
    found = from_medfuse(
        tmp_path / "a", tmp_path / "out", task="mortality", cxr_root=root
    )
    sample = found.samples.set_index("stay_id").loc[alone["stay_id"]]
    assert not sample["has_ehr"] and sample["image"] == 0 and sample["hours"] == 48
    assert nothing["stay_id"] not in set(found.samples["stay_id"])
    assert len(found.series) == 48 * len(found.samples)


def broken(folder, change, task="mortality", **options):
    base = folder / "a/in-hospital-mortality"
    published.write(folder / "a", "mortality", stays=12)
    change(base)
    return from_medfuse(folder / "a", folder / "out", task=task, **options)


def edited(name, old, new):
    def change(base):
        path = base / name
        path.write_text(path.read_text().replace(old, new, 1))

    return change


def a_series(base):
    return sorted((base / "train").glob("*.csv"))[0]


def header_only(base):
    path = a_series(base)
    path.write_text(path.read_text().replace(",pH", ",lactate", 1))


def ragged(base):
    with a_series(base).open("a") as file:
        file.write("1.0,,\n")


def listed_twice(base):
    path = base / "train_listfile.csv"
    text = path.read_text()
    path.write_text(text + text.splitlines()[1] + "\n")


def both_lists(base):
    name = (base / "train_listfile.csv").read_text().splitlines()[1].split(",")[0]
    patient = name.split("_")[0]
    line = f"{patient}_episode9_timeseries.csv,0,31000000,1\n"
    with (base / "test_listfile.csv").open("a") as file:
        file.write(line)


def told_twice(base):
    path = base / STAYS
    text = path.read_text()
    path.write_text(text + text.splitlines()[-1] + "\n")


STAYS = "../root/all_stays.csv"
FAULTS = {
    "stay twice": (told_twice, r"all_stays.csv must have one row per stay.*1 again"),
    "no list": (
        lambda b: (b / "test_listfile.csv").unlink(),
        r"its test samples.*none",
    ),
    "no column": (
        edited("val_listfile.csv", "y_true", "y"),
        r"val_l.*\['y_true'\]; it",
    ),
    "no series": (lambda b: a_series(b).unlink(), r"no file .*episode1_timeseries.csv"),
    "no variable": (header_only, r"17 variables.*without \['pH'\]"),
    "no hours": (
        lambda b: edited(a_series(b), "Hours", "h")(b),
        r"without \['Hours'\]",
    ),
    "ragged": (ragged, r"must have 18 cells.*damaged"),
    "path": (
        edited("train_listfile.csv", "\n1", "\n../1"),
        r"without a folder.*'\.\./1",
    ),
    "twice": (listed_twice, r"listed once.*1 again, such as 1"),
    "both": (both_lists, r"No patient.*1 who are, such as 1"),
    "no time": (edited(STAYS, "intime", "begin"), r"none named \['intime'\]"),
    "other stays": (edited(STAYS, ",300", ",990"), r"1 that are not, such as 1\d+_ep"),
    "label": (
        edited("test_listfile.csv", ",0\n", ",2\n"),
        r"0 or 1.*1 others, such as 2",
    ),
    "label blank": (edited("test_listfile.csv", ",0\n", ",\n"), r"0 or 1.*such as nan"),
}


@pytest.mark.parametrize(("change", "message"), FAULTS.values(), ids=FAULTS)
def test_a_broken_extraction_is_refused_by_name(tmp_path, change, message):
    with pytest.raises(ValueError, match=message.replace("\n", "")):
        broken(tmp_path, change)
    assert not (tmp_path / "out/manifest.json").exists()


def test_arguments_are_checked(tmp_path):
    nothing = lambda base: None  # noqa: E731
    with pytest.raises(ValueError, match=r"Known: \['mortality', 'phenotyping'\]"):
        broken(tmp_path, nothing, task="sepsis")
    folder, out = tmp_path / "a", tmp_path / "out"
    with pytest.raises(ValueError, match=r"must list its train.*\['in-hospital-mort"):
        from_medfuse(folder, out, task="phenotyping")
    with pytest.raises(
        ValueError, match=r"no file nowhere.csv. Give it as `all_stays="
    ):
        from_medfuse(folder, out, task="mortality", all_stays="nowhere.csv")
    shutil.rmtree(folder / "root")
    with pytest.raises(ValueError, match=r"Images are paired.*root/all_stays.csv or "):
        from_medfuse(folder, out, task="mortality", cxr_root=tmp_path)
    from_medfuse(folder, out, task="mortality")
    with pytest.raises(ValueError, match=r"new or empty.*out, a finished extraction"):
        from_medfuse(folder, out, task="mortality")
    with pytest.raises(ValueError, match=r"a, with \['in-hospital-mortality'\]"):
        from_medfuse(folder, folder, task="mortality")


def test_what_an_interruption_left_is_written_over(mortality, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("samples.csv", "images.npy.journal", ".images.npy.part"):
        (out / name).write_text("half")
    # Whose files are these? Nobody's, unless the folder says so.
    with pytest.raises(ValueError, match=r"new or empty folder.*samples.csv"):
        from_medfuse(mortality[0], out, task="mortality")
    (out / ".unfinished").touch()
    found = from_medfuse(mortality[0], out, task="mortality")
    assert len(found.samples) == len(kept(mortality[1]))
