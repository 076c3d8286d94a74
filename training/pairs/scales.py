"""Scales: a number becomes one of a few grades in words, as literature quotes it."""

import bisect
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Grades of one quantity.

    Parameters
    ----------
    names : tuple of str, length k
        The grades, from the lowest up.
    edges : tuple of float, length k - 1
        Where one grade ends and the next begins; a value on an edge has the higher grade.
    ends : tuple of float, optional
        Lowest and highest value that a stated number may have.
    """

    names: tuple[str, ...]
    edges: tuple[float, ...]
    ends: tuple[float, float] = (math.nan, math.nan)

    def grade(self, value: float) -> str:
        """Return the grade of a value; empty where it is not finite."""
        return self.names[bisect.bisect_right(self.edges, value)] if math.isfinite(value) else ""

    def inside(self, name: str, u: float) -> float:
        """Return a value of a grade: `u` (0..1) of the way from its lower to its upper edge."""
        bounds = (self.ends[0], *self.edges, self.ends[1])
        i = self.names.index(name)
        return bounds[i] + u * (bounds[i + 1] - bounds[i])


# what literature quotes of a source's emission; the edges are ours
ABSORPTION = Scale(  # total column, 1e22 cm^-2
    ("none", "slight", "mild", "moderate", "substantial", "heavy", "very heavy", "Compton-thick"),
    (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0),
)
REDDENING = Scale(  # dust that goes with the total column, 1e22 cm^-2; edges between those of ABSORPTION
    ("none", "traces", "light", "fair", "marked", "severe", "extreme", "total"),
    (0.017, 0.055, 0.17, 0.55, 1.7, 5.5, 30.0),
)
EXTINCTION = Scale(  # foreground A_V, mag
    ("none", "small", "modest", "considerable", "large", "extreme"), (0.1, 0.4, 1.3, 4.0, 12.0)
)
INDEX = Scale(  # photon index
    ("inverted", "very flat", "flat", "rather flat", "typical", "rather steep", "steep", "very steep"),
    (0.5, 1.1, 1.45, 1.7, 1.95, 2.2, 2.7),
)
PLASMA = Scale(  # temperature of a plasma, keV
    ("very cool", "cool", "mild", "warm", "hot", "very hot", "extremely hot", "shock-heated"),
    (0.25, 0.4, 0.65, 1.1, 2.0, 4.0, 9.0),
)
SURFACE = Scale(  # temperature of a blackbody, keV
    ("supersoft", "very soft", "soft", "moderate", "warm", "hot", "very hot"),
    (0.06, 0.11, 0.17, 0.27, 0.42, 0.75),
)
HARD_SHARE = Scale(  # of the harder one of two components in the emitted photons
    ("trace", "minor", "weak", "balanced", "strong", "dominant", "all"),
    (0.02, 0.08, 0.3, 0.6, 0.85, 0.95),
)
SOFT_EXCESS = Scale(  # share of the soft component beside a power law
    ("none", "faint", "clear", "strong", "dominant"), (0.01, 0.04, 0.12, 0.35)
)
LINE = Scale(("none", "weak", "clear", "strong", "very strong"), (0.03, 0.08, 0.2, 0.6))  # keV
REDSHIFT = Scale(
    ("local", "low", "moderate", "intermediate", "high", "very high"), (0.05, 0.3, 0.7, 1.4, 2.5)
)

# what other wavelengths say, from the table's own columns
OPTICAL = Scale(  # Gaia G, mag
    ("very bright", "bright", "fairly bright", "middling", "faintish", "faint", "very faint"),
    (9.0, 12.0, 14.5, 16.5, 18.5, 20.0),
    (4.0, 21.5),
)
COLOUR = Scale(  # Gaia BP - RP, mag
    ("very blue", "blue", "intermediate", "orange", "red", "very red"), (0.3, 0.8, 1.3, 2.0, 3.0)
)
NEAR_INFRARED = Scale(("blue", "neutral", "red", "very red"), (0.5, 0.9, 1.4))  # J - K, mag
INFRARED_BRIGHTNESS = Scale(  # K, mag
    ("bright", "fairly bright", "middling", "faint", "very faint"), (8.0, 10.5, 13.0, 15.0), (4.0, 17.0)
)
EXCESS = Scale(("none", "slight", "moderate", "strong"), (0.15, 0.4, 0.8))  # W1 - W2, mag
DUST = Scale(("none", "some", "much", "very much"), (1.5, 2.7, 3.8))  # W2 - W3, mag
OPTICAL_INFRARED = Scale(("small", "moderate", "large", "very large"), (1.5, 3.0, 4.5))  # G - K, mag
DISTANCE = Scale(  # pc
    ("very near", "near", "modest", "intermediate", "far", "very far"),
    (120.0, 320.0, 600.0, 1300.0, 2600.0),
    (10.0, 6000.0),
)
MOTION = Scale(  # proper motion, mas/yr
    ("none", "small", "moderate", "large", "very large"), (1.0, 4.0, 15.0, 60.0), (0.1, 300.0)
)
PARALLAX = Scale(("insignificant", "marginal", "significant"), (3.0, 10.0))  # over its error
LATITUDE = Scale(("plane", "low", "middle", "high"), (2.0, 12.0, 35.0))  # |b|, deg
