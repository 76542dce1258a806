"""Spiking networks: rounding, spikes against integers, and what the papers claim."""
