"""Unit rows that are hard to score: exact ties, twins, opposites, nearly complete graphs."""

import numpy as np


def random_rows(n, d, seed=0, shift=0.0):
    """Normal deviates about `shift`, each row divided by its length."""
    x = np.random.default_rng(seed).normal(size=(n, d)) + shift
    return (x / np.linalg.norm(x, axis=1)[:, None]).astype(np.float32)


def tied_rows(n, d=16, seed=0):
    """Rows of +-1/sqrt(d) (d a power of 4): every dot product is a multiple of 2/d and exact in any order."""
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(n, d))
    return (signs / np.sqrt(d)).astype(np.float32)


def hard_rows(n, d=64, seed=0):
    """Rows of all kinds, shuffled: a tight cloud, twins, nearly twins, opposites, ties."""
    rng = np.random.default_rng(seed)
    x = random_rows(n, d, seed, shift=0.4)
    fifth = n // 5
    x[:fifth] = tied_rows(fifth, d, seed)
    x[fifth : 2 * fifth] = x[rng.integers(0, fifth or 1, fifth)]
    x[2 * fifth : 3 * fifth] = -x[rng.integers(3 * fifth, n, fifth)] if fifth else x[:0]
    near = x[3 * fifth : 4 * fifth]
    near[...] = x[4 * fifth : 4 * fifth + 1] if fifth else near
    near += rng.integers(-2, 3, near.shape).astype(np.float32) * np.float32(2.0**-26)
    return x[rng.permutation(n)]
