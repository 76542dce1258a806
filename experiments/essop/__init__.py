"""Tables of ESSOP's page: areas, errors, energies, training."""
