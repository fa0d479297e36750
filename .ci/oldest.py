"""Print the oldest releases that `setup.cfg` promises to work with, for `pip -c`.

python .ci/oldest.py jax      # and of the extras that are named
"""

import configparser
import sys
from pathlib import Path


def oldest(extras: list[str]) -> list[str]:
    """`name==version` for each lower bound."""
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[1] / "setup.cfg")
    bounds = setup["options"]["install_requires"].split()
    for extra in extras:
        bounds += setup["options.extras_require"][extra].split()
    return [bound.replace(">=", "==") for bound in bounds]


if __name__ == "__main__":
    print("\n".join(oldest(sys.argv[1:])))
