"""From an emitted design to mapped cells: area, counts by type, clock."""
