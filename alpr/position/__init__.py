"""Position by satellites of a moving device: gpsd's reports, and where a device was when. Knows no reads."""
