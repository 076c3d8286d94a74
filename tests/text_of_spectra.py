"""Small files whose spectra, events and texts tell one story: how steep a source is, and if it flares."""

import json
from pathlib import Path

import numpy as np
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.recipe import Recipe

SLOPES = ("very soft", "soft", "plain", "hard", "very hard")
PLACES = ("galaxy", "cluster", "disk", "halo", "field")


def write_pairs(folder: Path, sources: int = 300, rows: int = 2, seed: int = 0) -> tuple[Path, Path]:
    """Write `spectra.h5` with events in most rows, and `texts.jsonl` with a text for most of them."""
    rng, recipe = np.random.default_rng(seed), Recipe()
    energy = np.sqrt(recipe.energy_edges()[1:] * recipe.energy_edges()[:-1])
    spectra, texts = folder / "spectra.h5", folder / "texts.jsonl"
    lines = []
    with SpectraWriter(spectra, recipe, {"simulated": True}) as writer:
        for i in range(sources * rows):
            source = i // rows
            kind, flares = source % 5, source % 2 == 1
            value = 1e-4 * energy ** (kind - 2) * rng.gamma(9, 1 / 9, recipe.n_bins)
            count = int(10 ** rng.uniform(1.7, 3.3))
            time = rng.random(count)
            if flares:
                time[: count // 2] = 0.4 + 0.02 * rng.random(count // 2)
            low, high = (0.5, 2.0) if kind < 2 else (2.0, 7.0)
            events = EventList(
                np.sort(time) * 1e4,
                rng.uniform(low, high, count).astype(np.float32),
                np.array([[0.0, 1e4]]),
            )
            file = f"sim/{i}.pi"
            detection = {"file": file, "source_id": f"source {source}", "name": f"2CXO J{source:06d}"}
            detection |= {"net_counts": float(count), "obsid": i}
            writer.append(
                detection,
                value.astype(np.float32),
                np.sqrt(value).astype(np.float32),
                None,
                events=None if i % 10 == 3 else events,
            )
            if i % 10 != 7:
                words = f"A {SLOPES[kind]} source in the {PLACES[rng.integers(5)]} that "
                words += "flares and varies" if flares else "stays constant"
                lines.append({"file": file, "name": f"2CXO J{source:06d}", "text": words})
        writer.close()
    head = {"format": "chandra-embed/texts", "format_version": 1, "semi_simulated": True}
    rows_of_text = [{**line, "semi_simulated": True} for line in lines]
    texts.write_text("\n".join(map(json.dumps, [head, *rows_of_text])) + "\n")
    return spectra, texts
