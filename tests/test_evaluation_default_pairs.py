import json

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog.event_table import has_events
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.text.table import read_texts
from chandra_embed.training.datasets import split
from chandra_embed.training.evaluation.default_pairs import REPETITIONS, default_pairs
from chandra_embed.training.evaluation.outside_data import DataNotNamed


def test_data_that_are_not_named_and_a_missing_table(monkeypatch, tmp_path):
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    with pytest.raises(DataNotNamed):
        default_pairs(tmp_path, Recipe())
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(tmp_path))
    with pytest.raises(ChandraEmbedError, match=r"muwclass_TD\.csv: no such table"):
        default_pairs(tmp_path, Recipe())


@pytest.mark.real
def test_every_detection_has_its_text_and_events(chandra_data, monkeypatch, tmp_path):
    data = tmp_path / "data"
    (data / "tables").mkdir(parents=True)
    (data / "texts").symlink_to(chandra_data / "texts")
    lines = (chandra_data / "tables" / "muwclass_TD.csv").read_text().splitlines(keepends=True)
    (data / "tables" / "muwclass_TD.csv").write_text("".join(lines[:9]))
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(data))
    spectra, texts = default_pairs(tmp_path / "new", Recipe())
    with h5py.File(spectra) as file:
        names = file["detection/file"].asstr()[...].tolist()
        source = file["detection/source_id"].asstr()[...]
        assert has_events(file)
        assert file.attrs["simulated"]
    assert len(names) == len(set(names)) == 8 * REPETITIONS
    table = read_texts(texts)
    assert table.semi_simulated
    assert table.key == "file"
    assert table.keys.tolist() == names
    for part, mask in split(source, 0, 0.1, 0.5).items():
        np.testing.assert_array_equal(table.splits == part, mask)
    head = json.loads(texts.read_text().splitlines()[0])
    assert head["semi_simulated"]
    stamp = spectra.stat().st_mtime_ns
    assert default_pairs(tmp_path / "new", Recipe()) == (spectra, texts)
    assert spectra.stat().st_mtime_ns == stamp
