"""What can go wrong with taxes."""

from mbs.foundation.errors import Conflict


class NoTaxRate(Conflict):
    code = "NO_TAX_RATE"
    sentence = "There is no tax rate for this category on this date; add one at /api/tax-rates."


class MissingSellerTaxId(Conflict):
    code = "MISSING_SELLER_TAX_ID"
    sentence = (
        "The location charges tax but has no tax registration, which an invoice must show; give it its"
        " `taxRegistration`, or the `taxRegime` `none`."
    )


class OverlappingRates(Conflict):
    sentence = (
        "There already is a rate of this category for the same place on some of these days; end that one"
        " first by setting its `validTo`, or choose other dates."
    )
