"""One trained network on every datapath: accuracy, storage, time, area and energy beside."""
