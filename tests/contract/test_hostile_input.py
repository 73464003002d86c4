"""One corpus of hostile input, driven through every body, field, parameter, path and header of the API.

Whatever comes is answered with a 4xx that names the fault, never with a 5xx; nothing is stored; and the
lists work afterwards.
"""

import gzip
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation.problems import MEDIA_TYPE
from tests.contract.hostile_corpus import ANYWHERE, MALFORMED, NOT_A_NUMBER, NOT_AN_INSTANT, SQL
from tests.contract.operations import Ids, Operation, ids_of, operations
from tests.contract.stored_rows import Query, row_counts
from tests.factories.callers import PASSWORD, Business, Caller, new_business
from tests.factories.customers import create

AGAIN = ("/api/resources/{resource_id}/", "/api/locations/{location_id}/")
"""Here are the views of /api/staff/{staff_id}/ once more."""
OPERATIONS = [one for one in operations() if not one.path.startswith(AGAIN)]
WITH_BODY = [one for one in OPERATIONS if one.example is not None]
WITH_QUERY = [one for one in OPERATIONS if one.parameters("query")]
WITH_ID = [one for one in OPERATIONS if "{" in one.path]


@pytest.fixture(scope="module")
def owner(app: Flask, wide_app: Flask) -> Iterator[Business]:
    """An owner without rate limits, with one customer; reads every list when all has been tried."""
    owner = new_business(Caller(app))
    owner.app = wide_app
    owner = Business(**{name: getattr(owner, name) for name in Business.__dataclass_fields__})
    create(owner)
    yield owner
    for path in ("/api/customers", "/api/events", "/api/audit-logs", "/api/context", "/api/tenant/settings"):
        assert owner.get(path).status_code == 200, path


@pytest.fixture(scope="module")
def ids(owner: Business) -> Ids:
    """What the paths name."""
    return ids_of(owner)


@pytest.fixture(autouse=True)
def nothing_changes(query: Query, owner: Business) -> Iterator[None]:
    """Compare what is stored before and after."""
    before = row_counts(query)
    yield
    assert row_counts(query) == before


def refused(response: TestResponse, *statuses: int, field: str | None = None) -> None:
    shown = response.get_data(as_text=True)
    assert response.status_code in statuses, shown
    assert response.content_type == MEDIA_TYPE
    body = response.json
    assert body is not None
    assert body["status"] == response.status_code
    assert len(shown) < 32_000, "what came is not sent back"
    if response.status_code == 400 and body["code"] != "INVALID_CURSOR":
        assert body["errors"], shown
        if field is not None:
            assert field in {fault["field"].partition(".")[0] for fault in body["errors"]}, shown


def named(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
class TestABody:
    def send(self, owner: Business, operation: Operation, ids: Ids, **options: Any) -> TestResponse:
        return owner.call(operation.method, operation.url_among(ids), **options)

    def test_that_is_not_plain_json_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for name, data in MALFORMED.items():
            if operation.takes_no_body_too and not data:
                continue
            response = self.send(owner, operation, ids, data=data, content_type="application/json")
            assert response.json is not None, name
            assert response.json["code"] == "INVALID_JSON", name
            refused(response, 400)

    def test_larger_than_1_mib_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        data = b'{"name":"' + b"x" * 1024 * 1024 + b'"}'
        refused(self.send(owner, operation, ids, data=data, content_type="application/json"), 413)
        # In chunks, without a Content-Length.
        chunked = {"input_stream": BytesIO(data), "environ_overrides": {"wsgi.input_terminated": True}}
        refused(self.send(owner, operation, ids, content_type="application/json", **chunked), 413)

    def test_of_another_type_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for content_type in (
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/merge-patch+json",
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
            "application",
            "",
            None,
        ):
            refused(self.send(owner, operation, ids, data=b"{}", content_type=content_type), 415)

    def test_that_is_compressed_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for encoding in ("gzip", "deflate", "br", "identity", "gzip, gzip"):
            response = self.send(
                owner,
                operation,
                ids,
                data=gzip.compress(b"{}"),
                content_type="application/json",
                headers={"Content-Encoding": encoding},
            )
            refused(response, 415)

    def test_with_an_unknown_field_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for name in ("tenant_id", "tenantId2", "__proto__", "", "a.b", "x" * 5000, "Name", "$where"):
            body = {**operation.example, name: "x"}
            refused(self.send(owner, operation, ids, body=body), 400)

    def test_with_thousands_of_faults_is_answered_with_a_few(
        self, owner: Business, operation: Operation, ids: Ids
    ) -> None:
        bodies: list[Any] = [{f"{'x' * 90}{number}": 1 for number in range(9000)}]
        lists = [name for name, one in operation.body_schema["properties"].items() if "items" in one]
        bodies += [{**operation.example, name: ["x" * 60] * 9000} for name in lists]
        for body in bodies:
            response = self.send(owner, operation, ids, body=body)
            refused(response, 400)
            assert len((response.json or {})["errors"]) <= 40

    def test_with_a_field_of_another_type_is_refused(
        self, owner: Business, operation: Operation, ids: Ids
    ) -> None:
        for name, schema in operation.body_schema["properties"].items():
            kinds = str(schema)
            wrong: list[Any] = [["x"], {"x": 1}, 1.5]
            wrong += [] if "integer" in schema.get("type", "") else [17]
            wrong += [] if "boolean" in kinds else [True]
            wrong += [] if "'null'" in kinds else [None]
            if "string" in kinds and name != "tags":
                wrong += ["x" * 20_000, ""]
                # A password may hold any character that can be typed.
                wrong += [] if schema.get("writeOnly") else ["a\x1bb", "\u202e\u0007"]
            if "array" in kinds:
                wrong.remove(["x"])
                wrong += ["x", [17], [None], [["x"]], ["a\nb"], [f"x{n}" for n in range(21)]]
            for value in wrong:
                body = {**operation.example, name: value}
                refused(self.send(owner, operation, ids, body=body), 400, field=name)


@pytest.mark.parametrize("operation", WITH_QUERY, ids=named)
class TestAQueryParameter:
    def send(self, owner: Business, operation: Operation, ids: Ids, query: Any) -> TestResponse:
        return owner.call(operation.method, operation.url_among(ids), operation.example, query_string=query)

    def test_out_of_its_range_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for parameter in operation.parameters("query"):
            name, schema = parameter["name"], parameter["schema"]
            values = [*ANYWHERE, ""]
            if schema["type"] == "integer":
                values += [value for value in NOT_A_NUMBER if value != "0" or schema["minimum"] > 0]
            elif schema["type"] == "boolean":
                values += ["1", "yes", "True", "TRUE", "t", "null"]
            elif schema.get("format") == "date-time":
                values += NOT_AN_INSTANT
            elif schema.get("writeOnly"):
                values += ["x" * 5000]
            elif schema.get("format") in ("uuid", "email", "phone") or "enum" in schema or name == "cursor":
                values += [*SQL, "x" * 3000, "\u202ex", "null", "[]", "*"]
            else:
                values += ["x" * 5000, "a\nb", "\x1b[31m"]
            for value in values:
                refused(self.send(owner, operation, ids, {name: value}), 400, field=name)

    def test_given_twice_is_refused(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for parameter in operation.parameters("query"):
            name = parameter["name"]
            refused(self.send(owner, operation, ids, [(name, "1"), (name, "1")]), 400, field=name)

    def test_that_is_not_utf_8_is_harmless(self, owner: Business, operation: Operation, ids: Ids) -> None:
        for parameter in operation.parameters("query"):
            response = self.send(owner, operation, ids, f"{parameter['name']}=%ff%fe%C0%80")
            # The provider's answer may hold anything; there is no provider here.
            statuses = (400, 404) if operation.path == "/api/auth/sso/callback" else (200, 400)
            assert response.status_code in statuses, response.get_data(as_text=True)


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
class TestAnyAddress:
    def test_refuses_unknown_query_parameters(self, owner: Business, operation: Operation, ids: Ids) -> None:
        if not operation.path.startswith("/api"):
            pytest.skip("a probe answers whatever the prober adds")
        for query in ("limt=5", "LIMIT=5", "a%00b=1", "%ff=1", "=1", "tenantId=x", "a[]=1", "$where=1"):
            url = f"{operation.url_among(ids)}?{query}"
            refused(owner.call(operation.method, url, operation.example), 400)

    def test_refuses_nul_in_the_path(self, owner: Business, operation: Operation, ids: Ids) -> None:
        path = operation.url_among(ids)
        for url in (f"{path}%00", f"{path}/%00", f"/%00{path}"):
            refused(owner.call(operation.method, url, operation.example), 400, 404)

    def test_is_not_impressed_by_headers(self, owner: Business, operation: Operation, ids: Ids) -> None:
        public = operation.details.get("security") == []
        for name, values, statuses in (
            ("X-Tenant-ID", ("x", "\xff", "' OR 1=1 --", "x" * 5000), {403}),
            (
                "Authorization",
                ("Bearer", "Bearer a b", "Basic eDp5", "Bearer \xff", "Bearer " + "x" * 9000),
                {401},
            ),
        ):
            if public or operation.method not in ("GET", "DELETE"):
                continue
            for value in values:
                response = owner.call(operation.method, operation.url_among(ids), headers={name: value})
                assert response.status_code in statuses, (name, value)


class TestSigningIn:
    @pytest.fixture(autouse=True)
    def nothing_changes(self) -> None:
        """Here a session begins each time."""

    def test_is_not_impressed_by_headers(self, owner: Business) -> None:
        body = {"email": owner.email, "password": PASSWORD}
        for name in ("User-Agent", "X-Forwarded-For", "Accept", "Cookie", "Origin"):
            for text in ("a\x00b\xff\x1b[31m", "x" * 5000):
                assert owner.post("/api/auth/login", body, headers={name: text}).status_code == 200, name


@pytest.mark.parametrize("operation", WITH_ID, ids=named)
class TestAnId:
    @pytest.mark.parametrize(
        "id_",
        [
            "%ff",
            "%C0%80",
            "%00",
            "a%00b",
            "17",
            "-1",
            "null",
            "..",
            "%2e%2e",
            "..%2f..%2fetc",
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-0000-00000000000g",
            "{00000000-0000-0000-0000-00000000000}",
            "'%20OR%201=1%20--",
            "1;SELECT%20pg_sleep(5)",
            "x" * 1000,
            "%D9%A1" * 36,
        ],
    )
    def test_that_names_nothing_is_not_found(self, owner: Business, operation: Operation, id_: str) -> None:
        url = operation.url(dict.fromkeys(operation.ids, id_))

        refused(owner.call(operation.method, url, operation.example), 400, 404)
