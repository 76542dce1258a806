"""Place and route on FPGAs, bitstreams, and the boards they are for."""
