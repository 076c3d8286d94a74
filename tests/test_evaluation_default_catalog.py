import h5py
import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe
from chandra_embed.training.evaluation.default_catalog import evaluation_catalog
from chandra_embed.training.evaluation.outside_data import DataNotNamed
from chandra_embed.training.evaluation.spectra_rows import read_rows


def test_data_that_are_not_named_and_a_missing_table(monkeypatch, tmp_path):
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    with pytest.raises(DataNotNamed):
        evaluation_catalog(tmp_path, Recipe())
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(tmp_path))
    with pytest.raises(ChandraEmbedError, match=r"muwclass_TD\.csv: no such table; name a file"):
        evaluation_catalog(tmp_path, Recipe())


@pytest.mark.real
def test_the_evaluation_catalog_is_made_once(chandra_data, monkeypatch, tmp_path):
    lines = (chandra_data / "tables" / "muwclass_TD.csv").read_text().splitlines(keepends=True)
    table = tmp_path / "data" / "tables" / "muwclass_TD.csv"
    table.parent.mkdir(parents=True)
    table.write_text("".join(lines[:13]))
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(tmp_path / "data"))
    out = tmp_path / "new" / "folder"
    (path,) = evaluation_catalog(out, Recipe())
    assert path == out / "evaluation-muwclass.h5"
    first = read_rows(path)
    assert first.facts["simulated"]
    assert first.facts["rows"] == 12
    assert first.truth_value is not None
    stamp = path.stat().st_mtime_ns
    assert evaluation_catalog(out, Recipe()) == [path]
    assert path.stat().st_mtime_ns == stamp
    with h5py.File(path, "r+") as file:
        file.attrs.modify("complete", np.False_)
    evaluation_catalog(out, Recipe())
    np.testing.assert_array_equal(read_rows(path).value, first.value)
    table.write_text("".join(lines[:11]))
    evaluation_catalog(out, Recipe())
    assert read_rows(path).facts["rows"] == 10
    (flux,) = evaluation_catalog(out, Recipe(quantity="flux"))
    assert flux != path
    assert read_rows(flux).recipe.quantity == "flux"
