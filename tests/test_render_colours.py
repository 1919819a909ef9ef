"""Colours and shading of the map: apart for every eye, and tinted paper where points cover each other."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from patentclust.render import page
from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, browser
from tests.test_report import small_workspace

STYLE = (Path(page.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
# Linear RGB as people without one kind of cone see it (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Linear RGB to Oklab (Ottosson 2020), where distances are those that are seen; 0.02 is about the least that is.
TO_CONES = np.array(
    [[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.6806995, 0.10739696], [0.08830246, 0.28171884, 0.6299787]]
)
TO_LAB = np.array(
    [[0.21045426, 0.79361779, -0.00407205], [1.9779985, -2.42859221, 0.45059371], [0.0259040, 0.78277177, -0.80867577]]
)


def palette(block):
    return [re.search(rf"--c{number}: (#[0-9a-f]{{6}})", block).group(1) for number in range(8)]


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_of_clusters_differ_for_the_colour_blind(theme, seen):
    blocks = re.findall(r"--c0:.*?--c7:[^;]*;", STYLE, re.S)
    labs = [TO_LAB @ np.cbrt(TO_CONES @ np.clip(SEEN[seen] @ linear(c), 0, 1)) for c in palette(blocks[theme])]
    nearest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(labs, 2))
    assert nearest > 0.06, f"{nearest:.3f}"


TINTED = """((n, zoom) => {
  const along = (place) => Float32Array.from({ length: n }, (_, i) => 20000 + place(i) * 40);
  const fake = {
    n, x: along((i) => i % 150), y: along((i) => Math.floor(i / 150)), clusters: new Int32Array(n).fill(-1),
    topics: [], raw: { groups: [] }, colour: () => undefined,
  };
  const map = new TechnologyMap(byId("stage"), fake);
  map.resize(1);
  map.view.scale *= zoom;
  map.image.data.fill(255);
  map.shade();
  return map.image.data.reduce((count, value) => count + Number(value < 255), 0);
})"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
def test_far_out_the_paper_is_tinted_where_very_many_points_lie(tmp_path):
    made = small_workspace(tmp_path / "workspace")
    report.run(made)
    with browser(tmp_path / "profile") as opened:
        opened.screen(1000, 700)
        opened.open(made.report)
        assert opened.evaluate(f"{TINTED}(21000, 1)") > 1000
        assert opened.evaluate(f"{TINTED}(21000, 3)") == 0
        assert opened.evaluate(f"{TINTED}(19000, 1)") == 0
