"""The graphs for a GPU, run on the CPU provider: the same numbers as the twins and the CPU kernels give."""

import naive
import numpy as np
import pytest
from chandra_embed.inference import degree, gpu, runtime
from chandra_embed.inference.errors import DeviceError
from chandra_embed.inference.isolation import fit_forest
from chandra_embed.inference.nearest import find_nearest
from chandra_embed.inference.similarity import rounding_band
from unit_rows import hard_rows, random_rows, tied_rows

TAU = np.array([0.9, 0.5, -0.25, 1.0])
no_cuda = pytest.mark.skipif(runtime.cuda_devices() > 0, reason="a CUDA device answers")
needs_cuda = pytest.mark.skipif(runtime.cuda_devices() == 0, reason="no CUDA device answers")
devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])


def nothing(n):
    pass


@devices
@pytest.mark.parametrize(("n", "tile"), [(0, 16), (1, 16), (30, 64), (64, 32), (203, 50)])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows])
def test_degrees_are_those_of_the_twin(rows, n, tile, device):
    x, seen = rows(n), []
    found = gpu.Degrees(x.shape[1], TAU, device, tile).count(x, seen.append)
    assert np.array_equal(found, naive.degree(x, TAU))
    assert sum(seen) == n * (n - 1) // 2


@devices
def test_thresholds_that_are_similarities_of_pairs_are_decided_in_float64(device):
    x = random_rows(120, 64, shift=0.4)
    pair = naive.similarities(x[:1], x)[0, [17, 60]]
    tau = np.array([*pair, *np.nextafter(pair, 2), *np.nextafter(pair, -2)])
    found = gpu.Degrees(64, tau, device, 32).count(x, nothing)
    assert np.array_equal(found, naive.degree(x, tau))


class Disturbed:
    """A session whose products are off by most of what rounding may do, as another order of the sum may."""

    def __init__(self, graph):
        self._session, _ = runtime.open_session(graph, "cpu")

    def run(self, names, given):
        rng, off = np.random.default_rng(3), 0.9 * rounding_band(given["left"].shape[1] - gpu.GUARDS)
        # the guards of a left row are (0, 1), of a right one (1, 0)
        given = {**given, "left": given["left"].copy()}
        given["left"][:, -2] += off * rng.choice((-1, 1), len(given["left"]))
        return self._session.run(names, given)


def test_products_that_are_off_within_the_bound_change_nothing(monkeypatch):
    monkeypatch.setattr(gpu, "open_session", lambda graph, device: (Disturbed(graph), device))
    x = hard_rows(150)
    pair = naive.similarities(x[:1], x)[0, [17, 60]]
    tau = np.array([*pair, 0.5])
    assert np.array_equal(gpu.Degrees(64, tau, tile=40).count(x, nothing), naive.degree(x, tau))
    best, index = np.empty((150, 7)), np.empty((150, 7), np.int64)
    gpu.search(x, x, True, best, index, nothing, tile=40)
    expected = naive.nearest_neighbors(x, 7)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(best, expected[1])


@devices
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(("n", "k", "tile"), [(40, 1, 64), (203, 5, 50), (150, 30, 32), (60, 59, 16)])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows, lambda n: np.repeat(tied_rows(1), n, axis=0)])
def test_neighbours_are_those_of_the_twin(rows, n, k, tile, own, device):
    x, seen = rows(n), []
    ask = x if own else x[::7]
    best, index = np.empty((len(ask), k)), np.empty((len(ask), k), np.int64)
    gpu.search(x, ask, own, best, index, seen.append, device, tile)
    expected = naive.nearest_neighbors(x, k, None if own else ask)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(best, expected[1])
    assert sum(seen) == len(ask)


@devices
@pytest.mark.parametrize("n", [0, 1, 130])
def test_path_lengths_are_the_same_bits(n, device):
    x = hard_rows(200)
    levels = fit_forest(x, 15).levels
    found = gpu.path_lengths(x[:n], *levels, device, 64)
    from chandra_embed.inference.kernels.forest import path_lengths

    assert np.array_equal(found, path_lengths(x[:n], *levels))


def test_trees_of_a_root_alone_end_there():
    x = np.ones((50, 3), np.float32)
    levels = fit_forest(x, 4).levels
    assert len(np.unique(gpu.path_lengths(x, *levels, "cpu", 16))) == 1


@needs_cuda
def test_a_gpu_gives_what_the_cpu_gives():
    x = hard_rows(5000)
    assert np.array_equal(degree(x, TAU, device="cuda"), degree(x, TAU))
    for one, other in zip(find_nearest(x, 9, device="cuda"), find_nearest(x, 9), strict=True):
        assert np.array_equal(one, other)
    forest = fit_forest(x, 50)
    assert np.array_equal(forest.score_samples(x, "cuda"), forest.score_samples(x))


@no_cuda
def test_without_a_gpu_it_is_refused_in_one_line():
    x, forest = hard_rows(50), fit_forest(hard_rows(50), 3)
    calls = (
        lambda: degree(x, device="cuda"),
        lambda: find_nearest(x, 3, device="cuda"),
        lambda: find_nearest(x, 3, x[:2], device="cuda"),
        lambda: forest.score_samples(x, "cuda"),
        lambda: gpu.device_that_runs("cuda"),
    )
    for call in calls:
        with pytest.raises(DeviceError, match="no CUDA device; use --device cpu"):
            call()
    assert gpu.device_that_runs("auto") == "cpu"
    assert gpu.device_that_runs("cpu") == "cpu"
