"""The examples are what a reader runs: they are run here, and their claim checked."""

import os
import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def test_own_student_and_own_teachers_work_in_ten_lines(capsys):
    text = (EXAMPLES / "own_models.py").read_text()
    ten = text.split("# The ten lines.\n")[1].split("\n\n")[0]
    assert len(ten.splitlines()) == 10
    done = runpy.run_path(os.fspath(EXAMPLES / "own_models.py"))
    table = done["table"]
    assert set(table["head"]) == {"best", "error", "fusion", "mean", "pair", "worst"}
    assert set(table["pattern"]) == {"all", *done["data"].test.patterns}
    assert table.query("head == 'pair' and pattern == 'all'")["value"].item() > 0.8
    assert "pair" in capsys.readouterr().out


def test_what_the_readme_shows_in_python_runs(capsys):
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert sorted(names["part"].output) == ["serum"]
    assert "serum+vitals" in capsys.readouterr().out
