"""Small parts that stand in for real ones where the real ones are not the point."""
