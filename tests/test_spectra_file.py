"""Writing spectra.h5 row after row, in chunks."""

from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.spectra_file import CHUNK, SpectraWriter, spectra_block
from chandra_embed.inference.errors import Quarantined, StoreError
from chandra_embed.inference.preprocess import Observation
from chandra_embed.inference.recipe import Recipe

ONE = np.ones(400, np.float32)


def observation(n: int = 1024, **more: object) -> Observation:
    lo = np.arange(n) * 0.0146
    return Observation(np.arange(n, dtype=float), 10.0, lo, lo + 0.0146, **more)


@pytest.mark.parametrize("n", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_any_number_of_rows(tmp_path: Path, n: int) -> None:
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {"seed": 1}) as writer:
        for i in range(n):
            writer.append({"file": f"{i}", "obsid": i}, ONE * i, ONE, observation())
        assert writer.rows_with_pending == n
        writer.close()
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert store.row_count(file) == n
        assert list(store.read_column(file, "obsid")) == list(range(n))
        assert file["spectrum/value"].shape == (n, 400)
        assert file["counts/channel_lo"].shape == (min(n, 1), 1024)


def test_grids_are_shared_and_scales_by_channel_folded_in(tmp_path: Path) -> None:
    background = np.full(1024, 2.0)
    scale = np.linspace(0.5, 1.5, 1024)
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {}) as writer:
        writer.append({"file": "a"}, ONE, ONE, observation())
        writer.append({"file": "b"}, ONE, ONE, observation(685))
        writer.append({"file": "c"}, ONE, ONE, observation(background=background, scale=scale))
        writer.append({"file": "d"}, ONE, ONE, None)
        writer.close()
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert list(file["counts/grid"]) == [0, 1, 0, -1]
        assert np.isnan(file["counts/channel_lo"][1, 685:]).all()
        assert np.isnan(file["counts/background"][0]).all()
        expected = file["counts/background"][2] * file["counts/scale"][2]
        np.testing.assert_allclose(expected, background * scale, rtol=1e-6)


def test_a_text_too_long_is_refused_and_the_next_row_goes_in(tmp_path: Path) -> None:
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {}) as writer:
        with pytest.raises(Quarantined, match="name-too-long"):
            writer.append({"file": "a", "name": "é" * 17}, ONE, ONE, None)
        writer.append({"file": "b", "name": "é" * 16}, ONE, ONE, None)
        writer.close()
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert list(store.read_column(file, "name")) == ["é" * 16]


def test_a_run_that_stops_leaves_an_unfinished_file(tmp_path: Path) -> None:
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {}) as writer:
        writer.append({"file": "a"}, ONE, ONE, None)
    with pytest.raises(StoreError, match="not finished"):
        store.open_store(tmp_path / "s.h5", store.SPECTRA)


def test_blocks_are_checked(tmp_path: Path) -> None:
    with SpectraWriter(tmp_path / "s.h5", Recipe(), {}) as writer:
        for i in range(3):
            writer.append({"file": "a"}, ONE if i < 2 else ONE * np.nan, ONE, None)
        writer.close()
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert spectra_block(file, 0, 2).shape == (2, 400)
        with pytest.raises(StoreError, match="row 2"):
            spectra_block(file, 1, 3)
