"""Hardware, one part per file; imports nothing of the device."""
