"""The only way for people to what is kept: a purpose, then a record of the look, then the answer. Knows no socket."""
