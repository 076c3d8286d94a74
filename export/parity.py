"""Do the frozen files give what torch gives? Asked of the files as they lie on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..inference.errors import ChandraEmbedError

TOLERANCE = 1e-5
BEYOND = 1e-3  # share of the rows of a large sample
BATCH = 256


def awkward_spectra(n_bins: int, seed: int = 0) -> NDArray[np.float32]:
    """Return made-up rows that a frozen encoder must get right.

    Returns
    -------
    ndarray, shape (70, n_bins), float32
        Noise of every scale from 1e-6 to 1e3, some of it below zero, then zeros, constants, one high bin,
        one low bin, and a range far below the level it stands on.
    """
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-6, 3, size=(64, 1))
    noise = scale * (rng.gamma(0.5, size=(64, n_bins)) - 0.2)
    special = np.zeros((6, n_bins))
    special[1], special[2] = 3e-5, -2.0
    special[3, n_bins // 3], special[4, n_bins // 2] = 4.0, -1e-5
    special[5] = 1.0 + 1e-6 * rng.random(n_bins)
    return np.concatenate([noise, special]).astype(np.float32)


def check_parity(
    module: nn.Module,
    path: Path,
    output_names: Sequence[str],
    inputs: Mapping[str, NDArray[np.float32]],
    tolerance: float = TOLERANCE,
) -> dict[str, float]:
    """Compare a frozen file with the module it came from, on the CPU.

    Parameters
    ----------
    module : nn.Module
        The torch side.
    path : Path
        The ONNX file.
    output_names : sequence of str
        Its outputs, in the order in which the module returns them.
    inputs : mapping of str to ndarray, shape (n, width), float32
        What to try, by a name for the message.
    tolerance : float
        Largest absolute difference allowed, in each output's unit.

    Returns
    -------
    dict of str to float
        Largest absolute difference by output.

    Raises
    ------
    ChandraEmbedError
        An output differs by more, is not finite, or has another name.
    """
    worst = dict.fromkeys(output_names, 0.0)
    for label, rows in inputs.items():
        for name, difference in row_differences(module, path, output_names, rows).items():
            largest = float(difference.max(initial=0.0))
            if not largest <= tolerance:  # NaN fails too
                raise ChandraEmbedError(
                    f"{path.name}: {name} differs from torch by {largest:.3g} on {label} "
                    f"(allowed: {tolerance:g}); nothing was exported"
                )
            worst[name] = max(worst[name], largest)
    return worst


def measure_parity(
    module: nn.Module, path: Path, output_names: Sequence[str], rows: NDArray[np.float32]
) -> dict[str, float]:
    """Count the rows of a large sample on which a frozen file is further than 1e-5 from its module.

    A network amplifies the rounding of some rows; there torch in float32 is as far from torch in float64.

    Returns
    -------
    dict
        ``rows``, ``beyond`` (rows further off than the tolerance) and ``largest``.

    Raises
    ------
    ChandraEmbedError
        More than one row in a thousand is beyond the tolerance, or an output is not finite.
    """
    found = row_differences(module, path, output_names, rows)
    worst = np.max([found[name] for name in output_names], axis=0, initial=0.0)
    beyond = int(np.count_nonzero(~(worst <= TOLERANCE)))
    if beyond > len(rows) * BEYOND or not np.isfinite(worst).all():
        raise ChandraEmbedError(
            f"{path.name}: differs from torch by more than {TOLERANCE:g} on {beyond} of {len(rows)} rows "
            f"(largest: {worst.max():.3g}); nothing was exported"
        )
    return {"rows": len(rows), "beyond": beyond, "largest": float(worst.max(initial=0.0))}


def row_differences(
    module: nn.Module, path: Path, output_names: Sequence[str], rows: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """Return the largest absolute difference of each row, by output.

    Rows run in batches of 256, the first row also alone.

    Returns
    -------
    dict of str to ndarray, shape (n,), float64

    Raises
    ------
    ChandraEmbedError
        The file has other outputs.
    """
    from ..inference.runtime import open_session

    session, _ = open_session(path, "cpu")
    found = [output.name for output in session.get_outputs()]
    if found != list(output_names):
        raise ChandraEmbedError(
            f"{path.name}: outputs are {found}, not {list(output_names)}; nothing was exported"
        )
    input_name = session.get_inputs()[0].name
    worst = {name: np.zeros(len(rows)) for name in output_names}
    module.eval()
    for part in [slice(0, 1), *(slice(i, i + BATCH) for i in range(0, len(rows), BATCH))]:
        batch = rows[part]
        frozen = session.run(list(output_names), {input_name: batch})
        for name, ours, theirs in zip(output_names, frozen, _torch(module, batch), strict=True):
            difference = np.abs(ours - theirs).reshape(len(batch), -1).max(axis=1, initial=0.0)
            worst[name][part] = np.maximum(worst[name][part], difference)
    return worst


def _torch(module: nn.Module, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Run the module; always a list of outputs."""
    with torch.inference_mode():
        out = module(torch.from_numpy(batch))
    return [tensor.numpy() for tensor in (out if isinstance(out, tuple) else (out,))]
