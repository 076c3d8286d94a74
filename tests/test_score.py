"""The score command and what it writes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import naive
import numpy as np
import pytest
from chandra_embed.inference import anomaly_scores
from chandra_embed.inference import score as scoring
from chandra_embed.inference.catalog.lock import writing
from chandra_embed.inference.cli.score import score
from chandra_embed.inference.errors import BundleError, ChandraEmbedError, StoreError
from chandra_embed.inference.reference import METHODS, Reference
from chandra_embed.inference.score import score_file
from chandra_embed.models import registry
from click.testing import CliRunner
from embeddings_file import write_bundle, write_embeddings
from unit_rows import random_rows

COLUMNS = ("knn_distance", "isolation", "anomaly", "anomaly_pvalue", "anomaly_qvalue")


def read(path, group="score"):
    with h5py.File(path) as file:
        return {name: data[...] for name, data in file[group].items()}, dict(file[group].attrs)


def edit(path, **columns):
    with h5py.File(path, "r+") as file:
        for name, values in columns.items():
            file[f"detection/{name}"][: len(values)] = values


def run(*arguments):
    return CliRunner().invoke(score, [str(each) for each in arguments])


@pytest.fixture
def file(tmp_path):
    return write_embeddings(tmp_path / "embeddings.h5", 60, per_source=2)


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(5)
    return Reference.build(
        random_rows(900, 8, 5, 0.3), rng.gamma(2, 0.01, 900), rng.uniform(50, 900, 900), np.arange(900), k=6
    )


@pytest.fixture
def frozen(tmp_path, monkeypatch, reference):
    """An embeddings file of a bundle that has a reference."""
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    sha256 = write_bundle(tmp_path / "spectrum-8", reference)
    return write_embeddings(
        tmp_path / "embeddings.h5", 50, bundle="spectrum-8", bundle_version="1.0.0", bundle_sha256=sha256
    )


def test_without_a_bundle_scores_are_within_the_file(file):
    score_file(file, thresholds=(0.9, 0.5), k=4, seed=3)
    found, attributes = read(file)
    with h5py.File(file) as opened:
        x, errors = opened["embedding"][...], opened["reconstruction_error"][...].astype(np.float64)
        assert opened["score/degree"].attrs["thresholds"].tolist() == [0.9, 0.5]
        assert all({"unit", "description"} <= set(data.attrs) for data in opened["score"].values())
    assert np.array_equal(found["degree"], naive.degree(x, [0.9, 0.5]))
    assert np.array_equal(found["knn_distance"], anomaly_scores(x, "knn", k=4))
    assert np.array_equal(found["isolation"], anomaly_scores(x, "isolation", random_state=3))
    quantiles = [naive.midrank_quantile(s, s) for s in (found["knn_distance"], found["isolation"], errors)]
    assert np.allclose(found["anomaly"], np.mean(quantiles, axis=0), rtol=1e-14)
    assert np.isnan(found["anomaly_pvalue"]).all()
    assert np.isnan(found["anomaly_qvalue"]).all()
    assert all(found[name].dtype == np.float64 for name in COLUMNS)
    assert found["degree"].dtype == np.int64
    expected = {"k": 4, "seed": 3, "against": "file", "min_counts": 40.0, "no_artefacts": False}
    assert {name: attributes[name] for name in expected} == expected
    assert attributes["methods"] == ", ".join(METHODS)
    assert attributes["pvalues"].startswith("none")
    assert "numpy" in attributes["versions"]


def test_a_frozen_reference_is_what_scores_are_against(frozen, reference):
    edit(frozen, net_counts=[10.0, np.nan, -5.0])
    score_file(frozen)
    found, attributes = read(frozen)
    with h5py.File(frozen) as file:
        x, errors = file["embedding"][...], file["reconstruction_error"][...]
        expected = reference.score(x, errors, file["detection/net_counts"][...])
    kept = np.ones(50, bool)
    kept[[0, 2]] = False
    for name in ("knn_distance", "isolation"):
        assert np.array_equal(found[name], expected[name])
    for name in ("anomaly", "anomaly_pvalue"):
        assert np.array_equal(found[name], np.where(kept, expected[name], np.nan), equal_nan=True)
    assert np.allclose(
        found["anomaly_qvalue"], naive.benjamini_hochberg(found["anomaly_pvalue"]), rtol=1e-14, equal_nan=True
    )
    assert attributes["against"] == "reference spectrum-8 1.0.0"
    assert attributes["k"] == 6


def test_k_larger_than_the_reference_is_lowered(frozen, reference):
    found = score_file(frozen, k=10_000)
    assert found.k == len(reference.embedding)
    assert "k lowered from 10000" in found.notes[0]


def test_faint_and_flagged_rows_are_left_out(file):
    edit(file, net_counts=[39.9, 40.0, np.nan, 5.0], pileup_flag=[1, 0, -1, 1, 1], extent_flag=[0, 1])
    found = score_file(file, no_artefacts=True)
    assert np.flatnonzero(np.isnan(found.anomaly)).tolist() == [0, 3, 4]
    assert found.left_out == {"net counts below 40": 2, "pileup_flag": 3}
    assert np.isfinite(found.knn_distance).all()
    assert np.flatnonzero(np.isnan(score_file(file).anomaly)).tolist() == [0, 3]
    assert np.isfinite(score_file(file, min_counts=-1).anomaly).all()


def test_rows_left_out_shift_no_quantile(file):
    edit(file, net_counts=np.repeat([10.0, 100.0], 30))
    found = score_file(file)
    with h5py.File(file) as opened:
        errors = opened["reconstruction_error"][30:].astype(np.float64)
    scores = (found.knn_distance[30:], found.isolation[30:], errors)
    assert np.allclose(found.anomaly[30:], np.mean([naive.midrank_quantile(s, s) for s in scores], axis=0))


@pytest.mark.parametrize("n", [0, 1])
def test_files_of_no_row_or_one(tmp_path, n):
    path = write_embeddings(tmp_path / "e.h5", n)
    result = run(path)
    assert result.exit_code == 0, result.output
    assert "no anomaly scores" in result.stdout
    found, attributes = read(path)
    assert found["degree"].shape == (3, n)
    assert all(found[name].shape == (n,) and np.isnan(found[name]).all() for name in COLUMNS)
    assert attributes["k"] == 0


def test_one_row_is_scored_against_a_reference(tmp_path, monkeypatch, reference):
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    sha256 = write_bundle(tmp_path / "b", reference)
    path = write_embeddings(tmp_path / "e.h5", 1, bundle="b", bundle_version="1", bundle_sha256=sha256)
    assert np.isfinite(score_file(path).anomaly_qvalue).all()


def test_a_small_file_lowers_k_and_says_so(tmp_path):
    result = run(write_embeddings(tmp_path / "e.h5", 4))
    assert "k lowered from 10 to 3: the file has 4 rows" in result.stdout


def test_another_bundle_is_refused(frozen, tmp_path, reference):
    before = frozen.read_bytes()
    wanted = write_bundle(tmp_path / "spectrum-8", reference, version="1.1.0")
    with pytest.raises(
        BundleError, match=rf"spectrum-8 1\.0\.0 \(manifest sha256 .*version 1\.1\.0 \(sha256 {wanted}"
    ):
        score_file(frozen)
    assert frozen.read_bytes() == before


def test_a_bundle_that_is_not_there_is_said(file):
    with h5py.File(file, "r+") as opened:
        opened.attrs.update({"bundle": "mine", "bundle_version": "2.0.0", "bundle_sha256": "0"})
    with pytest.raises(
        BundleError, match=r"bundle mine 2\.0\.0, which is not found; set CHANDRA_EMBED_MODELS"
    ):
        score_file(file)


def test_an_altered_reference_is_refused(frozen, tmp_path):
    with open(tmp_path / "spectrum-8" / "anomaly.npz", "ab") as opened:
        opened.write(b"x")
    with pytest.raises(BundleError, match=r"anomaly\.npz: sha256"):
        score_file(frozen)


def test_a_bundle_of_ones_own_is_found_where_it_lay(tmp_path, reference):
    sha256 = write_bundle(tmp_path / "far" / "mine", reference)
    where = {"bundle": "mine", "bundle_version": "1.0.0", "bundle_folder": str(tmp_path / "far" / "mine")}
    path = write_embeddings(tmp_path / "e.h5", 20, bundle_sha256=sha256, **where)
    assert score_file(path).against == "reference mine 1.0.0"


def test_a_bundle_without_a_reference_scores_within_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    sha256 = write_bundle(tmp_path / "plain", None)
    path = write_embeddings(
        tmp_path / "e.h5", 20, bundle="plain", bundle_version="1.0.0", bundle_sha256=sha256
    )
    assert score_file(path).against == "file"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("embedding", lambda a: a * 2, "row 0 of /embedding has length 2"),
        ("embedding", lambda a: np.where(a == a[3, 1], np.nan, a), "row 3 of /embedding holds NaN"),
        ("embedding", lambda a: a[:-1], r"/embedding has shape \(59, 8\), not 60 rows"),
        ("embedding", None, "/embedding is missing"),
        ("reconstruction_error", lambda a: -a, "row 0 of /reconstruction_error"),
        ("reconstruction_error", None, "/reconstruction_error is missing"),
    ],
)
def test_a_file_that_embed_did_not_leave_so_is_refused(file, name, change, message):
    with h5py.File(file, "r+") as opened:
        values = opened[name][...]
        del opened[name]
        if change:
            opened[name] = change(values)
    before = file.read_bytes()
    with pytest.raises(StoreError, match=message):
        score_file(file)
    assert file.read_bytes() == before


def test_scoring_again_replaces_its_own_group_and_nothing_else(file):
    with h5py.File(file, "r+") as opened:
        opened["network/coreness"] = np.arange(60)
    score_file(file, thresholds=(0.1, 0.2))
    first = {name: read(file, name) for name in ("detection", "network")}
    size = file.stat().st_size
    for _ in range(3):
        score_file(file, thresholds=(0.3, 0.4))
    assert file.stat().st_size == size
    found, _ = read(file)
    assert set(found) == {"degree", *COLUMNS}
    with h5py.File(file) as opened:
        assert opened["score/degree"].attrs["thresholds"].tolist() == [0.3, 0.4]
        assert bool(opened.attrs["complete"])
    for name, (data, _) in first.items():
        after, _ = read(file, name)
        assert all(after[key].tobytes() == values.tobytes() for key, values in data.items())


def test_the_same_run_writes_the_same_numbers(file, monkeypatch):
    found = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("CHANDRA_EMBED_THREADS", threads)
        score_file(file)
        found.append({name: values.tobytes() for name, values in read(file)[0].items()})
    assert found[0] == found[1] == found[2]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process with SIGKILL")
def test_a_kill_before_the_rename_leaves_the_file(file):
    before = file.read_bytes()
    code = (
        "import os, signal, sys, pathlib\n"
        "from chandra_embed.inference.score import score_file\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "score_file(pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, file], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == before
    assert {each.suffix for each in file.parent.iterdir()} > {".h5", ".npz", ".lock"}
    score_file(file)
    assert list(file.parent.iterdir()) == [file]


def never(*arguments, **named):
    raise AssertionError("a step that had ended was done again")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_goes_on_with_the_step_that_had_not_ended(file, monkeypatch, number):
    whole = shutil.copy(file, file.with_name("whole.h5"))
    score_file(whole)
    before, count, distance = file.read_bytes(), scoring.count_degrees, scoring.knn_distance

    def stop(*arguments, **named):
        os.kill(os.getpid(), number)
        return distance(*arguments, **named)

    monkeypatch.setattr(scoring, "knn_distance", stop)
    found = run(file)
    assert found.exit_code == 1
    assert f"stopped by {number.name} and as it was; the steps that ended are kept beside it" in found.stderr
    assert file.read_bytes() == before
    monkeypatch.setattr(scoring, "knn_distance", distance)
    monkeypatch.setattr(scoring, "count_degrees", never)
    score_file(file)
    assert {a: b.tobytes() for a, b in read(file)[0].items()} == {
        a: b.tobytes() for a, b in read(whole)[0].items()
    }
    assert sorted(file.parent.iterdir()) == [file, whole]
    monkeypatch.setattr(scoring, "count_degrees", count)


def test_a_stop_among_the_pairs_is_heeded_at_once(file, monkeypatch):
    count, told = scoring.count_degrees, []

    def stop(x, tau, *, on_pairs, device):
        os.kill(os.getpid(), signal.SIGTERM)
        return count(x, tau, on_pairs=lambda n: (told.append(n), on_pairs(n)), device=device)

    monkeypatch.setattr(scoring, "count_degrees", stop)
    with pytest.raises(ChandraEmbedError, match="stopped by SIGTERM"):
        score_file(file)
    assert len(told) == 1


def test_what_was_kept_for_other_rows_or_thresholds_is_not_taken(file, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "rewritten", never)
        with pytest.raises(AssertionError):
            score_file(file, thresholds=(0.5,))
    score_file(file, thresholds=(0.6,))
    with h5py.File(file) as opened:
        x = opened["embedding"][...]
    assert np.array_equal(read(file)[0]["degree"], naive.degree(x, [0.6]))
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "rewritten", never)
        with pytest.raises(AssertionError):
            score_file(file)
    with h5py.File(file, "r+") as opened:
        opened["embedding"][:30] = random_rows(30, x.shape[1], 9)
        x = opened["embedding"][...]
    score_file(file)
    assert np.array_equal(read(file)[0]["degree"], naive.degree(x, [0.5, 0.7, 0.9]))


def test_a_second_writer_is_refused(file):
    refused = pytest.raises(StoreError, match=rf"process {os.getpid()} on \S+ is writing it")
    with ThreadPoolExecutor(1) as pool, writing(file), refused:
        pool.submit(score_file, file).result()
    score_file(file)
    assert list(file.parent.iterdir()) == [file]


def test_the_table_shows_degrees_and_the_strangest(frozen):
    result = run(frozen, "-t", 0.5, "--min-counts", 500)
    assert result.exit_code == 0, result.output
    found, _ = read(frozen)
    strangest = int(np.nanargmax(found["anomaly"]))
    first = result.stdout.split("the strangest:\n")[1].splitlines()[1].split()
    assert first[0] == str(strangest)
    out = int(np.isnan(found["anomaly"]).sum())
    assert f"left out: {out} (net counts below 500: {out})" in result.stdout
    assert "anomalies against: reference spectrum-8 1.0.0, k = 6" in result.stdout
    assert result.stdout.splitlines()[-1] == (
        f"next: chandra-embed neighbors {frozen} --name '2CXO J{strangest:06d}'"
    )


def test_json_lines_hold_the_summary_and_the_strangest(file):
    result = run(file, "--json")
    summary, *detections = [json.loads(line) for line in result.stdout.splitlines()]
    found, _ = read(file)
    assert summary["kind"] == "summary"
    assert summary["detections"] == summary["scored"] == 60
    for each, degree in zip(summary["degrees"], found["degree"], strict=True):
        assert each["density"] == pytest.approx(degree.sum() / (60 * 59))
        assert each["quartiles"] == np.percentile(degree, [0, 25, 50, 75, 100]).tolist()
    assert [each["row"] for each in detections] == np.argsort(-found["anomaly"], kind="stable")[:10].tolist()
    assert detections[0]["anomaly_pvalue"] is None


def test_simulated_is_said(tmp_path):
    assert "(simulated)" in run(write_embeddings(tmp_path / "e.h5", 12, simulated=True)).stdout


@pytest.mark.parametrize(
    "arguments",
    [("-t", "nan"), ("-t", "inf"), ("--min-counts", "nan"), ("-k", 0), ("--device", "gpu"), ("--seed", -1)],
)
def test_bad_use_exits_2(file, arguments):
    assert run(file, *arguments).exit_code == 2


def test_bad_arguments_of_the_function_are_refused(file):
    with pytest.raises(ValueError, match="k=0"):
        score_file(file, k=0)
    with pytest.raises(ValueError, match="threshold nan"):
        score_file(file, thresholds=[float("nan")])


def test_a_file_of_another_kind_is_one_line(tmp_path):
    path = tmp_path / "x.h5"
    path.write_text("no")
    result = run(path)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
