"""The page in a real browser, where there is one: no error, no request, in sight.

Chromium prints the document after its layout; a probe that is added to a copy of the
page writes what it measured into the document's title.
"""

import json
import re
import shutil
import subprocess

import pytest
from report import made_up

from mind_keras import report
from mind_keras.artifact import Run

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH")
# A frame is as narrow as a phone; the window of a browser is not.
PROBE = """
<iframe id="f" style="border:0" width="{width}" height="{height}" src="report.html">
</iframe><script>onload = () => {{
  const page = document.getElementById("f").contentDocument;
  const box = e => e.getBoundingClientRect();
  const plots = [...page.querySelectorAll("svg.plot")].map(box);
  document.title = JSON.stringify({{
    bottom: box(page.querySelector("#headline .scroll")).bottom,
    wide: page.documentElement.scrollWidth, plots: plots.length,
    hidden: plots.filter(b => b.width < 200 || b.height < 150).length,
    loaded: page.defaultView.performance.getEntriesByType("resource").length,
  }});
}}</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = made_up.write(tmp_path_factory.mktemp("chromium"))
    report.write(Run(folder))
    return folder


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_headline_is_on_the_first_screen_and_all_plots_are_seen(
    folder, width, height
):
    probe = folder / f"probe-{width}.html"
    probe.write_text(PROBE.format(width=width, height=height))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--allow-file-access-from-files", "--enable-logging=stderr"]
    command += [f"--user-data-dir={folder / 'profile'}", "--window-size=1400,900"]
    done = subprocess.run(
        [*command, probe.as_uri()], capture_output=True, text=True, timeout=120
    )
    found = json.loads(re.search("<title>(.*?)</title>", done.stdout)[1])
    assert found["bottom"] < height
    assert found["wide"] <= width
    assert (found["plots"], found["hidden"], found["loaded"]) == (17, 0, 0)
    assert "CONSOLE" not in done.stderr
