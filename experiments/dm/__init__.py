"""Numbers of the page of Bayesian layers."""
