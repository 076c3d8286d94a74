"""Errors of the runtime: one small family, raised where the cause is known."""

from ..models.errors import BundleError, ChandraEmbedError

__all__ = ["BundleError", "ChandraEmbedError", "DeviceError", "Quarantined", "StoreError"]


class StoreError(ChandraEmbedError):
    """An HDF5 file that is not ours, newer than us, unfinished, or in the way."""


class DeviceError(ChandraEmbedError):
    """The execution provider asked for is not the one that would run."""


class Quarantined(ChandraEmbedError):
    """One input that cannot be used; it is set aside and listed, the run goes on.

    Parameters
    ----------
    reason : str
        Short name of the reason, such as ``"grating"``; stored in ``/quarantine/reason``.
    detail : str
        What was found, and what to do about it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
