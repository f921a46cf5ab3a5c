"""Simulated efficacy: does the loop do what it should for simulated listeners? No medical effect is shown."""
