"""Neighbours vote; a vector is placed by itself; what is outside of every cluster is noise."""

import numpy as np
import pytest

from patentclust.analysis import placing

RNG = np.random.default_rng(0)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


VECTORS = unit(np.repeat(np.eye(3, 8), 20, axis=0) + RNG.normal(scale=0.1, size=(60, 8)))
LABELS = np.repeat([0, 1, -1], 20)
PLACES = np.repeat([[0.0, 0.0], [10.0, 0.0], [5.0, 5.0]], 20, axis=0)


def placed(new: np.ndarray, **changes) -> list[placing.Place]:
    return list(placing.place(new, VECTORS, LABELS, PLACES, **changes))


def test_a_vector_beside_a_cluster_belongs_to_it() -> None:
    first, second = placed(unit(np.eye(2, 8)))
    assert (first.cluster_id, second.cluster_id) == (0, 1)
    assert first.probability == 1
    assert (first.x, first.y) == pytest.approx((0, 0))
    assert len(first.neighbours) == placing.N_NEIGHBOURS
    assert list(first.similarities) == sorted(first.similarities, reverse=True)


def test_a_vector_amid_noise_is_noise() -> None:
    (found,) = placed(unit(np.eye(3, 8)[2:]))
    assert (found.cluster_id, found.probability) == (-1, 0)


def test_a_narrow_cluster_takes_what_lies_no_farther_out_than_members_of_others() -> None:
    narrow = unit(np.repeat(np.eye(1, 8), 20, axis=0) + RNG.normal(scale=0.01, size=(20, 8)))
    wide = unit(np.repeat(np.eye(8)[1:2], 20, axis=0) + RNG.normal(scale=0.3, size=(20, 8)))
    labels = np.repeat([0, 1], 20)
    beside = unit(np.array([[1, 0, 0.2, 0, 0, 0, 0, 0]]))
    reach = placing.reaches(np.concatenate([narrow, wide]), labels)
    assert placing.reaches(narrow, labels[:20]).least > beside[0] @ reach.centres[0] > reach.least
    (found,) = placing.place(beside, np.concatenate([narrow, wide]), labels, PLACES[:40], reach=reach)
    assert found.cluster_id == 0


def test_a_vector_farther_out_than_every_member_is_noise_and_says_whose() -> None:
    (found,) = placed(unit(np.array([[1, 0, 0, 0, 0, 0, 0, 3.0]])))
    assert found.cluster_id == -1
    assert found.runner_up == 0


def test_a_vector_between_two_clusters_has_a_runner_up_and_a_place_with_the_winner() -> None:
    (found,) = placed(unit(np.array([[1, 0.95, 0, 0, 0, 0, 0, 0.0]])), n=40)
    assert {found.cluster_id, found.runner_up} <= {0, 1, -1}
    assert found.cluster_id != found.runner_up


def test_a_batch_gives_what_its_rows_give_alone() -> None:
    new = unit(RNG.normal(size=(25, 8)))
    assert placed(new) == [placed(row[None])[0] for row in new]


def test_equal_neighbours_come_in_the_order_of_the_map() -> None:
    same = np.tile(VECTORS[:1], (9, 1))
    assert placing.nearest(VECTORS[0], same, n=4) == [0, 1, 2, 3]
    assert placing.nearest(VECTORS[0], same, n=20, without=[0, 5]) == [1, 2, 3, 4, 6, 7, 8]


def test_a_map_of_one_unit_places_everything_there() -> None:
    (found,) = placing.place(VECTORS[:1], VECTORS[:1], np.array([-1]), np.array([[2.0, 3.0]]))
    assert (found.x, found.y, found.cluster_id) == (2.0, 3.0, -1)


def test_a_vector_opposite_to_all_has_a_place_all_the_same() -> None:
    (found,) = placed(-unit(np.ones((1, 8))))
    assert np.isfinite([found.x, found.y]).all()
