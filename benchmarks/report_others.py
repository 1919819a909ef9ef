"""Draw the same map with plotly, bokeh and datamapplot, and measure those pages and ours in one way.

They live in an environment of their own, given by its interpreter:
PYTHONPATH=. python benchmarks/report_others.py WORKSPACE OTHER_PYTHON [NAME …]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("plotly", "bokeh", "datamapplot")
# What a page draws is told by its pixels, so that one measure fits all: this share of the screen is coloured.
DRAWN = 0.02
RECORD = """(() => { window.__frames = []; let last = performance.now();
const tick = (now) => { window.__frames.push(now - last); last = now; requestAnimationFrame(tick); };
requestAnimationFrame(tick); })()"""


def draw(name: str, folder: Path) -> None:
    """Write `name`.html from map.npz; runs where these libraries are."""
    import numpy as np

    data = np.load(folder / "map.npz")
    points, labels, titles = data["points"], data["labels"], data["titles"]
    out = str(folder / f"{name}.html")
    if name == "plotly":
        import plotly.graph_objects as go

        marks = {"size": 3, "color": labels, "colorscale": "Turbo"}
        figure = go.Figure(go.Scattergl(x=points[:, 0], y=points[:, 1], mode="markers", marker=marks, text=titles))
        figure.update_layout(dragmode="pan")
        figure.write_html(out, include_plotlyjs=True, config={"scrollZoom": True})
    elif name == "bokeh":
        from bokeh.models import ColumnDataSource
        from bokeh.palettes import Turbo256
        from bokeh.plotting import figure as new_figure
        from bokeh.plotting import save
        from bokeh.resources import INLINE

        colours = [Turbo256[(int(label) * 4) % 256] for label in labels]
        columns = {"x": points[:, 0], "y": points[:, 1], "title": titles, "colour": colours}
        source = ColumnDataSource(columns)
        plot = new_figure(width=1400, height=850, output_backend="webgl", tooltips=[("", "@title")], active_drag="pan")
        plot.scatter("x", "y", source=source, size=3, color="colour", line_color=None)
        save(plot, out, resources=INLINE, title="map")
    else:
        import datamapplot

        named = np.array([f"Cluster {label}" if label >= 0 else "Unlabelled" for label in labels])
        plot = datamapplot.create_interactive_plot(points, named, hover_text=titles, noise_label="Unlabelled")
        plot.save(out)


def in_browser(path: Path) -> dict[str, float]:
    """Return seconds to the first map, milliseconds a frame while dragging, and requests that leave the machine."""
    from tests.test_render_browser import browser

    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as page:
        page.screen(1440, 900)
        page.scripted = False
        started = time.perf_counter()
        page.call("Page.navigate", url=path.as_uri())
        first = None
        while first is None and time.perf_counter() - started < 60:
            if _coloured(page) > DRAWN:
                first = time.perf_counter() - started
        page.evaluate(RECORD)
        page.mouse("mouseMoved", 500, 500)
        page.mouse("mousePressed", 500, 500, button="left", clickCount=1)
        for step in range(40):
            page.mouse("mouseMoved", 500 + 6 * step, 500 - 2 * step, button="left", buttons=1)
        page.mouse("mouseReleased", 740, 420, button="left", clickCount=1)
        frames = sorted(page.evaluate("window.__frames"))
        outside = [url for url in page.requests() if url.startswith(("http:", "https:", "ws:", "wss:"))]
        worst = frames[int(0.95 * (len(frames) - 1))]
        return {
            "first_map_s": first if first is not None else float("nan"),
            "frame_ms": frames[len(frames) // 2],
            "slow_frame_ms": worst,
            "requests": len(outside),
        }


def _coloured(page: object) -> float:
    import base64
    import io

    import numpy as np
    from PIL import Image

    try:
        shot = base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"])
    except AssertionError:  # A page that is still coming in cannot be photographed.
        return 0.0
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)[250:850, 50:1000]
    return float((pixels.max(axis=2) - pixels.min(axis=2) > 60).mean())


def export(root: Path, folder: Path) -> int:
    """Write the points, clusters and titles of a workspace for the others; return how many."""
    import numpy as np
    import pyarrow.parquet as pq

    units = pq.read_table(root / "clusters.parquet", columns=["unit_id", "cluster_id", "x", "y"])
    documents = pq.read_table(root / "documents.parquet", columns=["doc_id", "title"])
    titles = dict(zip(documents["doc_id"].to_pylist(), documents["title"].to_pylist(), strict=True))
    points = np.column_stack([units["x"].to_numpy(), units["y"].to_numpy()])
    named = np.array([titles[unit] for unit in units["unit_id"].to_pylist()])
    np.savez(folder / "map.npz", points=points, labels=units["cluster_id"].to_numpy(), titles=named)
    return len(points)


def main() -> None:
    if sys.argv[1] == "--draw":
        started = time.perf_counter()
        draw(sys.argv[2], Path(sys.argv[3]))
        print(json.dumps(time.perf_counter() - started))
        return
    # Theirs need WebGL, which a machine without a GPU has in software only; the flag changes nothing for ours.
    from tests import test_render_browser

    test_render_browser.FLAGS.append("--enable-unsafe-swiftshader")
    root, python = Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n = export(root, folder)
        pages = {"patentclust": (root / "report.html", float("nan"))}
        for other in sys.argv[3:] or NAMES:
            made = subprocess.run(
                [python, __file__, "--draw", other, name], capture_output=True, text=True, check=False
            )
            if made.returncode:
                print(f"{other}: failed: {made.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            pages[other] = (folder / f"{other}.html", float(made.stdout.splitlines()[-1]))
        for other, (path, seconds) in pages.items():
            row = {"units": n, "page_mb": path.stat().st_size / 1e6, "seconds": seconds, **in_browser(path)}
            print(other, " | ".join(f"{key} {value:,.2f}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
