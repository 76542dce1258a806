"""What a mapped design spends, from what its nets do."""
