"""The simulator: Chandra-like spectra with known truth, always called simulated."""
