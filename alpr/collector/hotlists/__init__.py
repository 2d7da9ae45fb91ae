"""Hotlists at the centre: publications handed on, what each device holds, past reads checked again.

Knows no person.
"""
