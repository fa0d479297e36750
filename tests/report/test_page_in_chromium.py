"""The page in a real browser, where there is one: no error, no request, in sight.

Chromium prints the document after its layout. The page is in a frame as wide as a desk
or a phone; around it a probe writes what it measured into the title of its own page.
"""

import json
import re
import shutil
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from report import made_up
from report.test_page import PLOTS

from mind_keras import report
from mind_keras.artifact import Run

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"none of {', '.join(NAMES)} is on PATH"
)
PROBE = """
<iframe id="f" style="border:0" width="{width}" height="{height}" src="{page}">
</iframe><script>onload = () => {{
  const page = document.getElementById("f").contentDocument;
  const box = e => e.getBoundingClientRect();
  const first = page.querySelector("#headline .scroll");
  const plots = [...page.querySelectorAll("svg.plot")].map(box);
  document.title = JSON.stringify({{
    bottom: first && box(first).bottom,
    rows: first && first.querySelectorAll("tbody tr").length,
    wide: page.documentElement.scrollWidth, plots: plots.length,
    hidden: plots.filter(b => b.width < 200 || b.height < 150).length,
    cut: plots.filter(b => b.left < 0 || b.right > {width}).length,
    loaded: page.defaultView.performance.getEntriesByType("resource").length,
  }});
}}</script>
"""
RIVALS = tuple(f"size_of_teacher_{k}" for k in range(9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The page of a run with more models than its first table shows."""
    folder = made_up.write(tmp_path_factory.mktemp("chromium"))
    rows = json.loads((folder / "metrics.json").read_text())
    student = [row for row in rows if row["model"] == "student"]
    rows += [{**row, "model": name} for name in RIVALS for row in student]
    made_up.say(folder / "metrics.json", rows)
    summary = made_up.summary("binary", 0, "odd")
    costs = summary["models"][0]
    summary["models"] += [{**costs, "model": name} for name in RIVALS]
    made_up.say(folder / "summary.json", summary)
    report.write(Run(folder))
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(folder):
    """Where the folder is served: a browser counts no requests for plain files."""
    handler = partial(Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def probed(folder, address, page="report.html", width=1280, height=800):
    """What the probe measured, and what the browser said on its console."""
    probe = folder / f"probe-{page}-{width}.html"
    probe.write_text(PROBE.format(page=page, width=width, height=height))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--no-proxy-server", "--enable-logging=stderr"]
    command += [f"--user-data-dir={folder / 'profile'}", "--window-size=1400,900"]
    done = subprocess.run(
        [*command, f"{address}/{probe.name}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(re.search("<title>(.*?)</title>", done.stdout)[1])
    return found, re.findall(".*CONSOLE.*", done.stderr)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_headline_is_on_the_first_screen_and_all_plots_are_seen(
    folder, address, width, height
):
    found, said = probed(folder, address, width=width, height=height)
    assert found["rows"] == 8
    assert found["bottom"] <= height
    assert found["wide"] <= width
    assert (found["plots"], found["hidden"], found["cut"]) == (PLOTS, 0, 0)
    assert (found["loaded"], said) == (0, [])


def test_the_probe_sees_a_request_and_an_error(folder, address):
    (folder / "style.css").write_text("p { color: red; }")
    text = '<link rel="stylesheet" href="style.css"><script>throw Error("odd")</script>'
    (folder / "bad.html").write_text(text)
    found, said = probed(folder, address, "bad.html")
    assert found["loaded"] == 1
    assert any("odd" in line for line in said)
