"""What the repository does beneath the API: which kinds it knows, and what it keeps from going away."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from mbs.foundation.errors import NotFound
from mbs.foundation.pages import PageRequest
from mbs.resources.models import KINDS, SESSION
from mbs.resources.repository import ResourceRepository
from tests.factories.calendars import new_resource
from tests.factories.callers import Business
from tests.factories.catalog import create_staff

BY_NAME = PageRequest(sort="name_key", descending=False)


class TestKinds:
    def test_leave_classes_out_unless_they_are_asked_for(self, owner: Business) -> None:
        id_ = new_resource(owner, SESSION, name="yoga", capacity=20)
        with owner.database.transaction(owner.scope) as transaction:
            others = ResourceRepository(transaction)
            for ask in (
                lambda: others.get(id_),
                lambda: others.lock(id_, version=None),
                lambda: others.change(id_, {"capacity": 1}, version=None),
                lambda: others.remove(id_, version=None),
            ):
                with pytest.raises(NotFound):
                    ask()
            assert others.hold([id_]) == []
            assert others.search(BY_NAME, active=True).rows == []
            assert others.search(BY_NAME, active=True, kind=[SESSION]).rows == []
            assert ResourceRepository(transaction, kinds=(SESSION,)).get(id_).capacity == 20

    def test_are_found_over_http_alike(self, owner: Business) -> None:
        id_ = new_resource(owner, SESSION, name="yoga")
        for path in (f"/api/resources/{id_}", f"/api/staff/{id_}"):
            assert owner.get(path).status_code == 404
            assert owner.patch(path, {"capacity": 2}).status_code == 404
            assert owner.delete(f"{path}?purge=true").status_code == 404
        assert SESSION not in KINDS

    def test_are_no_parents(self, owner: Business) -> None:
        id_, class_ = create_staff(owner)["id"], new_resource(owner, SESSION, name="yoga")
        for answer in (
            owner.patch(f"/api/staff/{id_}", {"parentId": str(class_)}),
            owner.post("/api/staff", {"name": "Asha", "parentId": str(class_)}),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (400, "INVALID_REFERENCE")


class TestHold:
    def test_keeps_a_resource_and_lets_it_change(self, owner: Business) -> None:
        id_ = create_staff(owner)["id"]
        with owner.database.transaction(owner.scope) as transaction:
            held = ResourceRepository(transaction).hold([uuid7(), UUID(id_)])
            assert [str(row.id) for row in held] == [id_]

            assert owner.patch(f"/api/staff/{id_}", {"name": "Asha"}).status_code == 200
            refused = owner.delete(f"/api/staff/{id_}?purge=true")

            assert (refused.status_code, refused.get_json()["code"]) == (409, "BUSY")
        assert owner.delete(f"/api/staff/{id_}?purge=true").status_code == 204
