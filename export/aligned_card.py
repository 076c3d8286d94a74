"""``MODEL_CARD.md`` of an aligned bundle, rendered from the manifest alone, so that both agree."""

from collections.abc import Mapping
from typing import Any

from .model_card import figures, file_list, licence, limits, origin, recipe, render, training, wrap

ALIGNED = "arXiv 2603.04516"


def aligned_card(manifest: Mapping[str, Any]) -> str:
    """Return the model card of an aligned bundle.

    Parameters
    ----------
    manifest : mapping
        As :func:`~.aligned.export_aligned` makes it.

    Returns
    -------
    str
        Markdown.
    """
    return render(
        manifest,
        _figures,
        opening=f"{origin(manifest)}\n\n{_texts_are(manifest)}",
        what=f"{_what(manifest)}\n\n{file_list(manifest)}\n\n{_others(manifest)}",
        taken=f"{recipe(manifest)}\n\n{_event_recipe(manifest)}",
        trained=f"{training(manifest)}\n\n{_pairs(manifest)}\n\n{_base(manifest)}",
        limited=f"{limits(manifest)}\n{_limits(manifest)}",
        licensed=f"{licence(manifest)} {_citation()}",
    )


def _texts_are(manifest: Mapping[str, Any]) -> str:
    if manifest["semi_simulated"]:
        return wrap(
            "**The pairs are SEMI-SIMULATED**: the texts were made from catalog columns, the simulator's "
            "source-level physics and sentences of real abstracts, with errors and omissions. On texts that "
            "astronomers wrote of their own sources nothing below was measured."
        )
    return wrap("The texts are those that the user gave.")


def _what(manifest: Mapping[str, Any]) -> str:
    c, base = manifest["aligner"], manifest["base"]
    level = ", with the level of the spectrum, log10 of its range," if c.get("level") else ""
    regulariser = f"{c['regulariser']}, lambda {c['weight']:g}" if c["weight"] else "none (lambda 0)"
    return wrap(
        f"One space of {c['size']} numbers for {_words(manifest['modalities'])}. The spectrum encoder is "
        f"that of {base['name']} {base['version']}, frozen; on its latents{level} and on those of the others "
        f"stand heads of one hidden layer of {c['hidden']} ({manifest['parameters']:,} parameters), fitted by"
        " symmetric InfoNCE, in which rows of one source are never negatives of each other, and a "
        f"regulariser: {regulariser}. The temperature was learnt: {manifest['temperature']:.3f}. The latent, "
        f"the decoder and so the reconstruction are those of {base['name']}; the embedding is new."
    )


def _words(names: list[str]) -> str:
    plural = {"spectrum": "spectra", "event": "event lists", "text": "texts"}
    found = [plural[name] for name in names]
    return f"{', '.join(found[:-1])} and {found[-1]}"


def _others(manifest: Mapping[str, Any]) -> str:
    lines = [
        "`bag_of_words.npz`: the linear baseline, ridge regression from text vectors to latents of spectra: "
        "`weights`, `intercept`, and `mean`, `scale` of the training latents, by which rows are compared",
        "`baseline.npz`: PCA of spectra with as many numbers as the encoder has latents, and hashes of all "
        "sources that any part of the model has seen",
    ]
    if any(file.startswith("text_encoder/") for file in manifest["files"]):
        lines.append("`text_encoder/`: turns words into what `align_text.onnx` takes")
    else:
        lines.append(
            "no text encoder: the vectors of texts were made elsewhere, and so must those of queries"
        )
    return "\n".join(wrap(line, "- ") for line in lines)


def _event_recipe(manifest: Mapping[str, Any]) -> str:
    found = manifest["event_recipe"]
    if found is None:
        return wrap("Event lists are not embedded.")
    settings = ", ".join(f"{name} {value}" for name, value in sorted(found.items()))
    return wrap(f"Event lists as counts in energy and good time: {settings}.")


def _pairs(manifest: Mapping[str, Any]) -> str:
    joined = manifest["joined"]
    kind = "semi-simulated " if manifest["semi_simulated"] else ""
    lines = [
        wrap(
            f"`{file['name']}`, {file['rows']:,} {'semi-simulated ' if file['semi_simulated'] else ''}texts, "
            f"sha256 `{file['sha256']}`",
            "- ",
        )
        for file in manifest["texts"]
    ]
    sources = ", ".join(f"{n:,} for {part}" for part, n in manifest["sources"].items())
    text = wrap(
        f"{joined['pairs']:,} {kind}pairs by {joined['by']}: {sources} (sources); "
        f"{joined['detections_without_text']:,} detections had no text, "
        f"{joined['texts_without_detection']:,} texts no detection."
    )
    return "\n".join(lines) + "\n\n" + text


def _base(manifest: Mapping[str, Any]) -> str:
    base = manifest["base"]
    simulated = all(source["simulated"] for source in base["trained_on"])
    files = ", ".join(f"`{source['file']}`" for source in base["trained_on"])
    return wrap(
        f"The spectrum encoder itself, {base['name']} {base['version']} (sha256 of its manifest "
        f"`{base['sha256']}`), was trained on {'SIMULATED ' if simulated else ''}spectra: {files}."
    )


def _figures(measured: Mapping[str, Any]) -> str:
    """Return the measured figures of one version, the recalls first."""
    recalls = f"{_recalls(measured['alignment'])}\n\n" if "alignment" in measured else ""
    return recalls + figures(measured)


def _recalls(found: Mapping[str, Any]) -> str:
    text = wrap(
        f"How often the right partner is among the first 1, 5 and 10 % of n, on {found['data']}, one pair a "
        "source (at most 2,000 sources a draw); chance gives 1, 5 and 10 %. `bag of words` is the linear map."
    )
    head = "| method | direction | recall@1% | recall@5% | recall@10% | median rank | n |"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row['method']} | {row['direction']} | {row['recall_1pct']:.3f} | {row['recall_5pct']:.3f} | "
        f"{row['recall_10pct']:.3f} | {row['median_rank']:g} | {row['n']:,} |"
        for row in found["figures"]
    ]
    return f"{text}\n\n" + "\n".join(lines)


def _limits(manifest: Mapping[str, Any]) -> str:
    sentences = [
        "Nearness in the shared space is what pairs of this kind teach; words that no training text holds "
        "say nothing.",
    ]
    if manifest["event_recipe"] is not None:
        sentences.append("Event lists of a few counts hold little; without events the spectrum speaks alone.")
    return "\n".join(wrap(text, "- ") for text in sentences)


def _citation() -> str:
    return wrap(f"The shared space of spectra and text follows {ALIGNED}; its figures are not those above.")
