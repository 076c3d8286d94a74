"""The frozen reference: split, scores, p-values, file."""

import naive
import numpy as np
import pytest
from chandra_embed.inference import anomaly_scores
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.reference import METHODS, Reference
from unit_rows import random_rows


def sample(n, seed, d=6):
    rng = np.random.default_rng(seed)
    x = random_rows(n, d, seed, shift=0.5)
    return x, rng.gamma(2, 0.02, n).astype(np.float32), rng.choice([20.0, 70.0, 500.0, np.nan], n)


def build(n=1200, seed=0, per_source=3, **options):
    x, errors, counts = sample(n, seed)
    return Reference.build(x, errors, counts, np.arange(n) // per_source, k=5, n_trees=25, **options)


@pytest.fixture(scope="module")
def reference():
    return build()


def test_the_halves_share_no_source(reference):
    x, _, _ = sample(1200, 0)
    row = {each.tobytes(): i for i, each in enumerate(x)}
    fit = {row[each.tobytes()] // 3 for each in reference.embedding}
    calibration = {row[each.tobytes()] // 3 for each in reference.calibration_embedding}
    assert not fit & calibration
    assert len(fit | calibration) == 400
    assert abs(len(calibration) - 200) <= 1


def test_scores_are_those_of_the_methods(reference):
    x, errors, counts = sample(100, 9)
    found = reference.score(x, errors, counts)
    assert np.array_equal(found["knn_distance"], anomaly_scores(x, "knn", k=5, reference=reference))
    assert np.array_equal(found["isolation"], anomaly_scores(x, "isolation", reference=reference))
    quantiles = [naive.midrank_quantile(getattr(reference, f"calibration_{m}"), found[m]) for m in METHODS]
    assert np.allclose(found["anomaly"], np.mean(quantiles, axis=0), rtol=1e-14)


def test_calibration_rows_score_as_new_rows_do(reference):
    r = reference
    found = r.score(r.calibration_embedding, r.calibration_reconstruction_error, r.calibration_net_counts)
    for name in METHODS:
        assert np.array_equal(found[name], getattr(r, f"calibration_{name}"))
    # each calibration row counts itself: the smallest p-value is 2 / (n + 1)
    everything = r.score(r.calibration_embedding, r.calibration_reconstruction_error)
    assert np.array_equal(
        everything["anomaly_pvalue"], naive.conformal_pvalue(everything["anomaly"], everything["anomaly"])
    )


def test_another_k_is_calibrated_anew(reference):
    x, errors, counts = sample(50, 9)
    found = reference.score(x, errors, counts, k=2)
    assert np.array_equal(found["knn_distance"], anomaly_scores(x, "knn", k=2, reference=reference))
    calibration = reference.calibration_scores(2)["knn_distance"]
    expected = naive.nearest_neighbors(reference.embedding, 2, reference.calibration_embedding)[1][:, 1]
    assert np.array_equal(calibration, np.maximum(1 - expected, 0))
    assert np.array_equal(reference.calibration_scores(5)["knn_distance"], reference.calibration_knn_distance)


def test_pvalues_of_like_rows_are_uniform_and_never_too_small():
    counted = np.zeros(3)
    levels, rows = np.array([0.05, 0.2, 0.5]), 0
    for seed in range(12):
        x, errors, counts = sample(500, 100 + seed)
        p = build(800, seed, per_source=1).score(x, errors, counts)["anomaly_pvalue"]
        assert ((p > 0) & (p <= 1)).all()
        counted += (p[:, None] <= levels).sum(axis=0)
        rows += len(p)
    share = counted / rows
    assert (share < levels + 0.03).all()
    assert (share > levels - 0.06).all()


def test_one_method_alone_has_the_exact_conformal_rank():
    x = np.tile(np.eye(1, 4, dtype=np.float32), (41, 1))
    errors = np.random.default_rng(0).permutation(41).astype(float)
    reference = Reference.build(x, errors, np.full(41, 50.0), np.arange(41), k=1, n_trees=2)
    held = reference.calibration_reconstruction_error
    new = np.arange(-1.0, 42.0)
    found = reference.score(np.tile(x[:1], (43, 1)), np.maximum(new, 0) + 0.5 * (new >= 0), np.full(43, 50.0))
    expected = naive.conformal_pvalue(held, found["reconstruction_error"])
    assert np.array_equal(found["anomaly_pvalue"], expected)


def test_a_stranger_is_found(reference):
    x, errors, counts = sample(20, 9)
    x[4], errors[4] = -x[4], 1.0
    found = reference.score(x, errors, counts)
    assert found["anomaly"].argmax() == 4
    assert found["anomaly_pvalue"].argmin() == 4


def test_no_rows_have_no_scores(reference):
    found = reference.score(np.zeros((0, 6)), [], [])
    assert {values.shape for values in found.values()} == {(0,)}


def test_the_file_is_the_reference(reference, tmp_path):
    reference.save(tmp_path / "anomaly.npz")
    again = Reference.load(tmp_path / "anomaly.npz")
    x, errors, counts = sample(60, 9)
    for name, values in reference.score(x, errors, counts).items():
        assert np.array_equal(again.score(x, errors, counts)[name], values)
    build().save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "anomaly.npz").read_bytes()
    with np.load(tmp_path / "anomaly.npz", allow_pickle=False) as arrays:
        assert not any(arrays[name].dtype.hasobject for name in arrays.files)


def test_the_seed_decides():
    assert not np.array_equal(build(60, random_state=1).embedding, build(60, random_state=2).embedding)


def damaged(path, reference, **changes):
    reference.save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for name, value in changes.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value
    with open(path, "wb") as out:
        np.savez(out, **arrays)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"k": None},
        {"k": 0},
        {"k": 10**6},
        {"embedding": np.zeros((3, 6), np.float32)},
        {"embedding": np.eye(3, dtype=np.float32)},
        {"calibration_isolation": np.zeros(3)},
        {"calibration_net_counts": np.zeros(3)},
        {"calibration_embedding": np.zeros((0, 6), np.float32)},
        {"forest_left": np.zeros(4, np.int32)},
        {"forest_columns": None},
        {"format_version": 2},
        {"format_version": "x"},
        {"embedding": np.array([{"a": 1}], object)},
    ],
)
def test_a_file_that_does_not_fit_is_refused(changes, reference, tmp_path):
    path = damaged(tmp_path / "anomaly.npz", reference, **changes)
    with pytest.raises(BundleError, match=r"anomaly\.npz: "):
        Reference.load(path)


def test_scores_that_are_not_finite_are_refused(reference, tmp_path):
    bad = reference.calibration_isolation.copy()
    bad[3] = np.nan
    with pytest.raises(BundleError, match="calibration_isolation is not finite"):
        Reference.load(damaged(tmp_path / "anomaly.npz", reference, calibration_isolation=bad))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"\x93NUMPY no", b"text"])
def test_a_file_that_is_no_archive_is_refused(content, tmp_path):
    path = tmp_path / "anomaly.npz"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="cannot be read"):
        Reference.load(path)


def test_a_single_array_is_refused(tmp_path):
    with open(tmp_path / "anomaly.npz", "wb") as file:
        np.save(file, np.eye(3))
    with pytest.raises(BundleError, match="cannot be read"):
        Reference.load(tmp_path / "anomaly.npz")
    with pytest.raises(BundleError, match="cannot be read"):
        Reference.load(tmp_path / "none.npz")


def test_what_cannot_be_split_or_fitted_is_refused():
    x, errors, counts = sample(20, 0)
    with pytest.raises(ValueError, match="at least two"):
        Reference.build(x, errors, counts, np.zeros(20))
    with pytest.raises(ValueError, match="k=15"):
        Reference.build(x, errors, counts, np.arange(20), k=15)
    with pytest.raises(ValueError, match="net_counts has shape"):
        Reference.build(x, errors, counts[:3], np.arange(20))
    with pytest.raises(ValueError, match="row 2 of reconstruction_error"):
        Reference.build(x, [0, 0, np.nan] + [0] * 17, counts, np.arange(20))


def test_one_large_source_leaves_rows_for_both_halves():
    x, errors, counts = sample(50, 0)
    for seed in range(6):
        r = Reference.build(x, errors, counts, [0] * 49 + [1], k=1, n_trees=2, random_state=seed)
        assert {len(r.embedding), len(r.calibration_embedding)} == {1, 49}
