"""Golden models: what each block computes, in numpy, to the bit."""
