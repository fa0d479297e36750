"""One pass over chartevents: seconds and memory of each engine, and of plain Python.

`python -m benchmarks.extraction` (`--rows 8 16` in millions, `--engines`). Synthetic
tables of the same 5,000 stays, 17 % of the rows of our items; each measurement is a
process of its own: CPU seconds of all its threads, wall seconds, peak memory. Plain
Python is `csv.DictReader`, a row at a time, with the same rules and the same grid
(checked); it runs on a share of the rows and is scaled to all of them.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.engines import ENGINES
from mind_keras.data.mimic.events import extract_series
from mind_keras.data.mimic.variables import ITEMS, TEXTS

STAYS, HOURS, RELEVANT, BLOCK = 5_000, 72, 0.17, 500_000
COLUMNS = (
    *("subject_id", "hadm_id", "stay_id", "caregiver_id", "charttime", "storetime"),
    *("itemid", "value", "valuenum", "valueuom", "warning"),
)
# Mean and standard deviation of what is charted, by variable; else 90, 15.
USUAL = {"Temperature": (98, 1), "pH": (7.4, 0.1), "Height": (170, 10)}
PLAIN = "csv.DictReader"
MILLION = 1_000_000


def main() -> None:
    """Print a table, a line per engine and size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=float, nargs="+", default=[8, 16])
    parser.add_argument("--engines", nargs="+", default=[*ENGINES], choices=[*ENGINES])
    parser.add_argument("--share", type=float, default=1.0, help="plain Python: M rows")
    parser.add_argument("--suffix", default=".csv.gz", choices=[".csv.gz", ".csv"])
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(*arguments.only)))
        return
    print("rows    engine          CPU s   wall s   peak MB   times less CPU   sum")
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder, "few")
        write(few, round(arguments.share * MILLION), arguments.suffix)
        plain = in_a_process(few, PLAIN)
        same = in_a_process(few, arguments.engines[0])
        if plain["sum"] != same["sum"]:
            raise AssertionError(f"Grids differ: {plain['sum']} and {same['sum']}.")
        for millions in arguments.rows:
            root = Path(folder, f"{millions:g}M")
            write(root, round(millions * MILLION), arguments.suffix)
            scale = millions / arguments.share
            cost = {**plain, "cpu": plain["cpu"] * scale, "wall": plain["wall"] * scale}
            show(millions, f"{PLAIN} *", cost, cost)
            for engine in arguments.engines:
                show(millions, engine, in_a_process(root, engine), cost)
    print(f"* {arguments.share:g} M rows, seconds scaled; memory and sum are of those.")


def show(millions: float, engine: str, result: dict, plain: dict) -> None:
    """Print a line."""
    times = plain["cpu"] / result["cpu"]
    print(
        f"{millions:3g} M   {engine:15}{result['cpu']:6.1f}   {result['wall']:6.1f}"
        f"   {result['peak']:7.0f}   {times:14.1f}   {result['sum']}",
        flush=True,
    )


def in_a_process(root: Path, engine: str) -> dict:
    """What a way costs, measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.extraction", "--only"]
    text = subprocess.check_output([*command, str(root), engine], text=True)
    return json.loads(text)


def measured(root: str, engine: str) -> dict:
    """Extract, and say what it took; imports count for memory, not for seconds."""
    stays = stay_table()
    before, start = used(), time.perf_counter()
    if engine == PLAIN:
        total, cells = plain_python(Path(root), stays)
    else:
        grid = extract_series(Path(root), stays, engine=engine).grid
        known = grid[~np.isnan(grid)]
        total, cells = float(known.sum(dtype="float64")), len(known)
    wall, cpu = time.perf_counter() - start, used() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "wall": wall, "peak": peak, "sum": f"{cells}: {total:.3f}"}


def used() -> float:
    """CPU seconds of this process and its threads, and of its children."""
    own, children = (
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def plain_python(root: Path, stays: pd.DataFrame) -> tuple[float, int]:
    """The grid by the slow reference of the tests."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data" / "mimic"))
    import slow_reference

    records = stays.to_dict("records")
    for record in records:
        record |= {name: record[name].to_pydatetime() for name in ("intime", "end")}
    grids, _ = slow_reference.extract(root, records)
    known = [x for grid in grids for row in grid for x in row if x is not None]
    return float(np.array(known, "float32").sum(dtype="float64")), len(known)


def stay_table() -> pd.DataFrame:
    """Stays of three days, one after the other."""
    number = np.arange(STAYS)
    start = np.datetime64("2150-01-01 00:00:00", "s") + number * 86_400
    stays = {"stay_id": 30_000_000 + number, "subject_id": 10_000_000 + number}
    return pd.DataFrame(stays | {"intime": start, "end": start + HOURS * 3600})


def write(root: Path, rows: int, suffix: str) -> None:
    """A chartevents table, roughly by stay, as MIMIC's; pieces by two processes."""
    (root / "icu").mkdir(parents=True)
    sizes = [min(BLOCK, rows - done) for done in range(0, rows, BLOCK)]
    jobs = [(k, size, len(sizes), suffix) for k, size in enumerate(sizes)]
    header = ",".join(COLUMNS).encode() + b"\n"
    path = root / "icu" / f"chartevents{suffix}"
    with path.open("wb") as file, multiprocessing.get_context("spawn").Pool(2) as pool:
        file.write(packed(header, suffix))
        for piece in pool.imap(lines, jobs):
            file.write(piece)


def packed(text: bytes, suffix: str) -> bytes:
    """A member of a gzip file, or the text itself."""
    if suffix == ".csv":
        return text
    packer = zlib.compressobj(6, wbits=31)
    return packer.compress(text) + packer.flush()


def lines(job: tuple[int, int, int, str]) -> bytes:
    """Some rows, of the stays that are their share."""
    number, size, of, suffix = job
    draw = np.random.default_rng(number)
    first, last = number * STAYS // of, max(1, (number + 1) * STAYS // of)
    stay = draw.integers(first, max(last, first + 1), size)
    table = pd.DataFrame(
        {"subject_id": 10_000_000 + stay, "hadm_id": 20_000_000 + stay}
    )
    table["stay_id"] = 30_000_000 + stay
    table["caregiver_id"] = draw.integers(1_000, 99_999, size)
    minute = draw.integers(0, HOURS * 60, size) * 60
    intime = stay_table()["intime"].to_numpy()[stay]
    for name, delay in (("charttime", 0), ("storetime", 1_200)):
        table[name] = np.char.replace((intime + minute + delay).astype(str), "T", " ")
    item, value, valuenum = events(draw, size)
    table = table.assign(itemid=item, value=value, valuenum=valuenum)
    table["valueuom"] = "mmHg"
    table["warning"] = 0
    text = table[[*COLUMNS]].to_csv(index=False, header=False, lineterminator="\n")
    return packed(text.encode(), suffix)


def events(draw: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
    """Items and their cells: ours with plausible values, others with any."""
    ours = [(item, name) for name, items in ITEMS.items() for item in items]
    others = np.arange(224_700, 225_300)
    others = others[~np.isin(others, [item for item, _ in ours])]
    item = draw.choice(others, size)
    text = np.round(draw.normal(90, 15, size), 1).astype("U24")
    relevant = np.flatnonzero(draw.random(size) < RELEVANT)
    place = draw.integers(0, len(ours), len(relevant))
    item[relevant] = np.array([number for number, _ in ours])[place]
    valuenum = text.copy()
    for number, (_, name) in enumerate(ours):
        rows = relevant[place == number]
        if name in TEXTS:
            text[rows] = draw.choice([*TEXTS[name]], len(rows))
            valuenum[rows] = ""
        else:
            mean, spread = USUAL.get(name, (90, 15))
            text[rows] = np.round(draw.normal(mean, spread, len(rows)), 1).astype("U24")
            valuenum[rows] = text[rows]
    return item, text, valuenum


if __name__ == "__main__":
    main()
