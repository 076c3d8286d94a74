import h5py
import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.text.precomputed import read_vectors

NAMES = ["2CXO J004245.4+411608", "Müller 1", "2CXO J004245.4+411608"]
VECTORS = np.random.default_rng(0).normal(size=(3, 1536))


def write(path, name, embedding):
    if path.suffix == ".npz":
        np.savez(path, name=name, embedding=embedding)
        return path
    with h5py.File(path, "w") as file:
        array = np.asarray(name)
        kind = h5py.string_dtype() if array.dtype.kind in "UO" else None
        file.create_dataset("name", data=array.astype(object) if kind else array, dtype=kind)
        file["embedding"] = embedding
    return path


@pytest.mark.parametrize("suffix", ["h5", "npz"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_names_and_vectors_in_the_order_of_the_file(tmp_path, suffix, dtype):
    names, vectors = read_vectors(write(tmp_path / f"v.{suffix}", np.array(NAMES), VECTORS.astype(dtype)))
    assert names.tolist() == NAMES
    assert names.dtype.kind == "U"
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, VECTORS.astype(dtype).astype(np.float32))


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_fixed_bytes_and_whole_numbers(tmp_path, suffix):
    raw = np.array([name.encode() for name in NAMES])
    names, vectors = read_vectors(write(tmp_path / f"v.{suffix}", raw, np.arange(6).reshape(3, 2)))
    assert names.tolist() == NAMES
    assert vectors.tolist() == [[0, 1], [2, 3], [4, 5]]


INFINITE = VECTORS.copy()
INFINITE[1, 5] = np.inf
HUGE = VECTORS.copy()
HUGE[2, 0] = 1e300


@pytest.mark.parametrize("suffix", ["h5", "npz"])
@pytest.mark.parametrize(
    ("names", "vectors", "said"),
    [
        (NAMES[:2], VECTORS, r"name has shape \(2,\) and embedding \(3, 1536\)"),
        (NAMES, VECTORS[:, 0], r"embedding \(3,\)"),
        (NAMES[0], VECTORS, r"name has shape \(\)"),
        ([], VECTORS[:0], r"give \(n,\) and \(n, d\)"),
        (NAMES, VECTORS[:, :0], r"give \(n,\) and \(n, d\)"),
        (["a", "", "c"], VECTORS, "row 1 has an empty name"),
        ([1, 2, 3], VECTORS, "name is int64; give text"),
        (np.array([b"a", b"\xff", b"c"]), VECTORS, "name is not UTF-8"),
        (NAMES, INFINITE, "row 1 of embedding .Müller 1. is not finite"),
        (NAMES, HUGE, "row 2 of embedding"),
        (NAMES, VECTORS + 1j, "embedding is complex128; give real numbers"),
    ],
)
def test_what_is_no_table_of_vectors_is_refused(tmp_path, suffix, names, vectors, said):
    path = write(tmp_path / f"v.{suffix}", names, vectors)
    with pytest.raises(ChandraEmbedError, match=said) as caught:
        read_vectors(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pickled_names_are_refused(tmp_path):
    path = write(tmp_path / "v.npz", np.array(NAMES, dtype=object), VECTORS)
    with pytest.raises(ChandraEmbedError, match=r"store name as numpy\.array"):
        read_vectors(path)


def test_a_missing_part_is_named(tmp_path):
    np.savez(tmp_path / "v.npz", name=np.array(NAMES))
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["name"] = NAMES
    for name in ("v.npz", "v.h5"):
        with pytest.raises(ChandraEmbedError, match=r"needs both name and embedding.*embedding"):
            read_vectors(tmp_path / name)


@pytest.mark.parametrize("content", [None, b"", b"words", b"PK\x05\x06" + 18 * b"\0", b"\x89HDF\r\n\x1a\n"])
def test_another_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "vectors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ChandraEmbedError, match=r"vectors: (not an HDF5 or npz file|needs both)"):
        read_vectors(path)
