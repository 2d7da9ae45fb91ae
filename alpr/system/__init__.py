"""What alpr asks of the computer: files, SQLite, threads, clocks, sensors, metrics. Knows nothing of plates."""
