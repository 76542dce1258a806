"""What only some blocks can do: the registry names these by module and attribute, per block."""
