"""Tables of SONIC's page: a trained network on it, and what its electronic part costs."""
