"""What a caller may write: each operation's fields, and no others."""

CUSTOMER = frozenset(
    {
        *("kind", "name", "email", "phone", "address", "tags", "notes"),
        *("taxId", "taxStatus", "regionCode"),
    }
)
OPENING = frozenset({"businessName", "businessType", "countryCode", "timezone"})
PLACE = frozenset(
    {
        *("name", "timezone", "country", "address", "phone", "isDefault"),
        *("legalName", "taxRegime", "taxRegistration", "invoicePrefix"),
    }
)
WORDS = frozenset({"subject", "body", "contentSid", "contentVariables"})
NAMES = frozenset({"firstName", "lastName"})

RESOURCE = frozenset(
    {"name", "locationId", "memberId", "parentId", "capacity", "bookableCapacity", "tags", "color"}
)
SERVICE = frozenset(
    {
        *("name", "description", "category", "price", "priceUnit", "duration", "bufferBefore", "bufferAfter"),
        *("slotInterval", "segments", "policy", "maxCapacity", "sortOrder"),
        *("taxCategory", "sacHsn", "supplyRule"),
    }
)
WHEN = frozenset({"startAt", "bookingDate", "startTime", "fold", "checkIn", "checkOut"})
WHO = frozenset({"staffId", "resourceId", "sessionId"})
CLASS = frozenset({"name", "notes", "capacity", "staffId", "roomId"})
CLASS_TIME = frozenset({"startAt", "date", "startTime", "fold"})
INVOICE = frozenset(
    {"customerId", "locationId", "currency", "supplyDate", "dueDate", "taxMode", "discount", "items", "notes"}
    | {"terms", "footer"}
)
HOURS: dict[tuple[str, str], frozenset[str]] = {
    ("PUT", "schedule"): frozenset({"week", "timezone"}),
    ("POST", "exceptions"): frozenset({"date", "windows", "reason"}),
    ("PATCH", "exceptions/{exception_id}"): frozenset({"date", "windows", "reason"}),
    ("POST", "time-off"): frozenset({"startAt", "endAt", "reason", "force"}),
    ("PATCH", "time-off/{time_off_id}"): frozenset({"startAt", "endAt", "reason", "force"}),
}
HAVE_HOURS = ("/api/staff/{staff_id}", "/api/resources/{resource_id}", "/api/locations/{location_id}")

WRITABLE: dict[tuple[str, str], frozenset[str]] = {
    ("POST", "/api/auth/register"): OPENING | NAMES | {"email", "password", "session"},
    ("POST", "/api/auth/login"): frozenset({"email", "password", "tenantId", "session"}),
    ("POST", "/api/auth/login/second-factor"): frozenset({"challenge", "code", "session"}),
    ("POST", "/api/auth/forgot-password"): frozenset({"email"}),
    ("POST", "/api/auth/reset-password"): frozenset({"token", "password"}),
    ("POST", "/api/auth/change-password"): frozenset({"currentPassword", "newPassword"}),
    ("POST", "/api/auth/verify-email"): frozenset({"token"}),
    ("POST", "/api/auth/change-email"): frozenset({"email"}),
    ("POST", "/api/auth/change-email/confirm"): frozenset({"token"}),
    ("POST", "/api/auth/step-up"): frozenset({"password", "code"}),
    ("POST", "/api/auth/second-factor/confirm"): frozenset({"code"}),
    ("POST", "/api/auth/second-factor/disable"): frozenset({"code"}),
    ("POST", "/api/auth/invites/{token}/accept"): NAMES | {"password", "session"},
    ("POST", "/api/auth/sso/register"): OPENING | NAMES | {"email", "ticket", "session"},
    ("POST", "/api/auth/sso/join"): NAMES | {"ticket", "invitation", "session"},
    ("POST", "/api/auth/sso/link"): frozenset({"ticket"}),
    ("POST", "/api/auth/refresh"): frozenset({"refreshToken"}),
    ("POST", "/api/auth/token/refresh"): frozenset({"refreshToken"}),
    ("PATCH", "/api/auth/me"): NAMES,
    ("PATCH", "/api/auth/tenants/switch"): frozenset({"tenantId"}),
    ("POST", "/api/tenants"): OPENING,
    ("PATCH", "/api/tenant"): frozenset(
        {"name", "businessType", "currency", "timezone", "locale", "onboardingCompleted"}
    ),
    ("PUT", "/api/tenant/logo"): frozenset({"image"}),
    ("PATCH", "/api/tenant/settings"): frozenset(
        {"customers", "security", "booking", "invoicing", "notifications"}
    ),
    ("PATCH", "/api/members/{member_id}"): frozenset({"role", "roleId", "status"}),
    ("POST", "/api/invites"): frozenset({"email", "role", "roleId"}),
    ("POST", "/api/roles"): frozenset({"name", "permissions"}),
    ("PATCH", "/api/roles/{role_id}"): frozenset({"name", "permissions"}),
    ("POST", "/api/api-keys"): frozenset({"name", "scopes", "expiresAt"}),
    ("PATCH", "/api/api-keys/{key_id}"): frozenset({"name"}),
    ("POST", "/api/webhook-endpoints"): frozenset({"url", "eventTypes", "description"}),
    ("PATCH", "/api/webhook-endpoints/{endpoint_id}"): frozenset(
        {"url", "eventTypes", "description", "status"}
    ),
    ("POST", "/api/locations"): PLACE,
    ("PATCH", "/api/locations/{location_id}"): PLACE | {"status"},
    ("POST", "/api/customers"): CUSTOMER,
    ("PATCH", "/api/customers/{customer_id}"): CUSTOMER | {"status"},
    ("POST", "/api/customers/{customer_id}/consents"): frozenset(
        {"channel", "category", "status", "source", "wording"}
    ),
    ("PUT", "/api/customers/{customer_id}/preferences"): frozenset({"timezone", "locale"}),
    ("POST", "/api/notifications/test"): frozenset({"channel", "to", "template"}),
    ("POST", "/api/suppressions"): frozenset({"channel", "address", "reason"}),
    ("POST", "/api/resources"): RESOURCE | {"kind"},
    ("PATCH", "/api/resources/{resource_id}"): RESOURCE | {"isActive"},
    ("POST", "/api/staff"): RESOURCE,
    ("PATCH", "/api/staff/{staff_id}"): RESOURCE | {"isActive"},
    **{(method, f"{owner}/{path}"): HOURS[method, path] for owner in HAVE_HOURS for method, path in HOURS},
    ("POST", "/api/services"): SERVICE | {"mode"},
    ("PATCH", "/api/services/{service_id}"): SERVICE | {"isActive"},
    ("PUT", "/api/services/{service_id}/resources"): frozenset({"resources"}),
    ("POST", "/api/bookings"): WHEN
    | WHO
    | {"customerId", "customer", "serviceId", "items", "locationId", "partySize", "notes", "internalNotes"}
    | {"hold", "override"},
    ("PATCH", "/api/bookings/{booking_id}"): frozenset({"notes", "internalNotes"}),
    ("POST", "/api/bookings/{booking_id}/decline"): frozenset({"reason"}),
    ("POST", "/api/bookings/{booking_id}/no-show"): frozenset({"waiveFee"}),
    ("POST", "/api/bookings/{booking_id}/cancel"): frozenset({"cancelledBy", "reason", "waiveFee"}),
    ("POST", "/api/bookings/{booking_id}/reschedule"): WHEN | WHO | {"override"},
    ("POST", "/api/sessions"): CLASS | CLASS_TIME | {"serviceId", "locationId"},
    ("PATCH", "/api/sessions/{session_id}"): CLASS | CLASS_TIME,
    ("POST", "/api/sessions/{session_id}/cancel"): frozenset({"reason"}),
    ("POST", "/api/session-series"): CLASS
    | {"serviceId", "locationId", "days", "startTime", "from", "until", "count"},
    ("POST", "/api/sessions/{session_id}/waitlist"): frozenset({"customerId", "partySize"}),
    ("POST", "/api/invoices"): INVOICE,
    ("POST", "/api/invoices/preview"): INVOICE,
    ("PATCH", "/api/invoices/{invoice_id}"): INVOICE,
    ("POST", "/api/invoices/{invoice_id}/issue"): frozenset({"issueDate"}),
    ("POST", "/api/invoices/{invoice_id}/send"): frozenset({"channels"}),
    ("POST", "/api/invoices/{invoice_id}/void"): frozenset({"reason"}),
    ("POST", "/api/bookings/{booking_id}/invoice"): frozenset(
        {
            *("issue", "issueDate", "supplyDate", "dueDate", "taxMode", "discount"),
            *("notes", "terms", "footer"),
        }
    ),
    ("POST", "/api/invoices/{invoice_id}/credit-notes"): frozenset(
        {"reason", "lines", "settle", "refund", "issueDate"}
    ),
    ("POST", "/api/payments"): frozenset(
        {
            *("customerId", "amount", "currency", "method", "receivedAt", "reference", "notes", "bookingId"),
            *("allocations", "invoiceId", "allowUnapplied"),
        }
    ),
    ("POST", "/api/payments/{payment_id}/allocations"): frozenset({"allocations"}),
    ("POST", "/api/payments/{payment_id}/refunds"): frozenset(
        {"amount", "reason", "method", "reference", "refundedAt"}
    ),
    ("POST", "/api/payments/{payment_id}/reverse"): frozenset({"reason"}),
    ("POST", "/api/exchange-rates"): frozenset({"base", "quote", "rate", "validFrom", "source"}),
    ("PATCH", "/api/exchange-rates/{exchange_rate_id}"): frozenset({"rate", "source"}),
    ("PUT", "/api/notification-templates/{key}/{channel}/{locale}"): WORDS,
    ("POST", "/api/notification-templates/{key}/{channel}/{locale}/preview"): WORDS,
    ("POST", "/api/tax-rates"): frozenset(
        {
            *("jurisdiction", "locationId", "category", "kind", "components", "validFrom", "validTo"),
            "source",
        }
    ),
    ("PATCH", "/api/tax-rates/{tax_rate_id}"): frozenset({"validTo", "source"}),
}
