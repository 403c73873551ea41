"""Everything that speaks HTTP to us."""
