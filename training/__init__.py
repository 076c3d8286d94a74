"""Fitting the models; needs the ``train`` extra (torch)."""
