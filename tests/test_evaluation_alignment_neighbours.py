from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.training.evaluation.alignment_neighbours import neighbourhoods
from made_pairs import made_pairs


def of(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_alignment_narrows_what_its_planted_space_narrows():
    pairs = made_pairs(500, events=False)
    hard = pairs.spectra.detection["hard_hs"]
    angle = np.pi / 2 * hard
    by_hardness = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    other = replace(pairs.spectra, embedding=by_hardness)
    _, spreads = neighbourhoods(replace(pairs, spectra=other))
    (row,) = of(spreads, modality="spectrum", variable="hard_hs")
    assert row["difference_high95"] < 0
    assert row["difference"] == pytest.approx(row["after"] - row["before"])
    assert row["neighbours"] == 10
    train = pairs.part == "train"
    same = replace(pairs.spectra, embedding=pairs.spectra.latent - pairs.spectra.latent[train].mean(axis=0))
    cosines, spreads = neighbourhoods(replace(pairs, spectra=same))
    for row in of(spreads, modality="spectrum"):
        assert row["difference"] == pytest.approx(0, abs=1e-6)
    before, after = of(cosines, modality="spectrum")
    assert before["within_class"] == pytest.approx(after["within_class"], abs=1e-5)
    assert before["gap_low95"] > 0
