"""The program `alpr collector`: built from parts, run by one loop. Knows no command line."""
