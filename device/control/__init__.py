"""Program arc and control policy: stress to the six musical parameters."""
