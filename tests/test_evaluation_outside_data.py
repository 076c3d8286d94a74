import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.outside_data import DataNotNamed, data_folder, known_sources


@pytest.mark.parametrize("value", ["", "nowhere"])
def test_data_that_are_not_named(monkeypatch, tmp_path, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHANDRA_EMBED_DATA", value)
    with pytest.raises(DataNotNamed, match=r"CHANDRA_EMBED_DATA='.*tables/muwclass_TD\.csv"):
        data_folder()
    with pytest.raises(DataNotNamed):
        known_sources("mend")
    monkeypatch.delenv("CHANDRA_EMBED_DATA")
    with pytest.raises(DataNotNamed):
        data_folder()


def test_the_table_of_known_sources(monkeypatch, tmp_path):
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(tmp_path))
    with pytest.raises(ChandraEmbedError, match=r"muwclass_TD\.csv: no such table; mend so"):
        known_sources("mend so")
    table = tmp_path / "tables" / "muwclass_TD.csv"
    table.parent.mkdir()
    table.touch()
    assert known_sources("mend so") == table
