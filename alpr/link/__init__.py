"""Between device and collector: messages, keys, encrypted connection; only here is zmq. Knows no store of reads."""
