"""Quantised networks: how fast the model is."""
