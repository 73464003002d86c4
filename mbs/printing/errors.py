"""What can go wrong with printing."""

from mbs.foundation.errors import Unavailable


class PrintFailed(Unavailable):
    code = "PRINT_FAILED"
    sentence = "The document could not be printed; the fault is ours, and it is tried again in an hour."
