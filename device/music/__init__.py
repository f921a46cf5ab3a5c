"""Composer, harmony, synthesiser and loudness ceiling."""
