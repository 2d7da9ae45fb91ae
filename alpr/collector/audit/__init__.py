"""The record of who looked at or decided what: its chain, its heads kept elsewhere, its monitor. Knows no read."""
