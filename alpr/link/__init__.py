"""Between device and collector: the journal with its outbox, and the encrypted connection. zmq stays in here."""
