"""Resources and staff over HTTP."""

from tests.factories.callers import Business


class TestScratch:
    def test_all(self, owner: Business) -> None:
        r = owner.post("/api/resources", {"kind": "room", "name": "Dorm", "capacity": 6})
        assert r.status_code == 201, r.text
        id_ = r.json["id"]
        print(r.json)
        r = owner.patch(f"/api/resources/{id_}", {"capacity": 8, "isActive": True})
        assert r.status_code == 200, r.text
        assert r.json["bookableCapacity"] == 8
        assert owner.get(f"/api/staff/{id_}").status_code == 404
        r = owner.post("/api/staff", {"name": "Meera", "parentId": id_})
        assert r.status_code == 201, r.text
        r = owner.patch(f"/api/resources/{id_}", {"parentId": r.json["id"]})
        assert r.status_code == 400, r.text
        print(owner.get("/api/staff?serviceId=" + id_).json)
        print(owner.get("/api/resources?kind=room").json["data"])
        assert owner.delete(f"/api/resources/{id_}").status_code == 204
        assert owner.delete(f"/api/resources/{id_}?purge=true").status_code == 409
