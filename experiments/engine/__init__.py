"""Tables of the engine: which networks fit which FPGA, and what their images cost."""
