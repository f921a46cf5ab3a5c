"""Button gestures and light patterns."""
