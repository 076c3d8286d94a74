"""Frozen bundles, and the registry that finds and verifies them."""
