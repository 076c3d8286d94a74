"""Writing ``spectra.h5``: what ingest and simulate share.

Rows are gathered into chunks of :data:`CHUNK`, and the file is flushed after each: datasets here grow,
since how many inputs can be used is known only at the end. What the disk refuses is raised as OSError.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..event_list import EventList
from ..preprocess import Observation
from ..recipe import Recipe
from . import store
from .contents import need
from .entry import CHANNELS, Channels, Entry, entry
from .event_table import create_event_groups, write_events, write_lightcurves
from .patient_file import PatientFile
from .schema import COLUMNS

if TYPE_CHECKING:
    from .lightcurves import LightCurve

CHUNK = 256


class SpectraWriter:
    """Write one ``spectra.h5``, row after row; use it in a ``with`` block.

    Parameters
    ----------
    path : Path
        The file to make.
    recipe : Recipe
        What the spectra were made with.
    attributes : mapping
        Further root attributes (seed, ``simulated``, counts of files).
    """

    def __init__(self, path: Path, recipe: Recipe, attributes: Mapping[str, Any]) -> None:
        self.path, self.recipe, self.rows = path, recipe, 0
        if not path.parent.is_dir():
            raise StoreError(f"{path}: there is no folder {path.parent}; make it first")
        try:
            self._disk = PatientFile(path)
        except OSError as error:
            raise store.unwritable(path, error, "give another name, or change the permissions") from error
        self.file = h5py.File(self._disk, "w")
        said = {"recipe": recipe.to_json(), "recipe_fingerprint": recipe.fingerprint, **attributes}
        store.begin(self.file, store.SPECTRA, said)
        self._pending: list[Entry] = []
        self._grids: dict[str, int] = {}
        self._create()

    @property
    def rows_with_pending(self) -> int:
        """How many detections have been added."""
        return self.rows + len(self._pending)

    def _grow(self, group: h5py.Group, name: str, width: int, dtype: str, unit: str, text: str) -> None:
        tail = (width,) if width else ()
        kind: Any = dtype
        if dtype.startswith("str:"):
            kind = h5py.string_dtype("utf-8", int(dtype[4:]))
        dataset = group.create_dataset(
            name, shape=(0, *tail), maxshape=(None, *tail), chunks=(CHUNK, *tail), dtype=kind
        )
        dataset.attrs["unit"], dataset.attrs["description"] = unit, text

    def _create(self) -> None:
        detection = self.file.create_group("detection")
        for c in COLUMNS:
            self._grow(detection, c.name, 0, c.dtype, c.unit, c.description)
        spectrum, n = self.file.create_group("spectrum"), self.recipe.n_bins
        self._grow(
            spectrum, "value", n, "float32", self.recipe.unit, f"{self.recipe.quantity} density on the grid"
        )
        self._grow(
            spectrum, "error", n, "float32", self.recipe.unit, "1 sigma; errors inside one group correlate"
        )
        store.write_dataset(
            spectrum, "energy_edges", self.recipe.energy_edges(), "keV", "edges of the logarithmic grid"
        )
        counts = self.file.create_group("counts")
        self._grow(
            counts, "source", CHANNELS, "float32", "count", "source region by channel, 0 past the last"
        )
        self._grow(
            counts, "background", CHANNELS, "float32", "count", "background region by channel; NaN: none"
        )
        self._grow(
            counts, "scale", 0, "float64", "", "background counts times scale: expected in the source region"
        )
        self._grow(
            counts,
            "grid",
            0,
            "int32",
            "",
            "row of channel_lo and channel_hi that holds the energies; -1: none",
        )
        self._grow(
            counts,
            "channel_lo",
            CHANNELS,
            "float64",
            "keV",
            "lower energies of the channels; NaN past the last",
        )
        self._grow(
            counts,
            "channel_hi",
            CHANNELS,
            "float64",
            "keV",
            "upper energies of the channels; NaN past the last",
        )
        create_event_groups(self.file)

    def append(
        self,
        detection: Mapping[str, Any],
        value: NDArray[np.float32],
        error: NDArray[np.float32],
        observation: Observation | None,
        events: EventList | None = None,
        lightcurve: "LightCurve | None" = None,
    ) -> None:
        """Add one detection; columns that `detection` leaves out are missing.

        Parameters
        ----------
        detection : mapping
            Column name to value.
        value, error : ndarray, shape (n_bins,), float32
            The spectrum on the grid, in the recipe's quantity.
        observation : Observation or None
            The counts it came from; None where the input held no counts.
        events : EventList, optional
            Its events and good time; None where no event file was read.
        lightcurve : LightCurve, optional
            Its binned light curve; None where none was read.

        Raises
        ------
        Quarantined
            A text is longer than its column.
        """
        self.add(entry(detection, value, error, observation, events, lightcurve))

    def add(self, one: Entry) -> None:
        """Add one detection that :func:`entry` made."""
        self._pending.append(one)
        if len(self._pending) == CHUNK:
            self._flush()

    def _flush(self) -> None:
        n, start = len(self._pending), self.rows
        if not n:
            return
        self.rows += n
        for group in ("detection", "spectrum", "counts"):
            for dataset in self.file[group].values():
                if dataset.name.split("/")[-1] not in ("energy_edges", "channel_lo", "channel_hi"):
                    dataset.resize(self.rows, axis=0)
        columns: dict[str, NDArray[Any]] = {}
        for c in COLUMNS:
            values = [row.detection.get(c.name, c.missing) for row in self._pending]
            columns[c.name] = np.array(values, dtype=object if c.length else np.dtype(c.dtype))
        store.write_detections(self.file["detection"], start, columns)
        rows = slice(start, self.rows)
        self.file["spectrum/value"][rows] = np.stack([row.value for row in self._pending])
        self.file["spectrum/error"][rows] = np.stack([row.error for row in self._pending])
        self._flush_counts(rows)
        write_events(self.file, [row.events for row in self._pending])
        write_lightcurves(self.file, [row.lightcurve for row in self._pending])
        self._pending.clear()
        self.file.flush()
        self._disk.check()

    def _flush_counts(self, rows: slice) -> None:
        n = len(self._pending)
        source = np.zeros((n, CHANNELS), np.float32)
        background = np.full((n, CHANNELS), np.nan, np.float32)
        scale, grid, new = np.full(n, np.nan), np.full(n, -1, np.int32), list[Channels]()
        for i, channels in enumerate(row.channels for row in self._pending):
            if channels is None:
                continue
            m = len(channels.source)
            source[i, :m] = channels.source
            grid[i] = self._grid(channels, new)
            if channels.background is not None:
                scale[i] = channels.scale
                background[i] = 0
                background[i, :m] = channels.background
        self._write_grids(new)
        counts = self.file["counts"]
        counts["source"][rows], counts["background"][rows] = source, background
        counts["scale"][rows], counts["grid"][rows] = scale, grid

    def _grid(self, channels: Channels, new: list[Channels]) -> int:
        """Return the row that holds these channel energies; where they are new they are added to `new`."""
        key = hashlib.sha256(channels.lo.tobytes() + channels.hi.tobytes()).hexdigest()
        if key not in self._grids:
            self._grids[key] = len(self._grids)
            new.append(channels)
        return self._grids[key]

    def _write_grids(self, new: Sequence[Channels]) -> None:
        """Write channel energies that no earlier row has."""
        if not new:
            return
        for name, grids in (("channel_lo", [one.lo for one in new]), ("channel_hi", [one.hi for one in new])):
            padded = np.full((len(new), CHANNELS), np.nan)
            for row, values in zip(padded, grids, strict=True):
                row[: len(values)] = values
            dataset = self.file["counts"][name]
            dataset.resize(len(self._grids), axis=0)
            dataset[len(self._grids) - len(new) :] = padded

    def close(
        self,
        companions: Sequence[tuple[str, str, str]] = (),
        quarantine: Sequence[tuple[str, str]] = (),
        attributes: Mapping[str, Any] | None = None,
        regions: Sequence[tuple[str, str, int, str]] = (),
    ) -> None:
        """Write what is pending and the fates of the other inputs, and mark the file complete.

        Parameters
        ----------
        companions : sequence of (path, of, why)
            Inputs that belong to a used one.
        quarantine : sequence of (path, reason)
            Inputs set aside.
        attributes : mapping, optional
            Further root attributes.
        regions : sequence of (path, region, row, reason)
            Regions of event files with the row each gave; -1 and why where it gave none.
        """
        self._flush()
        companion = {
            "path": "an input that belongs to another",
            "of": "that other input",
            "why": "how it belongs",
        }
        aside = {"path": "an input that was set aside", "reason": "why, and what was found"}
        rows: Sequence[tuple[str, ...]]
        for group, columns, rows in (("companion", companion, companions), ("quarantine", aside, quarantine)):
            made = self.file.create_group(group)
            for i, (name, text) in enumerate(columns.items()):
                store.write_dataset(made, name, [row[i] for row in rows], "", text)
        made = self.file.create_group("region")
        for i, name, text in (
            (0, "path", "an event file"),
            (1, "region", "a region asked for"),
            (3, "reason", "why it gave no row; empty where it did"),
        ):
            store.write_dataset(made, name, [row[i] for row in regions], "", text)
        numbers = np.array([row[2] for row in regions], np.int64)
        store.write_dataset(made, "row", numbers, "", "its row; -1: none")
        for name, value in (attributes or {}).items():
            self.file.attrs[name] = value
        self.file.flush()
        self._disk.check()
        store.finish(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.file.close()
        except (OSError, RuntimeError):
            self._disk.check()  # the cause, where it is the disk
            raise
        finally:
            self._disk.close()
        self._disk.check()


def spectra_block(file: h5py.File, start: int, stop: int) -> NDArray[np.float32]:
    """Return rows [start, stop) of ``/spectrum/value``, shape (m, n_bins), float32, checked finite.

    Raises
    ------
    StoreError
        There are no spectra, they cannot be read, or a row holds NaN or infinity.
    """
    need(file, "spectrum/value")
    try:
        block: NDArray[np.float32] = file["spectrum/value"][start:stop]
    except OSError as error:
        raise StoreError(
            f"{file.filename}: rows {start} to {stop - 1} of /spectrum/value cannot be read ({error}); "
            "ingest the file again"
        ) from error
    bad = ~np.isfinite(block).all(axis=1)
    if bad.any():
        row = start + int(np.argmax(bad))
        raise StoreError(
            f"{file.filename}: row {row} of /spectrum/value is not finite; ingest the file again"
        )
    return block
