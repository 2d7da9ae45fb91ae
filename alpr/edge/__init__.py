"""The device's program, `alpr run`: builds the parts and runs the loop. The only package that knows all parts.

Knows no command line: what happens is handed to who called.
"""
