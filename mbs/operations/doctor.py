"""`mbs doctor`: work out anew what is stored, and name the first thing that differs."""

import argparse

from mbs.operations import doctor_money


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    money = subjects.add_parser(
        "money",
        help="re-derive every invoice, credit note and payment of a business",
        description=(
            "Re-derive every invoice, credit note and payment of a business from its lines and from the rules"
            " that were written down with it: amounts, taxes, what was paid and credited, states, numbers"
            " without a gap, and that nothing is billed twice. It only reads, as the business itself. Exit"
            " code 1 names the first document that differs."
        ),
    )
    doctor_money.add_arguments(money)


def run(arguments: argparse.Namespace) -> int:
    return doctor_money.run(arguments)
