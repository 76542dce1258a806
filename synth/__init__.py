"""From component to Verilog, and from Verilog to measured area, clock and energy."""
