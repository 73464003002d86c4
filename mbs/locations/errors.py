"""What can go wrong with locations."""

from mbs.foundation.errors import Conflict


class DefaultNeeded(Conflict):
    sentence = "A business always has a default location, which this is; make another one the default first."


class ArchivedDefault(Conflict):
    sentence = "An archived location cannot be the default; make it active."
