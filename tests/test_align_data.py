import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError

pytest.importorskip("torch")

from chandra_embed.training.align_data import AlignmentData, split_of
from chandra_embed.training.datasets import log_range, split

pytestmark = pytest.mark.train
N = 40
NAMES = np.array([f"source {i // 2}" for i in range(N)])


def arrays(**changes):
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=(N, 3)).astype(np.float32) for name in ("spectrum", "event", "text")}
    made["event"][::3] = np.nan
    return {**made, "source_id": NAMES, **changes}


def test_the_default_split_is_that_of_the_encoders():
    data = AlignmentData(**arrays())
    masks = split(NAMES, 0, 0.1, 0.5)
    for part, mask in masks.items():
        assert np.array_equal(data.split == part, mask)
        taken = data.take(part)
        assert np.array_equal(taken.source_id, NAMES[mask])
        assert np.array_equal(taken.rows["text"], data.text[mask])
        assert np.array_equal(taken.present("event"), np.isfinite(data.event[mask, 0]))
    assert np.array_equal(split_of(NAMES), data.split)


def test_the_level_of_a_spectrum_goes_beside_its_latent():
    level = np.linspace(-5, -1, N).astype(np.float32)
    data, without = AlignmentData(**arrays(level=level)), AlignmentData(**arrays())
    np.testing.assert_array_equal(data.rows("spectrum"), np.hstack([data.spectrum, level[:, None]]))
    assert data.take("train").rows["spectrum"].shape[1] == 4
    assert (data.width("spectrum"), without.rows("spectrum").shape[1]) == (3, 3)
    assert data.digest() != without.digest()
    found = log_range(np.array([[0.0, 1e-3, 5e-4], [-1.0, 9.0, 0.0]], np.float32))
    np.testing.assert_allclose(found, [-3, 1], rtol=1e-6)


def test_an_absent_modality_is_in_no_part():
    data = AlignmentData(**arrays(event=None))
    assert set(data.take("train").rows) == {"spectrum", "text"}
    assert (data.width("event"), data.width("text")) == (0, 3)


def test_the_digest_tells_every_number_apart():
    first = AlignmentData(**arrays()).digest()
    assert AlignmentData(**arrays()).digest() == first
    text = arrays()["text"]
    text[7, 1] += 1e-6
    assert AlignmentData(**arrays(text=text)).digest() != first
    assert AlignmentData(**arrays(event=None)).digest() != first
    parts = split_of(NAMES)
    parts[NAMES[0] == NAMES] = "train" if parts[0] != "train" else "validation"
    assert AlignmentData(**arrays(split=parts)).digest() != first


def spoilt(name, row, value):
    made = arrays()[name]
    made[row, 1] = value
    return {name: made}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (spoilt("text", 4, np.nan), "row 4 of text is not finite"),
        (spoilt("spectrum", 5, np.inf), "row 5 of spectrum"),
        (spoilt("event", 1, np.nan), "row 1 of event"),  # half a row is an error, a whole one is none there
        ({"text": np.zeros((N - 1, 3), np.float32)}, "text has shape"),
        ({"text": np.zeros(N, np.float32)}, "text has shape"),
        ({"event": np.full((N, 3), np.nan, np.float32)}, "fewer than two training rows"),
        ({"level": np.full(N, np.inf, np.float32)}, "row 0 of spectrum"),
        ({"level": np.zeros(N, np.float32), "spectrum": None}, "levels without spectra"),
        ({"spectrum": None, "event": None}, "neither spectra nor event lists"),
        ({"split": np.full(N, "train")}, "validation part"),
        ({"split": np.full(N, "learn")}, "split must name"),
        ({"split": np.array(["train", "validation", "test", "test"] * 10)}, "in two parts"),
        ({"source_id": np.array(["one"] * N)}, "leave no source"),
    ],
)
def test_what_cannot_be_aligned_is_named(changes, words):
    with pytest.raises(ChandraEmbedError, match=words):
        AlignmentData(**arrays(**changes))


def test_no_rows():
    none = np.zeros((0, 3), np.float32)
    with pytest.raises(ChandraEmbedError, match="0 pairs"):
        AlignmentData(text=none, source_id=np.zeros(0, "U1"), spectrum=none)
