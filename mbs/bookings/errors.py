"""What can go wrong with bookings."""

from mbs.resources.errors import UnknownReference


class UnknownCustomer(UnknownReference):
    sentence = "There is no such customer."
    field = "customerId"
