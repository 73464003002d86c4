"""Finding a booking its place, as pure computation: no SQL.

`wishes`: what is asked for. `places`: where and with whom it can be had. `rules`: who may book how early, how
late and how often. `rows`: what a place becomes in the tables.
"""
