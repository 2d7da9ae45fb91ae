"""The officer's page on a device: hits with sound, decisions on them, the device's state, live pictures. A process
of its own beside `alpr run`, which hands it what it publishes; knows neither cameras nor models."""
