"""Evaluation at a desk: the shipped path run over recordings, and how well it did.

May import the stages and the drivers, as a service does; nothing on the device imports it.
"""
