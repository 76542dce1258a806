"""Whether mapped cells do what the design did, and proofs by a solver."""
