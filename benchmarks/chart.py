"""Draw how many times as fast as plain pytest everybody is, from figures that `run.py --save` has written.

python benchmarks/chart.py results.json docs/benchmarks.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib.pyplot as plt

BARS = {"Fastest": "#2a7f62", "rstest": "#8a8fb5", "pytest-xdist": "#c9a66b"}
# Its start-up is in the table; as a ratio it says nothing.
LEFT_OUT = ("one", "one-8")


def main(source: Path, target: Path) -> None:
    """Draw a group of bars for each case, and a mark for what nobody could beat."""
    results = [case for case in json.loads(source.read_text("utf-8")) if case["case"] not in LEFT_OUT]
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fastest", "font.size": 9})
    figure, axes = plt.subplots(figsize=(8, 0.62 * len(results) + 1.2))
    height = 0.8 / len(BARS)
    for row, case in enumerate(results):
        plain = _median(case, "plain pytest")
        for number, (name, colour) in enumerate(BARS.items()):
            if seconds := _median(case, name):
                y = row + (number - 1) * height
                axes.barh(y, plain / seconds, height, color=colour, label=name if row == 0 else None)
                axes.text(
                    plain / seconds - 0.03,
                    y,
                    f"{plain / seconds:.2f}",
                    va="center",
                    ha="right",
                    fontsize=7,
                    color="white",
                )
        if case["limit"]:
            axes.vlines(plain / case["limit"], row - 0.45, row + 0.45, colors="black", linewidth=1)
    axes.axvline(1, color="grey", linewidth=0.8, linestyle="dotted")
    axes.set_yticks(range(len(results)), [f"{case['case']} ({case['workers']})" for case in results])
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as plain pytest, whole process; the line is the limit; in brackets: workers")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="upper right", ncols=len(BARS), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


def _median(case: dict[str, Any], name: str) -> float:
    seconds = case["seconds"].get(name)
    return median(seconds) if seconds else 0.0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
