"""Train an autoencoder of events, and load one: the face of the modules event_*."""

from .event_autoencoder import EventAutoencoder, EventAutoencoderConfig
from .event_checkpoint import EventCheckpoint, load_events
from .event_data import RECIPES, EventMaps, read_event_maps
from .event_loop import EventTrainConfig, train_events

__all__ = [
    "RECIPES",
    "EventAutoencoder",
    "EventAutoencoderConfig",
    "EventCheckpoint",
    "EventMaps",
    "EventTrainConfig",
    "load_events",
    "read_event_maps",
    "train_events",
]
