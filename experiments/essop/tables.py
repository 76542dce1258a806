"""Tables of docs/essop.md: see :mod:`nomul.experiments.tables` for how they are made and shown."""

from nomul.experiments.essop import costs, errors, fpga, training, wires
from nomul.experiments.essop import metrics as essop_metrics

TABLES = {
    **costs.TABLES,
    **errors.TABLES,
    **fpga.TABLES,
    **training.TABLES,
    "T1-wires": wires.with_wires,
    "T1-wires-more": wires.more_with_wires,
}
PLOTS = {**costs.PLOTS, **errors.PLOTS, **training.PLOTS}
PAGE = {**errors.PAGE, **training.PAGE}

metrics = essop_metrics.metrics
