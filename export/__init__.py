"""Freezing torch models into ONNX bundles; needs the ``train`` extra (torch, onnx)."""
