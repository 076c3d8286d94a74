"""A trained autoencoder of events as one frozen file."""

from ..training.event_checkpoint import EventCheckpoint
from .to_onnx import to_onnx

EVENT_OUTPUTS = ("latent_out", "reconstruction_out")


def event_encoder_onnx(checkpoint: EventCheckpoint) -> bytes:
    """Return the encoder and decoder of events as ONNX, ``event_encoder.onnx`` of a bundle.

    Parameters
    ----------
    checkpoint : EventCheckpoint
        See :func:`~chandra_embed.training.event_checkpoint.load_events`.

    Returns
    -------
    bytes
        Input ``event`` (batch, width), rows of :func:`~chandra_embed.inference.event_map.event_maps`;
        outputs ``latent_out`` (batch, l) and ``reconstruction_out`` (batch, width - 1), the fractions of the
        events in each bin of the histogram and of the table.
    """
    return to_onnx(checkpoint.model(), checkpoint.recipe.width, "event", EVENT_OUTPUTS)
