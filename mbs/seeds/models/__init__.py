"""What demo businesses are made of, as data and pure computation.

`presets`: how a business is described. `businesses`: five of them. `timelines`: what happens there.
"""
