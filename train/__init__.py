"""Networks and data sets that feed the hardware with real numbers."""
