"""A run of the aligner: an earlier one is replaced only once the new one's input has been read."""

import pytest

pytest.importorskip("torch")

from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.align_run import run
from chandra_embed.training.checkpoint import FILE, META

pytestmark = pytest.mark.train


def test_input_that_cannot_be_read_costs_no_earlier_run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (FILE, META):
        (folder / name).write_text("earlier")
    foreign = tmp_path / "spectra.h5"
    foreign.write_text("no HDF5")
    vectors = tmp_path / "vectors.npz"
    vectors.write_text("no npz")
    with pytest.raises(ChandraEmbedError, match=r"spectra\.h5|vectors\.npz"):
        run([foreign], folder, model="spectrum-64", vectors=vectors, overwrite=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {FILE: "earlier", META: "earlier"}
