"""``MODEL_CARD.md``, rendered from the manifest alone, so that the two never disagree."""

from collections.abc import Callable, Mapping
from textwrap import fill
from typing import Any

from ..training.reconstruction import table
from .evaluation import tables

METHOD = "Pinciroli Vago et al., arXiv 2510.14102"
UNITS = {"rate": "counts s^-1 keV^-1", "flux": "photons cm^-2 s^-1 keV^-1, approximate, not unfolded"}


def model_card(manifest: Mapping[str, Any]) -> str:
    """Return the model card of a bundle.

    Parameters
    ----------
    manifest : mapping
        As :func:`~.manifest.make_manifest` gives it, with ``commands`` (to print the figures again),
        ``earlier`` (version and measured figures of those before) and, where the bundle has one,
        ``anomaly_reference``.

    Returns
    -------
    str
        Markdown.
    """
    return render(
        manifest,
        figures,
        opening=origin(manifest),
        what=_what(manifest),
        taken=recipe(manifest),
        trained=training(manifest),
        limited=limits(manifest),
        licensed=licence(manifest),
    )


def render(
    manifest: Mapping[str, Any],
    of_version: Callable[[Mapping[str, Any]], str],
    *,
    opening: str,
    what: str,
    taken: str,
    trained: str,
    limited: str,
    licensed: str,
) -> str:
    """Put a card together.

    Parameters
    ----------
    manifest : mapping
        As :func:`model_card` takes it.
    of_version : callable
        Takes what was measured with one version, returns its figures.
    opening, what, taken, trained, limited, licensed : str
        Text beneath the title, and of the sections on the model, its input, its training, its limits and
        its licence.

    Returns
    -------
    str
        Markdown.
    """
    sections = [
        f"# {manifest['name']} {manifest['version']}\n\n{opening}",
        f"## What it is\n\n{what}",
        f"## Input\n\n{taken}",
        f"## Trained on\n\n{trained}",
        f"## Figures\n\n{of_version(manifest['measured'])}",
        "To print these figures again:\n\n```sh\n" + "\n".join(manifest["commands"]) + "\n```",
        f"## Limits\n\n{limited}",
        f"## Licence and citation\n\n{licensed}",
    ]
    if manifest["earlier"]:
        parts = [f"### {old['version']}\n\n{of_version(old['measured'])}" for old in manifest["earlier"]]
        sections.append("## Earlier versions\n\n" + "\n\n".join(parts))
    return "\n\n".join(sections) + "\n"


def wrap(text: str, mark: str = "") -> str:
    """Fill lines; `mark` begins a list entry."""
    return fill(
        text,
        100,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def origin(manifest: Mapping[str, Any]) -> str:
    """Say first whether the spectra trained on were simulated."""
    simulated = [source["simulated"] for source in manifest["trained_on"]]
    if all(simulated):
        return wrap(
            "**Trained on SIMULATED spectra only.** No observed spectrum was used to fit it; what the "
            "figures below were measured on stands beside them."
        )
    if any(simulated):
        return wrap("**Trained on observed and SIMULATED spectra together**; the list below says which.")
    return "Trained on observed spectra."


def _what(manifest: Mapping[str, Any]) -> str:
    model = manifest["model"]
    text = wrap(
        f"A {model.get('kind', 'transformer')} autoencoder of X-ray spectra, "
        f"{manifest['parameters']:,} parameters: {model['n_bins']} bins in "
        f"{model['n_bins'] // model['patch']} tokens of width {model['width']}, "
        f"{model['depth']} blocks on each side, {model['n_latent']} latents between. MinMax normalisation is "
        "its first layer. The embedding is the latent less its mean over the training set, scaled to length "
        "1."
    )
    return f"{text}\n\n{file_list(manifest)}"


def file_list(manifest: Mapping[str, Any]) -> str:
    """List the frozen models with what they take and give, and the reference of anomalies."""
    lines = []
    for file in manifest["inputs"]:
        given, made = manifest["inputs"][file], manifest["outputs"][file]
        lines.append(wrap(f"`{file}`: {_tensors(given)} -> {_tensors(made)}", "- "))
    if "anomaly_reference" in manifest:
        r = manifest["anomaly_reference"]
        lines.append(
            wrap(
                f"`anomaly.npz`: what anomaly scores are measured against: {r['rows']:,} "
                f"{'simulated' if r['simulated'] else 'observed'} detections of at least "
                f"{r['min_counts']:g} net counts, of sources that training had not seen ({r['file']}, "
                f"sha256 `{r['sha256']}`)",
                "- ",
            )
        )
    return "\n".join(lines)


def _tensors(found: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(
        f"`{name}` ({', '.join(map(str, t['shape']))}) {t['dtype']}" for name, t in found.items()
    )


def recipe(manifest: Mapping[str, Any]) -> str:
    """Say what a spectrum must be made of."""
    r = manifest["recipe"]
    return wrap(
        f"Spectra made by `chandra-embed ingest`: {r['quantity']} density ({UNITS[r['quantity']]}), "
        f"background subtracted, channels grouped to at least {r['group_min']} counts, on {r['n_bins']} bins "
        f"equal in log energy, {r['energy_lo']:g}-{r['energy_hi']:g} keV. Recipe fingerprint "
        f"`{manifest['recipe_fingerprint']}`."
    )


def training(manifest: Mapping[str, Any]) -> str:
    """List what it was trained on, and the split."""
    rows = manifest["rows"]
    lines = [
        wrap(
            f"`{s['file']}`, {s['description']}; {s['rows']:,} rows ({s['rows_left_out']:,} of them without "
            f"any shape, left out), sha256 `{s['sha256']}`, licence: {s['licence']}",
            "- ",
        )
        for s in manifest["trained_on"]
    ]
    split = wrap(
        f"Split by source: {rows['train']:,} rows to train on, {rows['validation']:,} to choose the best "
        f"epoch, {rows['test']:,} to test. Seed {manifest['seed']}, {manifest['epochs']} epochs, torch "
        f"{manifest['versions']['torch']}."
    )
    return "\n".join(lines) + "\n\n" + split


def figures(measured: Mapping[str, Any]) -> str:
    """Return what was measured of the spectra of one version: reconstruction, parity, tables of evaluate."""
    parts = [reconstructions(measured["reconstruction"]), parity(measured["parity"])]
    if "evaluation" in measured:
        parts.append(tables(measured["evaluation"]))
    return "\n\n".join(parts)


def reconstructions(found: Mapping[str, Any]) -> str:
    """Return the errors of reconstructions, with what they are and what they were measured on."""
    text = wrap(
        f"Mean absolute error of the normalised spectrum, on {found['data']}, by net counts in 0.5-7.0 keV; "
        "in brackets the 68 % interval over draws of sources. `pca` has as many numbers as the autoencoder "
        "has latents, `mean` is the mean training spectrum."
    )
    return f"{text}\n\n```text\n{table(found['figures'])}\n```"


def parity(found: Mapping[str, Any]) -> str:
    """Say how far the frozen files are from torch, and on which rows that was asked."""
    worst = max(value for file in found["files"].values() for value in file.values())
    rows = ", ".join(f"{n:,} rows {label}" for label, n in found["rows"].items())
    sentence = f"The frozen files differ from torch by at most {worst:.1e} "
    sentence += f"(allowed: {found['tolerance']:g}), on {rows}."
    if "reference" in found:
        many = found["reference"]
        sentence += (
            f" On {many['rows']:,} rows of the reference {many['beyond']} differ by more than that, "
            f"the largest by {many['largest']:.1e}: the network amplifies the rounding of some rows."
        )
    return wrap(sentence)


def limits(manifest: Mapping[str, Any]) -> str:
    """List what it was not made for."""
    sentences = [
        "MinMax takes the flux away and makes noise large: below some 40 net counts a spectrum is a few "
        "steps, and its embedding says little. Keep the counts beside the embedding.",
        "One noisy high bin sets the scale of a whole spectrum.",
        "Piled-up, extended, saturated and confused sources, gratings and HRC are not what it was made for.",
    ]
    if manifest["recipe"]["quantity"] == "rate":
        sentences.append(
            "Rates hold the instrument's response: ACIS lost effective area at low energies over the years, "
            "so the embedding partly tells the epoch and the chip."
        )
    if all(source["simulated"] for source in manifest["trained_on"]):
        sentences.append(
            "Observed spectra differ from simulated ones in ways the simulator does not know; of sources "
            "unlike those simulated nothing is promised."
        )
    return "\n".join(wrap(text, "- ") for text in sentences)


def licence(manifest: Mapping[str, Any]) -> str:
    """Name licence and method."""
    return wrap(
        f"{manifest['licence']}. The method, a transformer autoencoder of Chandra spectra with a few "
        f"latents, is that of {METHOD}; the weights are not theirs, and neither are the figures."
    )
