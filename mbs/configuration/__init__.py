"""How the table of `mbs/config.py` is read: declaration, sources, parsers, rules between variables."""
