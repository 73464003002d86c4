"""What every room stands on; knows no room.

`app.py` hands the foundation what it needs from the rooms: the caller look-up of `auth` and the
factories of the services. Nothing here imports a room.
"""
