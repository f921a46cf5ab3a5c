"""Stress level from features: model, personal baseline, abstention."""
