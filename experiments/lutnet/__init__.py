"""Tables of the page on look-up-table networks: accuracies, areas, what is published."""
