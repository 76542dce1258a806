"""Tables of docs/essop.md: see :mod:`nomul.synth.tables` for how they are made and shown."""

from nomul.synth import essop_costs, essop_errors, essop_fpga, essop_metrics, essop_training

TABLES = {
    **essop_costs.TABLES,
    **essop_errors.TABLES,
    **essop_fpga.TABLES,
    **essop_training.TABLES,
}
PLOTS = {**essop_costs.PLOTS, **essop_errors.PLOTS, **essop_training.PLOTS}
PAGE = {**essop_errors.PAGE, **essop_training.PAGE}

metrics = essop_metrics.metrics
