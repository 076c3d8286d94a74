"""Everything a frozen model needs to run, without torch and without onnx.

Names load on first use (PEP 562), so importing this package costs next to nothing.
"""

from importlib import import_module
from typing import Any

_WHERE = {
    "Encoder": ".encoder",
    "degree": ".similarity",
    "nearest_neighbors": ".similarity",
    "anomaly_scores": ".anomaly",
    "read_spectrum": ".catalog.fits",
    "similarity_blocks": ".similar_pairs",
    "similarity_matrix": ".similar_pairs",
    "top_pairs": ".similar_pairs",
}

__all__ = [
    "Encoder",
    "anomaly_scores",
    "degree",
    "nearest_neighbors",
    "read_spectrum",
    "similarity_blocks",
    "similarity_matrix",
    "top_pairs",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
