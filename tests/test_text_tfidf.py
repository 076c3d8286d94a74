import json

import numpy as np
import pytest
from chandra_embed.inference.errors import BundleError
from chandra_embed.inference.text.table import read_texts
from chandra_embed.inference.text.tfidf import TfidfEncoder, terms, words
from chandra_embed.training.text import fit_tfidf
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

MADE_UP = (
    "",
    "   \n\t ",
    "Schrödinger's naïve café: Ångström, Señor, Hα and Fe XXV",
    "A low-mass X-ray binary, Aql X-1, at 5.2 kpc in M31",
    "a LOW mass x ray binary; aql x 1 at 5.2 kpc in m31 and m31 and m31",
    "中子星 双星 в Магеллановом Облаке, πηγή ακτίνων Χ",
    "в Магеллановом Облаке: πηγή, 中子星",
    "2CXO J004245.4+411608 has L_X = 1.5e38 erg/s; 0.5-7.0 keV",
    "the the the the the source in 0.5-7.0 keV at L_X",
    "unlike-anything-else",
)
SMALL = TfidfEncoder(["x", "ray", "x ray", "1"], [1.0, 2.0, 3.0, 1.5], [[1, 0, 0, 0.5], [0, 1, 1, 0]])


def reference(texts, n_components, min_df):
    """Return bag and vectors as scikit-learn alone makes them, its own n-grams and all."""
    known = TfidfVectorizer(
        tokenizer=words,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        min_df=min_df,
        sublinear_tf=True,
    )
    svd = TruncatedSVD(n_components, n_iter=5, random_state=0)
    vectors = make_pipeline(known, svd, Normalizer()).fit_transform(texts)
    return known.transform(texts).toarray(), vectors


def up_to_sign(vectors, expected):
    """Turn columns of the reference to the signs of the vectors."""
    return expected * np.sign(np.sum(vectors * expected, axis=0) + 1e-30)


def check_parity(texts, n_components, min_df):
    encoder = fit_tfidf(texts, n_components, min_df)
    bag, vectors = reference(texts, n_components, min_df)
    np.testing.assert_allclose(encoder.bag(texts).toarray(), bag, rtol=0, atol=1e-12)
    found = encoder.encode(texts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, up_to_sign(found, vectors), rtol=0, atol=1e-6)
    return encoder


def test_the_bag_and_the_vectors_are_those_of_scikit_learn():
    encoder = check_parity(MADE_UP, 4, 1)
    assert encoder.size == 4
    check_parity(MADE_UP, 3, 2)


@pytest.mark.real
def test_the_bag_and_the_vectors_of_real_abstracts_are_those_of_scikit_learn(chandra_data):
    read = read_texts(chandra_data / "texts" / "arxiv_xray_abstracts.jsonl", keyed=False)
    assert len(read) == 203
    encoder = check_parity(read.texts, 128, 2)
    # texts it was not fitted to
    bag = encoder.bag(MADE_UP).toarray()
    lengths = np.linalg.norm(bag, axis=1)
    assert np.all((lengths == 0) | (np.abs(lengths - 1) < 1e-12))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("--- ... _ \n", []),
        ("Low-mass X-ray binary", ["low", "mass", "x", "ray", "binary"]),
        ("X-1 at 0.5 kpc.", ["x", "1", "at", "0.5", "kpc"]),
        ("0.5-7.0 keV", ["0.5", "7.0", "kev"]),
        ("J1234.5+6789", ["j1234", "5", "6789"]),
        ("1.2.3", ["1.2", "3"]),
        ("Schrödinger ÅNGSTRÖM naïve", ["schrodinger", "angstrom", "naive"]),
        ("e\u0301toile étoile", ["etoile", "etoile"]),
        ("Straße İO", ["strasse", "io"]),
        ("L_X", ["l", "x"]),
        ("10³⁸ erg", ["10³⁸", "erg"]),
        ("中子星 и Лебедь X-1", ["中子星", "и", "лебедь", "x", "1"]),
    ],
)
def test_words(text, expected):
    assert words(text) == expected
    assert TfidfEncoder.words(text) == expected


def test_terms_are_words_and_pairs():
    assert terms("X-ray, X") == ["x", "ray", "x", "x ray", "ray x"]
    assert terms("one") == ["one"]
    assert terms("") == []


def test_weights_by_hand():
    # x twice, ray once, "x ray" once; "ray x" is no term
    weight = np.array([(1 + np.log(2)) * 1.0, 2.0, 3.0, 0.0])
    np.testing.assert_allclose(
        SMALL.bag(["X-ray, x"]).toarray()[0], weight / np.linalg.norm(weight), rtol=1e-15
    )
    vector = np.array([weight[0], weight[1] + weight[2]])
    np.testing.assert_allclose(SMALL.encode(["X-ray, x"])[0], vector / np.linalg.norm(vector), rtol=1e-6)


def test_a_text_without_a_known_word_is_a_zero_row():
    found = SMALL.encode(["", "nothing known", "x"])
    assert np.linalg.norm(found, axis=1).tolist() == [0.0, 0.0, 1.0]
    assert SMALL.bag(["", "nothing known"]).nnz == 0


def test_no_texts_and_any_iterable():
    assert SMALL.encode([]).shape == (0, 2)
    assert SMALL.bag([]).shape == (0, 4)
    np.testing.assert_array_equal(SMALL.encode(iter(["x", "ray"])), SMALL.encode(["x", "ray"]))


def test_a_row_does_not_depend_on_the_others():
    encoder = fit_tfidf(MADE_UP, 4, 1)
    together = encoder.encode(MADE_UP)
    alone = np.concatenate([encoder.encode([text]) for text in MADE_UP])
    assert together.tobytes() == alone.tobytes()
    assert encoder.encode(MADE_UP[::-1]).tobytes() == together[::-1].tobytes()


@pytest.mark.parametrize(
    ("texts", "said"), [("one text", "one str"), (["a", None], "text 1 is NoneType"), ([b"a"], "text 0")]
)
def test_what_is_no_list_of_texts_is_refused(texts, said):
    with pytest.raises(ValueError, match=said):
        SMALL.encode(texts)


@pytest.mark.parametrize(
    ("vocabulary", "idf", "components", "said"),
    [
        (["a", "b"], [1.0], [[1, 2]], "2 terms, idf of shape"),
        (["a", "b"], [1.0, 1.0], [[1]], "components of shape"),
        (["a", "b"], [1.0, 1.0], [1, 2], "components of shape"),
        (["a", "a"], [1.0, 1.0], [[1, 2]], "give each once"),
        (["a", "b"], [1.0, np.nan], [[1, 2]], "finite"),
        (["a", "b"], [1.0, 1.0], [[1, np.inf]], "finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(vocabulary, idf, components, said):
    with pytest.raises(ValueError, match=said):
        TfidfEncoder(vocabulary, idf, components)


def test_saved_and_loaded_is_the_same(tmp_path):
    encoder = fit_tfidf(MADE_UP, 4, 1)
    encoder.save(tmp_path / "a")
    loaded = TfidfEncoder.load(tmp_path / "a")
    assert loaded.encode(MADE_UP).tobytes() == encoder.encode(MADE_UP).tobytes()
    loaded.save(tmp_path / "b")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["vocabulary.json", "weights.npz"]
    for name in ("vocabulary.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_no_pickle_is_read(tmp_path):
    SMALL.save(tmp_path)
    idf = np.array([{"a": 1}, 2, 3, 4], dtype=object)
    np.savez(tmp_path / "weights.npz", idf=idf, components=SMALL.components)
    with pytest.raises(BundleError, match=r"weights\.npz: Object arrays cannot be loaded"):
        TfidfEncoder.load(tmp_path)


def damage(folder, name, content):
    SMALL.save(folder)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)


def vocabulary(**changes):
    head = {"format": "chandra-embed/tfidf", "format_version": 1, "terms": ["x", "ray", "x ray", "1"]}
    return json.dumps({**head, **changes}).encode()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("vocabulary.json", None, "No such file"),
        ("vocabulary.json", b"{", "not a vocabulary"),
        ("vocabulary.json", b"[]", "not a vocabulary"),
        ("vocabulary.json", b"{}", "not a vocabulary"),
        ("vocabulary.json", vocabulary(format="other"), "not a vocabulary"),
        ("vocabulary.json", vocabulary(terms=["x", 1]), "not a vocabulary"),
        ("vocabulary.json", vocabulary(format_version=2), "upgrade"),
        ("vocabulary.json", vocabulary(terms=["x"]), "weights.npz: 1 terms, idf of shape"),
        ("weights.npz", None, "No such file"),
        ("weights.npz", b"", "fit the text encoder again"),
        ("weights.npz", b"PK\x03\x04 cut", "fit the text encoder again"),
    ],
)
def test_altered_files_are_refused_in_one_line(tmp_path, name, content, said):
    damage(tmp_path, name, content)
    with pytest.raises(BundleError, match=said) as caught:
        TfidfEncoder.load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_weights_without_an_array_are_refused(tmp_path):
    SMALL.save(tmp_path)
    np.savez(tmp_path / "weights.npz", idf=SMALL.idf)
    with pytest.raises(BundleError, match="components"):
        TfidfEncoder.load(tmp_path)
