"""Networks trained for the hardware, and the data sets they are trained on."""

from nomul.train.fitted import Fitted, fit
from nomul.train.trees import save_trees

__all__ = ["Fitted", "fit", "save_trees"]
