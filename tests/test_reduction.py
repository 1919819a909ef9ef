import hashlib
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from patentclust.analysis import neighbours, reduction

_DIGEST = """
import hashlib
import numpy as np
from patentclust.analysis import neighbours, reduction
rows = np.random.default_rng(5).normal(size=(90, 24)).astype(np.float32)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
near = neighbours.nearest(rows, n_neighbors=8, seed=3, threads=THREADS)
low = reduction.reduce(rows, n_components=12, min_dist=0.1, seed=3, neighbours=near, threads=THREADS)
print(hashlib.sha256(near.distances.tobytes() + low.tobytes()).hexdigest())
"""


def unit_rows(n, d=24, seed=0):
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def blobs(n_blobs, size, d=24, spread=0.02, seed=0):
    centres = np.repeat(np.eye(n_blobs, d, dtype=np.float32), size, axis=0)
    rows = centres + np.random.default_rng(seed).normal(size=centres.shape, scale=spread).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def reduce(rows, n_components=5, n_neighbors=15, seed=1):
    near = neighbours.nearest(rows, n_neighbors=n_neighbors, seed=seed)
    return reduction.reduce(rows, n_components=n_components, min_dist=0.1, seed=seed, neighbours=near)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 9, 15, 16, 17, 40])
def test_any_number_of_rows_gives_finite_points_of_the_asked_width_without_a_warning(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low = reduce(unit_rows(n), n_components=50)
        near = neighbours.nearest(unit_rows(n), n_neighbors=15, seed=1)
        plane = reduction.layout(unit_rows(n), seed=1, neighbours=near)
    assert low.shape == (n, 50)
    assert plane.shape == (n, 2)
    assert low.dtype == plane.dtype == np.float32
    assert np.isfinite(low).all()
    assert np.isfinite(plane).all()


def test_more_neighbours_than_rows_are_as_many_as_there_are():
    assert np.isfinite(reduce(unit_rows(20), n_neighbors=200)).all()
    assert neighbours.nearest(unit_rows(20), n_neighbors=200, seed=1).indices.shape == (20, 19)


def test_rows_that_are_all_equal_share_one_point():
    assert not reduce(np.tile(unit_rows(1), (40, 1))).any()


def test_few_rows_keep_the_distances_of_their_principal_components():
    rows = unit_rows(6, d=5)
    low = reduce(rows, n_components=50)
    expected = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    assert np.allclose(np.linalg.norm(low[:, None] - low[None], axis=2), expected, atol=1e-5)


@pytest.mark.parametrize(
    "rows",
    [
        np.repeat(unit_rows(4), 20, axis=0),
        np.concatenate([np.tile(unit_rows(1), (30, 1)), unit_rows(30, seed=2)]),
        blobs(5, 20),
        np.concatenate([unit_rows(1), -np.tile(unit_rows(1), (20, 1))]),
        unit_rows(30, d=2),
    ],
    ids=["duplicates", "half duplicates", "disconnected", "opposite", "two dimensions"],
)
def test_awkward_rows_give_finite_points(rows):
    assert np.isfinite(reduce(rows, n_components=10)).all()


def test_separate_blobs_stay_separate():
    low = reduce(blobs(3, 30))
    centres = low.reshape(3, 30, -1).mean(axis=1)
    widths = np.linalg.norm(low.reshape(3, 30, -1) - centres[:, None], axis=2).max()
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)[np.triu_indices(3, 1)]
    assert gaps.min() > widths


def test_nearest_rows_are_those_of_the_whole_distance_matrix():
    rows = unit_rows(1500)
    near = neighbours.nearest(rows, n_neighbors=10, seed=0, threads=2)
    distances = 1 - rows.astype(np.float64) @ rows.T.astype(np.float64)
    np.fill_diagonal(distances, 0)
    assert np.allclose(near.distances, np.sort(distances, axis=1)[:, :10], atol=1e-6)
    assert (near.indices[:, 0] == np.arange(1500)).all()


def test_every_row_is_its_own_first_neighbour_among_duplicates():
    near = neighbours.nearest(np.tile(unit_rows(1), (30, 1)), n_neighbors=5, seed=0)
    assert (near.indices[:, 0] == np.arange(30)).all()
    assert (near.distances >= 0).all()
    assert all(len(set(row)) == 5 for row in near.indices.tolist())


def test_approximate_neighbours_are_repeatable_and_mostly_right(monkeypatch):
    rows = unit_rows(600, d=8)
    exact = neighbours.nearest(rows, n_neighbors=10, seed=1)
    monkeypatch.setattr(neighbours, "MAX_ROWS_EXACT", 500)
    found = neighbours.nearest(rows, n_neighbors=10, seed=1)
    again = neighbours.nearest(rows, n_neighbors=10, seed=1)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.indices, found.indices, strict=True)])
    assert recall > 0.9
    assert (found.indices == again.indices).all()
    assert (found.indices[:, 0] == np.arange(600)).all()


def test_reducing_leaves_its_input_and_the_neighbours_as_they_were():
    rows = np.concatenate([unit_rows(1), -np.tile(unit_rows(1), (20, 1))])
    near = neighbours.nearest(rows, n_neighbors=5, seed=1)
    before = rows.copy(), near.indices.copy(), near.distances.copy()
    reduction.layout(rows, seed=1, neighbours=near)
    reduction.reduce_exactly(rows, n_components=2, min_dist=0.1, seed=1, neighbours=near)
    assert all(np.array_equal(a, b) for a, b in zip(before, (rows, near.indices, near.distances), strict=True))


def test_the_seed_decides():
    rows = unit_rows(60)
    assert reduce(rows, seed=1).tobytes() == reduce(rows, seed=1).tobytes()
    assert reduce(rows, seed=1).tobytes() != reduce(rows, seed=2).tobytes()


def test_the_number_of_threads_changes_no_byte():
    digests = set()
    for threads in ("1", "2", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        code = _DIGEST.replace("THREADS", threads)
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_not_a_number_is_refused():
    rows = unit_rows(30)
    rows[3, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        reduce(rows)
    with pytest.raises(ValueError, match="NaN"):
        neighbours.nearest(rows, n_neighbors=3, seed=0)
