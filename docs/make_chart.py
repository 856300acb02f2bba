"""Draws docs/speed.svg, the README's chart: `python docs/make_chart.py [RECORD.json]`, by default `make bench`'s newest.

One bar per comparison: how many times the peer's time per row is ours, on a logarithmic axis. Standard library only.

The record is an object with `machine`, `date` and `commit` (text) and `results`: a list of objects with `peer`
("XGBoost 3.4.1"), `case` ("100 trees, depth 6, flights") and `ratio` (peer's seconds per row over ours, one thread).
"""

import json
import math
import sys
from html import escape
from pathlib import Path
from statistics import geometric_mean

CHART = Path(__file__).parent / "speed.svg"
RECORDS = Path(__file__).parent.parent / "benches" / "record"
WIDTH, LEFT, RIGHT, TOP, ROW = 920, 350, 70, 78, 24
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea")
STYLE = "text{font:13px system-ui,sans-serif;fill:#6b7280}.title{font-size:16px;font-weight:600}.value{font-weight:600}"


def means(results: list[dict]) -> list[tuple[str, str, float]]:
    """(peer, case, ratio) of values as a user gets them, after each peer's cases their geometric mean."""
    bars: list[tuple[str, str, float]] = []
    results = [result for result in results if ", run only" not in result["peer"]]
    for peer in dict.fromkeys(result["peer"] for result in results):
        own = [(peer, result["case"], float(result["ratio"])) for result in results if result["peer"] == peer]
        bars += own
        if len(own) > 1:
            bars.append((peer, "geometric mean", geometric_mean(ratio for _, _, ratio in own)))
    return bars


def draw(record: dict) -> str:
    bars = means(record["results"])
    decades = max(1, math.ceil(math.log10(max(ratio for _, _, ratio in bars))))
    scale = (WIDTH - LEFT - RIGHT) / decades
    height = TOP + ROW * len(bars) + 56
    peers = list(dict.fromkeys(peer for peer, _, _ in bars))
    shapes = ['<text class="title" x="12" y="26">How many times faster per row, one thread (higher is better)</text>']
    for power in range(decades + 1):
        x = LEFT + power * scale
        shapes.append(f'<path d="M{x:.0f} {TOP - 8}V{height - 44}" stroke="#9ca3af" stroke-opacity=".4"/>')
        shapes.append(f'<text x="{x:.0f}" y="{TOP - 14}" text-anchor="middle">{10**power}×</text>')
    for at, (peer, case, ratio) in enumerate(bars):
        y = TOP + ROW * at
        length = max(1.0, math.log10(max(ratio, 1.0)) * scale)
        opacity = "1" if case == "geometric mean" else ".65"
        colour = COLOURS[peers.index(peer) % len(COLOURS)]
        shapes.append(f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{escape(f"{peer}: {case}")}</text>')
        shapes.append(
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{ROW - 7}" rx="2" fill="{colour}" fill-opacity="{opacity}"/>'
        )
        shapes.append(f'<text class="value" x="{LEFT + length + 6:.1f}" y="{y + 13}">{ratio:.0f}×</text>')
    source = f"{record['machine']} · {record['date']} · commit {record['commit']} · answers checked inside the run"
    shapes.append(f'<text x="12" y="{height - 14}">{escape(source)}</text>')
    body = "\n".join(shapes)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("usage: python docs/make_chart.py [RECORD.json]")
    newest = max(RECORDS.glob("*.json"), default=None)  # names begin with the date
    chosen = Path(sys.argv[1]) if len(sys.argv) == 2 else newest
    if chosen is None:
        sys.exit(f"no record in {RECORDS}; `make bench` writes one")
    CHART.write_text(draw(json.loads(chosen.read_text())))
    print(f"wrote {CHART}")
