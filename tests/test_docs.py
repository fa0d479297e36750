"""What the documents say of the code is so: their tables, commands and examples."""

import functools
import inspect
import math
import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from pages import ROOT, table_of
from PIL import Image
from twin import twin

from mind_keras.cli import app
from mind_keras.config import read_config
from mind_keras.data.adapters.long_format import from_long
from mind_keras.data.adapters.medfuse import from_medfuse
from mind_keras.data.audit import CHECKS, audit
from mind_keras.data.audit.cohort import PUBLISHED
from mind_keras.data.mimic import rules
from mind_keras.data.mimic.codes import load_codes
from mind_keras.data.mimic.columns import LAYOUTS, names
from mind_keras.data.mimic.extract import extract
from mind_keras.data.mimic.extraction import (
    IMAGE_COLUMNS,
    SAMPLE_COLUMNS,
    Extraction,
    read_extraction,
)
from mind_keras.data.mimic.options import Options
from mind_keras.data.mimic.partition import FRACTIONS
from mind_keras.data.mimic.phenotypes import PHENOTYPES
from mind_keras.data.mimic.reading import MOST_BAD
from mind_keras.data.mimic.variables import ITEMS, LAB_ITEMS, NAMES, RANGES
from mind_keras.data.sources import SOURCES

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
ICU = (ROOT / "docs" / "icu_data.md").read_text("utf-8")
PROSE = " ".join(ICU.split())


table = functools.partial(table_of, ICU)


def numbers(cell: str) -> tuple[int, ...]:
    return tuple(int(number.replace(",", "")) for number in re.findall("[0-9,]+", cell))


@functools.cache
def extraction(task: str, reference: str | None) -> Extraction:
    root = twin()
    options = Options(
        mimic_iv=root / "mimic-iv",
        mimic_cxr=root / "mimic-cxr-jpg",
        task=task,
        reference=reference,
        image_size=32,
    )
    return extract(Path(tempfile.mkdtemp(dir=root.parent)) / "x", options)


# --- tables ---


def test_variables_have_the_items_and_ranges_of_the_code():
    rows = table("variable", "chartevents", "labevents", "unit", "plausible")
    assert [row["variable"] for row in rows] == [*NAMES]
    for row in rows:
        name = row["variable"]
        assert re.findall(r"\d+", row["chartevents"]) == [*map(str, ITEMS[name])]
        labs = LAB_ITEMS.get(name, ())
        assert re.findall(r"\d+", row["labevents"]) == [*map(str, labs)]
        low, high = row["plausible"].split(" to ")
        low = math.nextafter(0, 1) if low == "> 0" else float(low)
        assert (low, float(high)) == RANGES[name], name


def test_columns_are_as_many_and_begin_with_the_value_of_the_code():
    rows = table("variable", "`reference76`", "`compact`", "before the first value")
    assert [row["variable"] for row in rows] == [*NAMES]
    for row in rows:
        normal = row["before the first value"].split("; compact: ")
        for layout, told in zip(LAYOUTS, (normal[0], normal[-1]), strict=True):
            channel = LAYOUTS[layout][row["variable"]]
            assert int(row[f"`{layout}`"]) == channel.width
            same = told == str(channel.normal)
            assert same or float(told) == float(channel.normal), row
    for layout in LAYOUTS:
        total = sum(int(row[f"`{layout}`"]) for row in rows) + len(NAMES)
        assert total == len(names(layout))
        assert re.search(rf"`{layout}`, (the published )?{total}\b", PROSE)


def test_phenotypes_are_those_of_the_code():
    rows = table("#", "phenotype", "CCS", "type")
    told = [(r["#"], r["phenotype"], r["CCS"], r["type"]) for r in rows]
    assert told == [
        (str(k), p.name, str(p.ccs), p.family) for k, p in enumerate(PHENOTYPES, 1)
    ]
    kinds = load_codes().table["kind"].value_counts()
    assert f"has {kinds['code']:,} codes and {kinds['prefix']} prefixes" in PROSE


def test_checks_of_the_audit_are_those_of_the_code_and_say_the_same():
    rows = table("check", "what must hold", "what it catches")
    assert [row["check"].strip("`") for row in rows] == [*CHECKS]
    findings = audit(extraction("mortality", None)).findings
    assert [row["what must hold"] for row in rows] == [f.rule for f in findings]
    assert all(row["what it catches"] for row in rows)


@pytest.mark.parametrize("task", ["mortality", "phenotyping"])
@pytest.mark.parametrize("reference", rules.REFERENCES)
def test_steps_of_the_cohort_are_those_of_the_code_in_order(task, reference):
    rows = table("step", "mortality", "phenotyping")
    column = task if reference is None else f"{task}, {reference}"
    told = sorted((int(row[column]), row["step"]) for row in rows if row[column])
    made = extraction(task, reference).manifest["exclusions"]
    assert told == [(k, step["step"]) for k, step in enumerate(made, 1)]
    assert len(rules.STEPS[reference, rules.ICUTask(task)]) < len(told)


def test_every_step_that_there_is_is_told():
    assert len(rules.STEPS) == len(table("step", "mortality")[0]) - 1


def test_columns_of_the_extraction_are_those_of_the_code():
    for number, columns in enumerate((SAMPLE_COLUMNS, IMAGE_COLUMNS)):
        rows = table("column", "type", "what", number=number)
        assert [row["column"].strip("`") for row in rows] == [*columns]
    made = extraction("mortality", None)
    files = {row["file"].strip("`") for row in table("file", "holds")}
    assert files == {path.name for path in made.path.iterdir()}


def test_shares_of_splits_and_of_bad_cells_are_those_of_the_code():
    assert f"`--fractions {' '.join(map(str, FRACTIONS))}`" in PROSE
    assert f"up to {MOST_BAD:.0%}".replace("%", " %") in PROSE


def test_published_counts_are_those_that_the_audit_prints():
    rows = table("cohort", "train", "validation", "test")
    told = {
        tuple(numbers(row[split])[0] for split in ("train", "validation", "test"))
        for row in rows
    }
    assert told >= {
        counts for cohort in PUBLISHED.values() for counts in cohort.values()
    }
    assert "published, not verified by us" in PROSE


# --- commands ---


def commands(text: str) -> Iterator[str]:
    """What a page tells people to type, in blocks and within lines."""
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.DOTALL):
        for line in re.split(r"&&|\n", block.replace("\\\n", " ")):
            if line.strip().startswith("mind-keras"):
                yield line.strip()
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for line in re.findall(r"`(mind-keras [^`]+)`", prose):
        # What may be left out is in brackets.
        yield re.sub(r"[\[\]\n]", " ", line)


def parse(line: str) -> dict:
    """The arguments of a command; an error if it is none, or has no such option."""
    words = shlex.split(line)[1:]
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup):
        if not words or words[0] not in command.commands:
            raise ValueError(f"No such command: {line}")
        command = command.commands[words.pop(0)]
    # A command that is only named.
    return command.make_context("", words).params if words else {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_can_be_typed(page):
    for line in commands(page.read_text("utf-8")):
        try:
            params = parse(line)
        except Exception as error:
            raise AssertionError(f"{line}: {error}") from error
        if "config" in params and (ROOT / params["config"]).is_file():
            config = read_config(ROOT / params["config"], params["set_"])
            known = inspect.signature(SOURCES[config.data.source]).parameters
            told = re.findall(r"^data\.(\w+)=", "\n".join(params["set_"]), re.MULTILINE)
            assert {*told} <= {*known, "source"}, line
        elif "config" in params:
            assert params["config"] == Path("CONFIG"), line


def test_a_command_with_a_wrong_option_or_value_is_found():
    for line in (
        "mind-keras data audit x --accepted y",
        "mind-keras data extract --mimic-iv a --output b --task sepsis",
        "mind-keras data extract --mimic-iv a",
        "mind-keras data adit x",
        "mind-keras data",
    ):
        with pytest.raises(Exception, match=r"(?i)no such|invalid|is not|missing"):
            parse(line)


def test_the_page_shows_the_commands_that_it_is_about():
    found = [parse(line) for line in commands(ICU)]
    assert sum(bool(params) for params in found) >= 10
    assert {"mimic_iv", "pretraining", "icd9", "events", "stays"} <= {
        name for params in found for name in params
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


# --- examples ---


def write_examples(folder: Path) -> Sequence[Path]:
    """The files that the page shows, where it says they are."""
    form = r"^`([^`\n]+\.csv)`(?:(?!\n\n).)*\n\n```csv\n(.*?)```"
    shown = re.findall(form, ICU, re.DOTALL | re.MULTILINE)
    for name, text in shown:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return [folder / name for name, _ in shown]


def test_the_files_that_are_shown_can_be_imported(tmp_path):
    assert len(write_examples(tmp_path)) == 8
    (tmp_path / "2150").mkdir()
    Image.new("L", (40, 50), 90).save(tmp_path / "2150" / "7-a.png")
    made = from_long(
        tmp_path / "events.csv",
        tmp_path / "stays.csv",
        tmp_path / "long",
        images=tmp_path / "images.csv",
        image_size=8,
    )
    assert made.samples["image"].tolist() == [0, -1, -1]
    assert made.samples["split"].tolist() == ["train", "validation", "test"]
    values = made.series[~np.isnan(made.series)]
    assert values.tolist() == pytest.approx([88, 37, 4, 0.4])
    made = from_medfuse(tmp_path / "medfuse", tmp_path / "imported", task="mortality")
    assert made.labels["death"].tolist() == [0, 1]
    assert np.isfinite(made.series).sum() == 16
    assert read_extraction(made.path).samples["prediction_time"].notna().all()


def test_published_rules_violate_what_the_page_says_they_do():
    found = extraction("mortality", "medfuse")
    samples = found.samples.assign(label_time=found.samples["prediction_time"])
    violated = [f.check for f in audit(replace(found, samples=samples)).violations]
    assert violated == ["label_time"]
    assert "violation of `label_time`" in PROSE
