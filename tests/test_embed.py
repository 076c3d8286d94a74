import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
from chandra_embed.inference import Encoder, embed, embedded_chunks, runtime
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.lock import writing
from chandra_embed.inference.cli.embed import embed as command
from chandra_embed.inference.embed import embed_file, embed_files
from chandra_embed.inference.errors import BundleError, ChandraEmbedError, DeviceError, StoreError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.models import registry
from click.testing import CliRunner
from small import write_spectra

ROWS = 300


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    return write_spectra(tmp_path_factory.mktemp("spectra") / "spectra.h5", ROWS)


@pytest.fixture(scope="module")
def whole(spectra, tmp_path_factory):
    """The file of a run that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole") / "embeddings.h5"
    embed_file(spectra, path, device="cpu", batch_size=16)
    return path


def datasets(path):
    """Return the bytes of every dataset of a file by its path."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, x: found.update({name: x[...].tobytes()} if isinstance(x, h5py.Dataset) else {})
        )
    return found


def signal_at(monkeypatch, rows, number):
    """Have a signal come in chunks of 16 rows, just before `rows` of them are said to be done."""
    done = embed.Filling.done

    def note(self, now, attributes):
        if now == rows:
            os.kill(os.getpid(), number)
        done(self, now, attributes)

    monkeypatch.setattr(embedded_chunks, "CHUNK", 16)
    monkeypatch.setattr(embed, "hashing", hashed_before)
    monkeypatch.setattr(embed.Filling, "done", note)


@contextmanager
def hashed_before(path):
    """Take the place of embed.hashing, with the digest there from the start."""
    known = Future()
    known.set_result(store.sha256_file(path))
    yield known


@pytest.fixture
def unfinished(spectra, tmp_path):
    """An output that was stopped after 160 rows, batches of 16."""
    path = tmp_path / "embeddings.h5"
    with pytest.MonkeyPatch.context() as patch:
        signal_at(patch, 160, signal.SIGINT)
        with pytest.raises(ChandraEmbedError, match=f"stopped by SIGINT after 160 of {ROWS} rows; the same"):
            embed_file(spectra, path, device="cpu", batch_size=16)
    return path


def test_the_file_holds_what_the_encoder_gives(spectra, whole):
    encoder = Encoder.load("spectrum-8", device="cpu", batch_size=16)
    with h5py.File(spectra) as file:
        found = encoder.run(file["spectrum/value"][...])
    with store.open_store(whole, store.EMBEDDINGS) as file:
        for name in ("embedding", "latent", "reconstruction_error"):
            np.testing.assert_array_equal(file[name][...], getattr(found, name))
            assert file[name].dtype == np.dtype("<f4")
            assert file[name].chunks is None
            assert set(file[name].attrs) >= {"unit", "description"}
        assert file["embedding"].attrs["modality"] == "spectrum"


def test_detections_are_carried_over_and_nothing_else(spectra, whole, monkeypatch, tmp_path):
    monkeypatch.setattr(embedded_chunks, "CHUNK", 48)
    small = tmp_path / "small-chunks.h5"
    embed_file(spectra, small, device="cpu", batch_size=16)
    for path in (whole, small):
        with h5py.File(spectra) as a, h5py.File(path) as b:
            assert set(b) == {"detection", "embedding", "latent", "reconstruction_error"}
            assert set(a["detection"]) == set(b["detection"])
            for name, column in a["detection"].items():
                assert column.dtype == b["detection"][name].dtype
                assert column[...].tobytes() == b["detection"][name][...].tobytes()
                assert dict(column.attrs) == dict(b["detection"][name].attrs)


def test_root_attributes_say_what_made_the_file(spectra, whole):
    manifest = registry.verify(registry.find("spectrum-8"))
    with h5py.File(whole) as file:
        attributes = dict(file.attrs)
    expected = {
        "format": "chandra-embed/embeddings",
        "format_version": 1,
        "complete": True,
        "input": "spectra.h5",
        "input_sha256": store.sha256_file(spectra),
        "bundle": "spectrum-8",
        "bundle_version": manifest.version,
        "bundle_sha256": store.sha256_file(manifest.folder / "manifest.json"),
        "recipe": Recipe().to_json(),
        "recipe_fingerprint": Recipe().fingerprint,
        "batch_size": 16,
        "device": "cpu",
        "provider": "CPUExecutionProvider",
        "onnxruntime": runtime.VERSION,
        "simulated": True,
        "rows_done": ROWS,
    }
    assert expected.items() <= attributes.items()
    assert attributes["threads"] >= 1


def test_real_data_is_not_called_simulated(tmp_path):
    spectra = write_spectra(tmp_path / "s.h5", 3, simulated=False)
    embed_file(spectra, tmp_path / "e.h5", device="cpu")
    with h5py.File(tmp_path / "e.h5") as file:
        assert not file.attrs["simulated"]


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_are_legal(tmp_path, rows):
    spectra = write_spectra(tmp_path / "s.h5", rows)
    done = embed_file(spectra, tmp_path / "e.h5", device="cpu")
    assert done.rows == rows
    with store.open_store(tmp_path / "e.h5", store.EMBEDDINGS) as file:
        assert file["embedding"].shape == (rows, Encoder.load("spectrum-8", device="cpu").embedding_size)
        assert file["detection/obsid"].shape == (rows,)


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(spectra, whole, unfinished):
    with pytest.raises(StoreError, match="not finished"):
        store.open_store(unfinished, store.EMBEDDINGS)
    done = embed_file(spectra, unfinished)
    assert (done.resumed_at, done.rows) == (160, ROWS)
    assert datasets(unfinished) == datasets(whole)


LIMITED = """
import resource, sys
from chandra_embed.inference.cli.embed import embed

limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
embed.main(sys.argv[1:])
"""


def limited(limit, *arguments):
    """Run embed in a process that may write no byte beyond `limit` of a file, as on a full disk."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", LIMITED, *map(str, (limit, *arguments)), "--device", "cpu"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(spectra, whole, unfinished):
    with h5py.File(unfinished) as file:
        limit = max(file[name].id.get_offset() for name in ("embedding", "latent", "reconstruction_error"))
    done = limited(limit, spectra, "-o", unfinished)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {unfinished}: cannot be written (File too large); 160 of {ROWS} rows are done; make room, "
        "then the same command without --overwrite goes on from there\n"
    )
    assert embed_file(spectra, unfinished).resumed_at == 160
    assert datasets(unfinished) == datasets(whole)


def test_a_disk_too_small_for_the_file_is_found_before_any_work(spectra, whole, tmp_path):
    path = tmp_path / "e.h5"
    done = limited(whole.stat().st_size // 2, spectra, "-o", path)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {path}: cannot be written (File too large); make room, or give another disk\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_second_writer_is_refused(spectra, unfinished):
    refused = pytest.raises(StoreError, match=rf"process {os.getpid()} on \S+ is writing it; wait")
    with ThreadPoolExecutor(1) as pool, writing(unfinished), refused:
        pool.submit(embed_file, spectra, unfinished).result()


def test_a_stop_before_the_input_is_known_leaves_nothing(spectra, tmp_path, monkeypatch):
    @contextmanager
    def never(path):
        yield Future()

    signal_at(monkeypatch, 160, signal.SIGTERM)
    monkeypatch.setattr(embed, "hashing", never)
    write = embed.Filling.write
    monkeypatch.setattr(
        embed.Filling, "write", lambda *given: (os.kill(os.getpid(), signal.SIGTERM), write(*given))
    )
    with pytest.raises(ChandraEmbedError, match="stopped by SIGTERM before its input was read whole"):
        embed_file(spectra, tmp_path / "e.h5", device="cpu", batch_size=16)
    assert not list(tmp_path.iterdir())


def test_a_finished_file_is_refused_and_replaced_when_asked(spectra, whole, tmp_path):
    path = shutil.copy(whole, tmp_path / "e.h5")
    with pytest.raises(StoreError, match=r"e\.h5: exists and is finished; give --overwrite"):
        embed_file(spectra, path, device="cpu", batch_size=16)
    assert embed_file(spectra, path, device="cpu", batch_size=16, overwrite=True).resumed_at == 0
    assert datasets(path) == datasets(whole)


def test_overwrite_begins_an_unfinished_file_anew(spectra, unfinished):
    assert embed_file(spectra, unfinished, device="cpu", batch_size=32, overwrite=True).resumed_at == 0


def test_a_resume_refuses_another_batch_size(spectra, unfinished):
    with pytest.raises(StoreError, match="begun with batch_size 16, now it is 32"):
        embed_file(spectra, unfinished, batch_size=32)


def test_a_resume_refuses_another_device(spectra, unfinished):
    with pytest.raises(StoreError, match="begun with device cpu, now it is cuda"):
        embed_file(spectra, unfinished, device="cuda")


def test_a_resume_takes_the_stored_threads_and_refuses_others(spectra, unfinished, monkeypatch):
    with h5py.File(unfinished, "r+") as file:
        file.attrs["threads"] = 3
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", "1")
    with pytest.raises(StoreError, match="begun with threads 3, now it is 1"):
        embed_file(spectra, unfinished)
    monkeypatch.delenv("CHANDRA_EMBED_THREADS")
    embed_file(spectra, unfinished)


def test_a_resume_refuses_another_input(unfinished, tmp_path):
    other = write_spectra(tmp_path / "other.h5", ROWS, seed=1)
    with h5py.File(unfinished) as file:
        before = file.attrs["input_sha256"]
    after = store.sha256_file(other)
    with pytest.raises(StoreError, match=rf"{before} \(spectra\.h5\), now it is {after} \(other\.h5\)"):
        embed_file(other, unfinished)


def test_a_resume_refuses_another_bundle(spectra, unfinished, tmp_path):
    copy = shutil.copytree(registry.find("spectrum-8"), tmp_path / "copy")
    (copy / "manifest.json").write_text((copy / "manifest.json").read_text() + "\n")
    with pytest.raises(StoreError, match=r"begun with bundle sha256 \w{64} \(spectrum-8\), now it is \w{64}"):
        embed_file(spectra, unfinished, model=copy)


@pytest.mark.parametrize("name", ["onnxruntime", "provider"])
def test_a_resume_refuses_another_runtime(spectra, unfinished, name):
    with h5py.File(unfinished, "r+") as file:
        file.attrs[name] = "other"
    with pytest.raises(StoreError, match=f"begun with {name} other, now it is "):
        embed_file(spectra, unfinished)


def test_another_recipe_is_refused_with_both(tmp_path):
    recipe = Recipe(quantity="flux")
    spectra = write_spectra(tmp_path / "s.h5", 3, recipe=recipe)
    with pytest.raises(ChandraEmbedError, match=f"{recipe.fingerprint}.*{Recipe().fingerprint}"):
        embed_file(spectra, tmp_path / "e.h5", model="spectrum-8")
    assert not (tmp_path / "e.h5").exists()


def test_a_row_that_is_not_finite_is_named(tmp_path):
    spectra = write_spectra(tmp_path / "s.h5", 30)
    with h5py.File(spectra, "r+") as file:
        file["spectrum/value"][17, 3] = np.nan
    with pytest.raises(StoreError, match=r"s\.h5: row 17 of /spectrum/value"):
        embed_file(spectra, tmp_path / "e.h5", device="cpu")


def test_files_that_are_not_ours_are_refused_and_left_alone(spectra, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("precious")
    with pytest.raises(StoreError, match=r"notes\.txt: .*--overwrite"):
        embed_file(spectra, path)
    with pytest.raises(StoreError, match="is the input"):
        embed_file(spectra, spectra, overwrite=True)
    with pytest.raises(StoreError, match="not an HDF5 file"):
        embed_file(path, tmp_path / "e.h5")
    with pytest.raises(StoreError, match="there is no folder"):
        embed_file(spectra, tmp_path / "no" / "e.h5")
    assert path.read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt"]


def test_an_unknown_bundle_leaves_an_existing_output_alone(spectra, whole, tmp_path):
    path = shutil.copy(whole, tmp_path / "e.h5")
    with pytest.raises(BundleError, match="'nothing'"):
        embed_file(spectra, path, model="nothing", overwrite=True)
    assert datasets(path) == datasets(whole)


@pytest.fixture(scope="module")
def other(spectra, tmp_path_factory):
    """The file of another bundle, made by itself."""
    path = tmp_path_factory.mktemp("other") / "embeddings.h5"
    embed_file(spectra, path, model="spectrum-64", device="cpu", batch_size=16)
    return path


def pair(folder):
    return {folder / "a.h5": "spectrum-8", folder / "b.h5": "spectrum-64"}


def test_two_bundles_in_one_pass_are_as_each_by_itself(spectra, whole, other, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_chunks, "CHUNK", 32)
    read = []
    block = embedded_chunks.spectra_block
    monkeypatch.setattr(
        embedded_chunks, "spectra_block", lambda *given: read.append(given[1:]) or block(*given)
    )
    done = embed_files(spectra, pair(tmp_path), device="cpu", batch_size=16)
    assert [(one.bundle, one.rows, one.resumed_at) for one in done] == [
        ("spectrum-8", ROWS, 0),
        ("spectrum-64", ROWS, 0),
    ]
    assert datasets(tmp_path / "a.h5") == datasets(whole)
    assert datasets(tmp_path / "b.h5") == datasets(other)
    assert read == [(start, min(start + 32, ROWS)) for start in range(0, ROWS, 32)]


def test_outputs_that_were_stopped_apart_go_on_together(spectra, whole, other, unfinished, tmp_path):
    first = tmp_path / "a.h5"
    unfinished.rename(first)
    with pytest.MonkeyPatch.context() as patch:
        signal_at(patch, 48, signal.SIGTERM)
        with pytest.raises(
            ChandraEmbedError, match=rf"a\.h5, .*b\.h5: stopped by SIGTERM after 48 of {ROWS}"
        ):
            embed_files(spectra, pair(tmp_path), device="cpu", batch_size=16)
    assert [one.resumed_at for one in embed_files(spectra, pair(tmp_path))] == [160, 48]
    assert datasets(first) == datasets(whole)
    assert datasets(tmp_path / "b.h5") == datasets(other)


def test_what_a_killed_run_finished_first_is_kept(spectra, whole, other, unfinished, tmp_path):
    paths = {shutil.copy(other, tmp_path / "o.h5"): "spectrum-64", unfinished: "spectrum-8"}
    assert [one.resumed_at for one in embed_files(spectra, paths)] == [ROWS, 160]
    assert datasets(tmp_path / "o.h5") == datasets(other)
    assert datasets(unfinished) == datasets(whole)
    with pytest.raises(StoreError, match=r"o\.h5: exists and is finished"):
        embed_files(spectra, paths)
    with pytest.raises(StoreError, match=r"o\.h5: exists and is finished"):
        embed_files(spectra, {tmp_path / "o.h5": "spectrum-64", tmp_path / "new.h5": "spectrum-8"})


def test_outputs_that_cannot_go_together_are_refused(spectra, unfinished, tmp_path):
    with pytest.raises(StoreError, match="is given twice"):
        embed_files(spectra, {tmp_path / "a.h5": "spectrum-8", tmp_path / "." / "no" / ".." / "a.h5": "x"})
    with pytest.raises(StoreError, match=r"has batches of 32 rows, .* of 16; go on with each by itself"):
        embed_files(spectra, {unfinished: "spectrum-8", tmp_path / "new.h5": "spectrum-64"}, device="auto")
    with pytest.raises(BundleError, match="'nothing'"):
        embed_files(spectra, {tmp_path / "a.h5": "spectrum-8", tmp_path / "b.h5": "nothing"})
    assert not (tmp_path / "a.h5").exists()


def test_the_command_pairs_models_with_outputs(spectra, tmp_path):
    a, b = (str(path) for path in pair(tmp_path))
    given = [str(spectra), "--model", "spectrum-8", "-o", a, "-o", b, "--model", "spectrum-64", "--json"]
    done = CliRunner().invoke(command, [*given, "--device", "cpu"])
    assert done.exit_code == 0, done.output
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["output"], one["bundle"].split()[0]) for one in told] == [
        (a, "spectrum-8"),
        (b, "spectrum-64"),
    ]
    for short in (given[:-3], [*given[:5], "-o", a, *given[7:]]):
        refused = CliRunner().invoke(command, short)
        assert refused.exit_code == 2
        assert "give each model an output of its own" in refused.output


@pytest.mark.skipif(runtime.cuda_devices() > 0, reason="a CUDA device answers")
def test_cuda_without_a_device_fails(spectra, tmp_path):
    with pytest.raises(DeviceError, match="--device cpu"):
        embed_file(spectra, tmp_path / "e.h5", device="cuda")


def test_the_command_says_what_it_did_and_what_comes_next(spectra, tmp_path):
    path = tmp_path / "e.h5"
    done = CliRunner().invoke(command, [str(spectra), "-o", str(path), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert f"{ROWS} rows (simulated)" in done.stdout
    assert "rows/s" in done.stdout
    assert "device cpu (CPUExecutionProvider)" in done.stdout
    assert f"next: chandra-embed score {path}" in done.stdout
    again = CliRunner().invoke(command, [str(spectra), "-o", str(path)])
    assert again.exit_code == 1
    assert again.stderr.count("\n") == 1
    assert (
        CliRunner().invoke(command, [str(spectra), "-o", str(path), "--json", "--overwrite"]).exit_code == 0
    )
