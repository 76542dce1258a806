"""Any top level behind AXI4-Stream, its status on AXI4-Lite."""
