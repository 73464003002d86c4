"""The API's document: valid, complete, and true of what the service answers."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.security import PUBLIC
from tests.contract.operations import Operation, all_operations, document, operations, routes
from tests.factories.apps import PUBLIC_HOST
from tests.factories.callers import Caller
from tests.factories.members import new_tenant_with
from tests.factories.objects import new_objects
from tests.factories.requests import acceptable
from tests.sso.conftest import sso_service
from tests.sso.stand_in import StandIn, stand_in

OPERATIONS = list(operations())
UNDOCUMENTED = {"/docs", "/docs/start.js", "/docs/assets/<name>"}
"""Pages for people, which are no part of the API."""


def named(operation: Operation) -> str:
    return operation.name


def template(rule: str) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


class TestTheDocument:
    def test_is_valid(self) -> None:
        assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []

    def test_is_served_to_everybody(self, caller: Caller) -> None:
        response = caller.get("/api/openapi.json")

        assert response.status_code == 200
        assert response.content_type == "application/json"
        assert response.json == document()
        assert document()["openapi"].startswith("3.1.")

    def test_names_every_route_and_no_other(self, app: Flask) -> None:
        served = {(method, template(rule)) for method, rule in routes(app) if rule not in UNDOCUMENTED}

        assert served == {(one.method, one.path) for one in all_operations()}

    def test_names_each_operation_once(self) -> None:
        ids = [one.details["operationId"] for one in all_operations()]

        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z]+[A-Za-z]*", id_) for id_ in ids)

    def test_has_only_components_that_are_used(self) -> None:
        text = json.dumps(document())
        for kind in ("schemas", "responses"):
            for name in document()["components"][kind]:
                assert f'"#/components/{kind}/{name}"' in text, name

    def test_has_closed_schemas(self) -> None:
        for name, schema in document()["components"]["schemas"].items():
            assert schema["additionalProperties"] is (name == "Problem") or name == "Problem", name

    def test_bounds_every_text_list_and_number_that_comes_in(self) -> None:
        unbounded = [
            f"{operation.name} {name}"
            for operation in OPERATIONS
            for name, schema in incoming(operation)
            if not bounded(schema)
        ]

        assert unbounded == []


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def incoming(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    for parameter in operation.parameters("query"):
        yield parameter["name"], parameter["schema"]
    if "requestBody" in operation.details:
        yield from operation.body_schema["properties"].items()


def bounded(schema: dict[str, Any]) -> bool:
    schema = resolved(schema)
    if "anyOf" in schema:
        return all(bounded(one) for one in schema["anyOf"])
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "enum" in schema or set(kinds) <= {"boolean", "null"}:
        return True
    if "object" in kinds:
        return all(bounded(one) for one in schema["properties"].values())
    if "array" in kinds:
        return "maxItems" in schema and bounded(schema["items"])
    if "integer" in kinds:
        return {"minimum", "maximum"} <= set(schema)
    if re.fullmatch(r"\^[^*+]+\$", schema.get("pattern", "")):
        return True
    return "maxLength" in schema or schema.get("format") in ("uuid", "date", "date-time")


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
class TestAnOperation:
    def test_says_what_it_does(self, operation: Operation) -> None:
        assert operation.details["summary"].endswith(".") or ";" in operation.details["summary"]
        assert len(operation.details["tags"]) == 1
        assert operation.details["tags"][0] in {tag["name"] for tag in document()["tags"]}

    def test_says_who_may_call_it(self, app: Flask, operation: Operation) -> None:
        (permission,) = {
            getattr(app.view_functions[rule.endpoint], "permission", None)
            for rule in app.url_map.iter_rules()
            if template(rule.rule) == operation.path and operation.method in (rule.methods or ())
        }

        assert (operation.details.get("security", document()["security"]) == []) is (permission == PUBLIC)
        if ":" in str(permission):
            assert f"`{permission}`" in operation.details["description"]

    def test_names_every_refusal(self, operation: Operation) -> None:
        details = operation.details
        expected = {500, 503}
        if operation.path.startswith("/api"):
            expected.add(400)
            if not operation.path.startswith("/api/health"):
                expected.add(429)
        if details.get("security") != []:
            expected |= {401, 403}
        if "{" in operation.path:
            expected.add(404)
        if "requestBody" in details:
            expected |= {413, 415}
        headers = {parameter["name"] for parameter in operation.parameters("header")}
        expected |= {412} if "If-Match" in headers else set()
        expected |= {422} if "Idempotency-Key" in headers else set()

        assert {str(status) for status in expected} <= set(details["responses"])
        for status, response in details["responses"].items():
            if status >= "400" and not operation.path.startswith(("/health", "/api/health")):
                assert response == {"$ref": f"#/components/responses/Error{status}"}

    def test_has_an_example_that_its_schema_allows(self, operation: Operation) -> None:
        if "requestBody" not in operation.details:
            return
        assert operation.details["requestBody"]["required"] is not operation.takes_no_body_too
        schema = {**operation.body_schema, "components": document()["components"]}
        assert list(Draft202012Validator(schema).iter_errors(operation.example)) == []

    def test_names_its_success_with_headers_and_shape(self, operation: Operation) -> None:
        answers = operation.details["responses"]
        statuses = sorted(one for one in answers if one < "400" and one != "304")

        # What takes long may answer twice: that it is begun, and what came of it.
        assert len(statuses) == 1 or statuses == ["200", "202"]
        for status in statuses:
            assert "X-Correlation-Id" in answers[status]["headers"]
            assert ("content" in answers[status]) is (status in ("200", "201", "202"))


def as_documented(response: TestResponse, operation: Operation) -> bool:
    """Tell whether the document foresees a response, its type and its shape."""
    details = operation.details["responses"][str(response.status_code)]
    if "$ref" in details:
        details = document()["components"]["responses"][details["$ref"].rpartition("/")[2]]
    if "content" not in details:
        return response.get_data() == b""
    mimetype = response.mimetype or ""
    assert mimetype in details["content"]
    shape = details["content"][mimetype]["schema"]
    if not mimetype.endswith("json"):
        assert shape["type"] == "string"
        return response.get_data() != b""
    schema = {**shape, "components": document()["components"]}
    faults = [error.message for error in Draft202012Validator(schema).iter_errors(response.json)]
    assert faults == []
    return True


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with stand_in() as provider:
        yield provider


@pytest.fixture(scope="module")
def whole_app(environ: dict[str, str], provider: StandIn) -> Iterator[Flask]:
    """The service with all that can be set up, and without rate limits."""
    app = sso_service(environ, provider.url, SKIP_RATE_LIMIT="true", WEB_THREADS="25")
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
class TestItsAnswers:
    def test_are_the_documented_ones(self, whole_app: Flask, provider: StandIn, operation: Operation) -> None:
        ready, owner = (new_tenant_with(whole_app, "contract", ("owner",))[0] for _ in range(2))
        request = acceptable(ready, operation.method, operation.path, operation.example, provider=provider)
        url = operation.url(new_objects(owner, operation.path))
        accepted = request.send()
        responses = [
            accepted,
            Caller(whole_app).call(operation.method, url, request.body),
            owner.call(operation.method, operation.url(), request.body),
            owner.call(operation.method, f"{url}?nonsense=1", request.body),
            owner.call(operation.method, url, {"nonsense": 1}),
            owner.call(operation.method, url, data=b"x", content_type="text/plain"),
            owner.call(
                operation.method, url, request.body, headers={"If-Match": '"99"', "If-None-Match": '"1"'}
            ),
            owner.call(operation.method, url, request.body),
        ]

        assert all(as_documented(response, operation) for response in responses)
        assert accepted.status_code < 400


class TestTheInteractivePage:
    def test_asks_nothing_of_other_hosts(self, caller: Caller) -> None:
        for path in ("/docs", "/docs/start.js"):
            text = caller.get(path).get_data(as_text=True)
            for address in re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", text):
                assert urlsplit(address).netloc == ""
                assert caller.get(address).status_code == 200
            assert "http:" not in text
            assert "https:" not in text

    def test_has_a_policy_of_its_own(self, caller: Caller) -> None:
        for path in ("/docs", "/docs/start.js"):
            policy = caller.get(path).headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval" not in policy
            assert "script-src 'self' 'unsafe-inline'" not in policy
        assert "<script>" not in caller.get("/docs").get_data(as_text=True)

    @pytest.mark.parametrize(
        "name", ["nothing.js", "..%2f..%2fpyproject.toml", "index.html", "%2e%2e", "a\x00"]
    )
    def test_serves_its_own_assets_only(self, caller: Caller, name: str) -> None:
        assert caller.get("/docs/assets/swagger-ui.css").status_code == 200
        assert caller.get(f"/docs/assets/{name}").status_code in (400, 404)

    def test_is_not_there_in_production(self, production_app: Flask) -> None:
        stranger = Caller(production_app)
        headers = {"Host": PUBLIC_HOST}

        for path in ("/docs", "/docs/start.js", "/docs/assets/swagger-ui.css"):
            assert stranger.get(path, headers=headers).status_code == 404
        assert stranger.get("/api/openapi.json", headers=headers).status_code == 200

    def test_is_there_in_production_when_wanted(self, environ: dict[str, str]) -> None:
        wanted = {"APP_ENV": "production", "BASE_URL": f"https://{PUBLIC_HOST}", "DOCS_ENABLED": "true"}
        app = create_app(Config.load({**environ, **wanted}))

        assert Caller(app).get("/docs", headers={"Host": PUBLIC_HOST}).status_code == 200
        app.extensions[EXTENSION].dispose()
