"""What of a read may be kept, in what form, and until when: decided on the device, before anything is stored.

Knows neither cameras nor network, and no file but those of the pseudonyms.
"""
