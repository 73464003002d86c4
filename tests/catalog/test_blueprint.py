"""Services over HTTP."""

from tests.factories.callers import Business


class TestScratch:
    def test_all(self, owner: Business) -> None:
        r = owner.post("/api/services", {"name": "Cut", "price": "500", "duration": 45})
        assert r.status_code == 201, r.text
        id_ = r.json["id"]
        print(r.json)
        a = owner.post("/api/staff", {"name": "Meera"}).json["id"]
        b = owner.post("/api/staff", {"name": "Asha"}).json["id"]
        r = owner.call("PUT", f"/api/services/{id_}/resources", {"resources": [{"resourceId": a, "price": "600"}, {"resourceId": b, "duration": 30}]})
        assert r.status_code == 200, r.text
        print(r.json, r.headers["ETag"])
        print(owner.get("/api/services?sortBy=price&staffId=" + a).json)
        print(owner.get("/api/staff?serviceId=" + id_).json["data"])
        r = owner.patch(f"/api/services/{id_}", {"duration": 90, "segments": [{"minutes": 30, "needs": ["staff"]}, {"minutes": 60, "needs": ["staff"]}]})
        assert r.status_code == 400, r.text
        r = owner.patch(f"/api/services/{id_}", {"policy": {"cancelNoticeMin": 3, "lateCancelFee": {"type": "fixed", "value": "3.00"}}})
        assert r.status_code == 200, r.text
        print(r.json["policy"])
        r = owner.patch(f"/api/services/{id_}", {"policy": {"cancelNoticeMin": None}})
        print(r.json["policy"])
        for i in range(3):
            owner.post("/api/services", {"name": "Cut", "price": "500", "duration": 45})
        r = owner.get("/api/services?sortBy=price&limit=2").json
        r2 = owner.get("/api/services?sortBy=price&limit=2&cursor=" + r["pagination"]["nextCursor"])
        assert r2.status_code == 200, r2.text
        assert len(r2.json["data"]) == 2
        assert owner.delete(f"/api/services/{id_}").status_code == 204
        assert owner.delete(f"/api/services/{id_}?purge=true").status_code == 204
        assert owner.get("/api/openapi.json").status_code == 200
