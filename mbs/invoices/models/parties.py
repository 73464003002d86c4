"""Seller and buyer: what taxes are reckoned from, and what a document keeps of them once it is issued."""

from typing import Any

from mbs.taxes.models.treatments import Buyer, Seller


def seller_of(context: Any) -> Seller:
    """Return who sells, for taxes.

    :param context: a row of `ContextRepository`.
    """
    return Seller(
        country=context.country,
        regime=context.tax_regime,
        registration=context.tax_registration,
        business_type=context.business_type,
    )


def buyer_of(context: Any) -> Buyer:
    """Return who buys, for taxes.

    :param context: a row of `ContextRepository`.
    """
    return Buyer(
        country=(context.customer_address or {}).get("country"),
        tax_status=context.customer_tax_status,
        tax_id=context.customer_tax_id,
        region_code=context.customer_region_code,
    )


def seller_snapshot(context: Any) -> dict[str, Any]:
    """Return what an issued document keeps of its seller, as the wire shows it.

    :param context: a row of `ContextRepository`.
    """
    return {
        "name": context.legal_name or context.business_name,
        "address": context.address,
        "country": context.country,
        "taxRegistration": context.tax_registration,
        "taxRegime": context.tax_regime,
        "locationName": context.location_name,
        "phone": context.phone,
    }


def buyer_snapshot(context: Any) -> dict[str, Any]:
    """Return what an issued document keeps of its customer, as the wire shows it (`parts.BUYER`).

    :param context: a row of `ContextRepository`.
    """
    return {
        "name": context.customer_name,
        "address": context.customer_address,
        "taxId": context.customer_tax_id,
        "taxStatus": context.customer_tax_status,
        "regionCode": context.customer_region_code,
        "email": context.customer_email,
        "phone": context.customer_phone,
    }
