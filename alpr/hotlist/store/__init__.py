"""The hotlist database: schema, entries, policies, staging. Knows no file format and no signature."""
