"""Tables of docs/essop.md: see :mod:`nomul.synth.tables` for how they are made and shown."""

from nomul.synth import essop_training

TABLES = {**essop_training.TABLES}
PLOTS = {**essop_training.PLOTS}
PAGE = {**essop_training.PAGE}
