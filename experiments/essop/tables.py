"""Tables of docs/essop.md: see :mod:`nomul.experiments.tables` for how they are made and shown."""

from nomul.experiments.essop import costs, errors, fpga, training
from nomul.experiments.essop import metrics as essop_metrics

TABLES = {
    **costs.TABLES,
    **errors.TABLES,
    **fpga.TABLES,
    **training.TABLES,
}
PLOTS = {**costs.PLOTS, **errors.PLOTS, **training.PLOTS}
PAGE = {**errors.PAGE, **training.PAGE}

metrics = essop_metrics.metrics
