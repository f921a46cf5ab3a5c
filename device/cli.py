"""The `tranquillo` command."""
