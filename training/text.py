"""Fitting the built-in text encoder: TF-IDF and a truncated SVD, by scikit-learn, without torch."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.catalog.store import sha256_file
from ..inference.errors import ChandraEmbedError
from ..inference.text.encoder import TFIDF_FILES, check_texts
from ..inference.text.table import Texts, read_texts
from ..inference.text.tfidf import TfidfEncoder, words

META, UNFINISHED = "meta.json", "unfinished"
FORMAT_VERSION = 1
POWER_ITERATIONS = 5  # of the randomised SVD
# below this, relative to the largest, a singular value is rounding and its component arbitrary
RANK = 1e-6


def fit_tfidf(texts: Iterable[str], n_components: int = 128, min_df: int = 2, seed: int = 0) -> TfidfEncoder:
    """Fit words and word pairs, their idf, and the components of a truncated SVD.

    The same texts and seed give the same bytes, whatever the number of threads.

    Parameters
    ----------
    texts : iterable of str
        The corpus.
    n_components : int
        Length of a vector.
    min_df : int
        Terms of fewer texts are left out.
    seed : int
        Of the randomised SVD (Halko, Martinsson & Tropp 2011).

    Returns
    -------
    TfidfEncoder
        Ready to use and to save.

    Raises
    ------
    ChandraEmbedError
        No term stands in `min_df` texts, or the texts hold fewer than `n_components` directions.
    ValueError
        `n_components`, `min_df` or `seed` is no number of things.
    """
    for name, value, least in (("n_components", n_components, 1), ("min_df", min_df, 1), ("seed", seed, 0)):
        if value < least:
            raise ValueError(f"{name} {value}: give a whole number, at least {least}")
    from sklearn.feature_extraction.text import TfidfVectorizer

    corpus = check_texts(texts)
    known = TfidfVectorizer(
        tokenizer=words,
        token_pattern=None,
        lowercase=False,  # words does
        ngram_range=(1, 2),
        min_df=min_df,
        sublinear_tf=True,
    )
    try:
        bag = known.fit_transform(corpus)
        left = len(known.vocabulary_)
    except ValueError:  # too few texts, no word, or none in so many texts
        left = 0
    if left < 2:  # what the SVD takes
        raise ChandraEmbedError(
            f"fewer than two words stand in {min_df} of the {len(corpus)} texts: give more texts"
        )
    components = _components(bag, n_components, seed)
    return TfidfEncoder(known.get_feature_names_out().tolist(), known.idf_, components)


def train_text(
    paths: Sequence[Path],
    output: Path,
    *,
    n_components: int = 128,
    min_df: int = 2,
    seed: int = 0,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Fit the text encoder to files of texts and write it into a folder, with ``meta.json`` beside it.

    Where a file says which text is in which split, only those of ``train`` are fitted.

    Parameters
    ----------
    paths : sequence of Path
        Files that :func:`read_texts` takes; names of sources are not needed.
    output : Path
        Folder for ``vocabulary.json``, ``weights.npz`` and ``meta.json``.
    n_components, min_df, seed
        As :func:`fit_tfidf` takes them.
    overwrite : bool
        Replace an encoder that is there.

    Returns
    -------
    dict
        What stands in ``meta.json``: kind, format_version, settings, texts (name, sha256, rows, fitted,
        semi_simulated of each file), semi_simulated, fitted, terms, size, share (mean squared length
        of the fitted unit rows that the components keep).

    Raises
    ------
    ChandraEmbedError
        The folder holds an encoder or cannot be written, a file cannot be read or is named twice, or the
        texts are too few.
    """
    present = [name for name in (*TFIDF_FILES, META) if (output / name).exists()]
    stopped = (output / UNFINISHED).exists()
    if present and not overwrite and not stopped:
        raise ChandraEmbedError(f"{output / present[0]}: exists; give another folder, or --overwrite")
    corpus: list[str] = []
    files: list[dict[str, Any]] = []
    for path in paths:
        read = read_texts(path, keyed=False)
        chosen = _training(read)
        facts = {"name": path.name, "sha256": sha256_file(path), "rows": len(read), "fitted": len(chosen)}
        if facts["sha256"] in [file["sha256"] for file in files]:
            raise ChandraEmbedError(f"{path}: has the same bytes as a file before it; name it once")
        files.append({**facts, "semi_simulated": read.semi_simulated})
        corpus += chosen
    encoder = fit_tfidf(corpus, n_components, min_df, seed)
    meta = {
        "kind": "tfidf",
        "format_version": FORMAT_VERSION,
        "settings": {"n_components": n_components, "min_df": min_df, "seed": seed},
        "texts": files,
        "semi_simulated": any(file["semi_simulated"] for file in files),
        "fitted": len(corpus),
        "terms": len(encoder.vocabulary),
        "size": encoder.size,
        "share": kept_share(encoder, corpus),
    }
    try:
        _write(output, encoder, meta)
    except OSError as error:
        raise ChandraEmbedError(
            f"{output}: cannot be written ({error.strerror or error}); make room, or give another folder"
        ) from error
    return meta


def _write(output: Path, encoder: TfidfEncoder, meta: dict[str, Any]) -> None:
    """Write the encoder; until it is whole a mark stands beside it and nothing that could be opened."""
    output.mkdir(parents=True, exist_ok=True)
    (output / UNFINISHED).touch()
    for name in (META, *TFIDF_FILES):
        (output / name).unlink(missing_ok=True)
    encoder.save(output)
    temporary = output / f"{META}.tmp"
    temporary.write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, output / META)
    (output / UNFINISHED).unlink()


def kept_share(encoder: TfidfEncoder, texts: Sequence[str]) -> float:
    """Return the mean squared length of the texts' unit rows after projection on the components, 0..1."""
    projected = encoder.bag(texts) @ encoder.components.T.astype(np.float64)
    return float(np.square(projected).sum(axis=1).mean())


def _components(bag: Any, n_components: int, seed: int) -> NDArray[np.float64]:
    """Return right singular vectors of the rows, shape (n_components, v), each with its sign settled."""
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits

    _enough(min(bag.shape), n_components, "directions at most")
    svd = TruncatedSVD(n_components, n_iter=POWER_ITERATIONS, random_state=seed)
    # one thread, so that sums have one order; equal texts have no variance to divide by
    with threadpool_limits(limits=1), np.errstate(invalid="ignore"):
        svd.fit(bag)
    rank = int((svd.singular_values_ > RANK * svd.singular_values_[0]).sum())
    _enough(rank, n_components, "directions")
    components: NDArray[np.float64] = svd.components_
    # a singular vector may point either way: the largest loading is positive
    largest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(n_components), largest])[:, None]
    return components


def _training(read: Texts) -> list[str]:
    """Return the texts that may be fitted."""
    if read.splits is None:
        return list(read.texts)
    return [text for text, split in zip(read.texts, read.splits, strict=True) if split == "train"]


def _enough(there: int, asked: int, what: str) -> None:
    if there < asked:
        raise ChandraEmbedError(
            f"the texts hold {there} {what}, {asked} are asked for: give more texts, or --components {there}"
        )
