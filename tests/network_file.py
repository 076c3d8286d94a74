"""An embeddings file whose network has something to show: clouds, loners, sources of several detections."""

from pathlib import Path

import h5py
import numpy as np
from chandra_embed.inference.catalog import store
from embeddings_file import write_embeddings
from unit_rows import random_rows

ROWS, SIZE = 90, 8
LONERS = (3, 50)  # rows far from every other
WITHOUT_EVENTS = (7, 8)


def cloudy_rows(n: int, d: int, seed: int) -> np.ndarray:
    """Two clouds of unit rows about two axes; row 0 of each is near the middle."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * rng.uniform(0.05, 0.45, (n, 1))
    x[np.arange(n), np.arange(n) % 2] += 1
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def write_cloudy(path: Path, *, simulated: bool = True) -> Path:
    """Write the file; the first 20 rows are of 10 sources, rows 88 and 89 of no known one."""
    write_embeddings(path, ROWS, d=SIZE, simulated=simulated, bundle="b", bundle_version="1", recipe="{}")
    rng = np.random.default_rng(4)
    x = cloudy_rows(ROWS, SIZE, 1)
    for i, row in enumerate(LONERS):
        x[row] = -np.eye(SIZE, dtype=np.float32)[i + 3]
    event = cloudy_rows(ROWS, SIZE, 2)
    event[list(WITHOUT_EVENTS)] = np.nan
    names = [f"2CXO J{(i // 4 * 4 + i % 2 if i < 20 else i):06d}" for i in range(ROWS)]
    with h5py.File(path, "r+") as file:
        file["embedding"][...] = x
        for name, rows in (("event", event), ("text", random_rows(ROWS, 4, 3))):
            written = store.write_dataset(file, f"embedding_{name}", rows, "", "unit rows")
            written.attrs["modality"] = name
        detection = file["detection"]
        texts = {"name": names, "source_id": [*names[:88], "", ""]}
        texts["class"] = [("AGN", "YSO", "")[i % 3] for i in range(ROWS)]
        for name, values in texts.items():
            detection[name][...] = np.array([value.encode() for value in values], detection[name].dtype)
        detection["ra"][...] = rng.uniform(0, 360, ROWS)
        detection["dec"][...] = np.degrees(np.arcsin(rng.uniform(-1, 1, ROWS)))
        detection["ra"][5] = np.nan
        detection["var_prob_b"][...] = np.where(np.arange(ROWS) < 60, 0.95, 0.2)
        detection["var_prob_b"][58:60] = np.nan
        for name in ("pileup_flag", "conf_flag"):
            detection[name][3] = 1
    return path
