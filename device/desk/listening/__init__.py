"""Listening tests that a machine can run: sessions rendered, measured, drawn, and held to bounds."""
