"""A business that holds one word in every text that its people can write."""

from flask import Flask

from tests.factories.answers import listed, made
from tests.factories.calendar_objects import in_days, whole_calendar
from tests.factories.callers import Business, Caller, new_business
from tests.factories.correspondence import whole_correspondence
from tests.factories.issued import issued, pay
from tests.tenancy.conftest import random_id

CANARY = "kanarienvogel"
PHONE = "9812345678"
ADDRESS = {"line1": CANARY, "city": CANARY, "region": CANARY, "postalCode": CANARY, "country": "IN"}


def business_of_canaries(app: Flask) -> Business:
    theirs = new_business(
        Caller(app),
        businessName=f"{CANARY} Ltd",
        firstName=CANARY,
        lastName=CANARY,
        email=f"{CANARY}-{random_id()}@example.com",
    )
    customer = {
        "name": f"{CANARY} Ana",
        "email": f"{CANARY}@example.com",
        "phone": f"+91{PHONE}",
        "address": ADDRESS,
        "taxId": CANARY,
        "taxStatus": "overseas",
        "tags": [CANARY],
        "notes": CANARY,
    }
    traced = {"X-Correlation-Id": CANARY}
    created = theirs.post("/api/customers", customer, headers=traced)
    assert created.status_code == 201
    place = f"/api/customers/{created.get_json()['id']}"
    assert theirs.patch(place, {"notes": f"{CANARY} twice"}, headers=traced).status_code == 200
    for place, body in (
        ("/api/customers", {"name": f"{CANARY} Bo"}),
        ("/api/roles", {"name": CANARY, "permissions": ["customers:read"]}),
        ("/api/invites", {"email": f"{CANARY}-{random_id()}@example.com", "role": "staff"}),
        ("/api/api-keys", {"name": CANARY, "scopes": ["customers:read"]}),
        (
            "/api/tax-rates",
            {"category": CANARY, "kind": "exempt", "validFrom": "2026-01-01", "source": CANARY},
        ),
        (
            "/api/locations",
            {
                "name": CANARY,
                "legalName": CANARY,
                "taxRegistration": CANARY,
                "country": "FR",
                "address": ADDRESS,
            },
        ),
    ):
        assert theirs.post(place, body, headers=traced).status_code == 201, place
    _mark_calendar(theirs)
    _mark_payments(theirs)
    whole_correspondence(theirs, CANARY)
    return theirs


def _mark_calendar(theirs: Business) -> None:
    """Put the word into every text of a calendar, and a booking into today and one into a class."""
    ids = whole_calendar(theirs)
    who = f"/api/staff/{ids['staff_id']}"
    for path, body in (
        (f"/api/services/{ids['service_id']}", {"name": CANARY, "description": CANARY, "category": CANARY}),
        (who, {"name": CANARY, "tags": [CANARY]}),
        (f"{who}/exceptions/{ids['exception_id']}", {"reason": CANARY}),
        (f"{who}/time-off/{ids['time_off_id']}", {"reason": CANARY}),
        (f"/api/bookings/{ids['booking_id']}", {"notes": CANARY, "internalNotes": CANARY}),
        (f"/api/sessions/{ids['session_id']}", {"name": CANARY, "notes": CANARY}),
    ):
        made(theirs, path, body, "PATCH")
    for days in (0.1, 2):
        asked = {"customerId": listed(theirs, "/api/customers")[0]["id"], "startAt": in_days(days)}
        asked |= {"serviceId": ids["service_id"], "override": {"hours": True, "notice": True}}
        made(theirs, "/api/bookings", {**asked, "notes": CANARY})


def _mark_payments(theirs: Business) -> None:
    """Put the word into every text of payments: one that paid an invoice, and one that went back in part."""
    booking = listed(theirs, "/api/bookings")[0]
    texts = {"reference": CANARY, "notes": CANARY, "bookingId": booking["id"]}
    invoice = issued(theirs, "10.00", customer_id=booking["customerId"])
    payment = pay(theirs, "10.00", **invoice, **texts)
    rest = pay(theirs, "10.00", customerId=booking["customerId"], allowUnapplied=True, **texts)
    refund = {"amount": "1.00", "reason": CANARY, "reference": CANARY}
    made(theirs, f"/api/payments/{rest['id']}/refunds", refund)
    made(theirs, f"/api/payments/{payment['id']}/reverse", {"reason": CANARY})
    pay(theirs, "9.00", **invoice, **texts)


def questions_about(theirs: Business) -> dict[str, str]:
    """Return for each parameter of a list what asks for something of this business."""
    booking = listed(theirs, "/api/bookings")[0]
    group_class = listed(theirs, "/api/sessions")[0]
    payment = listed(theirs, "/api/payments?expand=allocations")[0]
    return {
        "paymentId": payment["id"],
        "bookingId": payment["bookingId"],
        "invoiceId": payment["allocations"][0]["invoiceId"],
        "method": payment["method"],
        "search": CANARY,
        "email": f"{CANARY}@example.com",
        "phone": f"%2B91{PHONE}",
        "tag": CANARY,
        "category": CANARY,
        "objectId": listed(theirs, "/api/customers")[0]["id"],
        "actorId": str(theirs.user_id),
        "objectType": "customer",
        "types": "customer.created,tenant.created",
        "after": "0",
        "customerId": booking["customerId"],
        "staffId": booking["staffId"],
        "resourceId": booking["staffId"],
        "serviceId": booking["serviceId"],
        "locationId": booking["locationId"],
        "sessionId": group_class["id"],
        "reference": booking["reference"],
        "expand": "customer",
        "from": "2026-01-01T00:00:00Z",
        "to": in_days(300),
        "includeTotal": "true",
        "status": "active,archived",
        "limit": "100",
    }
