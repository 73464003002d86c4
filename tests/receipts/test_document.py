"""What the API's document says of the routes that providers call."""

import pytest

from tests.contract.operations import SIGNED, Operation, all_operations, document
from tests.receipts.providers import FORM, JSON

OPERATIONS = [one for one in all_operations() if one.path.startswith(SIGNED)]
BODIES = {
    "/api/webhooks/twilio/status": FORM,
    "/api/webhooks/twilio/inbound": FORM,
    "/api/webhooks/sendgrid": JSON,
    "/api/webhooks/resend": JSON,
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
class TestAnOperation:
    def test_is_signed_and_asks_for_no_credential(self, operation: Operation) -> None:
        assert operation.details["security"] == []
        assert "whose signature is the credential" in operation.details["description"]
        assert operation.details["summary"].endswith(".") or ":" in operation.details["summary"]

    def test_names_its_body_and_what_it_answers(self, operation: Operation) -> None:
        body = operation.details["requestBody"]
        assert (body["required"], list(body["content"])) == (True, [BODIES[operation.path]])
        assert body["content"][BODIES[operation.path]]["example"]
        assert set(operation.details["responses"]) == {"204", "400", "403", "409", "413", "415", "500", "503"}
        assert "content" not in operation.details["responses"]["204"]

    def test_counts_against_no_limit(self, operation: Operation) -> None:
        assert list(operation.details["responses"]["204"]["headers"]) == ["X-Correlation-Id"]


def test_all_of_them_are_documented() -> None:
    assert {one.path for one in OPERATIONS} == set(BODIES)
    assert "receipts" in {tag["name"] for tag in document()["tags"]}
