"""Paced ADC reads to sample blocks with gaps and quality."""
