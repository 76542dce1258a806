"""Experiments with the training unit."""
