"""What an aligner stands on, small: spectra and texts, a text encoder, a run of events. Needs torch."""

from pathlib import Path

from chandra_embed.inference.event_map import EventRecipe
from chandra_embed.training.event_autoencoder import EventAutoencoderConfig
from chandra_embed.training.events import EventTrainConfig, read_event_maps, train_events
from chandra_embed.training.text import train_text
from text_of_spectra import write_pairs


def write_runs(
    folder: Path,
    sources: int,
    *,
    components: int,
    model: EventAutoencoderConfig,
    recipe: EventRecipe,
    epochs: int,
) -> Path:
    """Write `spectra.h5`, `texts.jsonl`, and the runs `text` and `events` of them; return the folder."""
    spectra, texts = write_pairs(folder, sources)
    train_text([texts], folder / "text", n_components=components)
    maps = read_event_maps([spectra], recipe)
    train_events(maps, EventTrainConfig(model=model, epochs=epochs), folder / "events")
    return folder
