"""Training of the stress model; runs on a desk, never on the device."""
