"""Compiled kernels (Numba), one job a file; each has a slow twin in ``tests/naive.py``."""
