"""What can go wrong with demo data."""

from mbs.foundation.errors import Conflict, NotFound


class AlreadyFurnished(Conflict):
    sentence = "This business has services or resources; demo data is for one that has none yet."


class NoSuchPreset(NotFound):
    sentence = "There is no such preset."
