"""The blocks' cocotb benches, and the harness that runs them."""
