"""Keys and who holds them: CURVE key pairs, the allow-list, claim codes, key rings. Knows no socket."""
