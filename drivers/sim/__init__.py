"""The same parts, simulated at the edge of the operating system."""
