"""Networks trained for the hardware, and the data sets they are trained on."""

from nomul.train.fitted import Fitted, fit

__all__ = ["Fitted", "fit"]
