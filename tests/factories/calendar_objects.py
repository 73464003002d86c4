"""An object of the calendar for each id that a path of the API can name."""

from collections.abc import Callable, Mapping

from tests.factories.answers import made
from tests.factories.callers import Business

Maker = Callable[[Business], dict[str, str]]


def service(owner: Business) -> dict[str, str]:
    body = {"name": "Haircut", "price": "999.00", "duration": 60}
    return {"service_id": made(owner, "/api/services", body)["id"]}


def resource(owner: Business) -> dict[str, str]:
    return {"resource_id": made(owner, "/api/resources", {"kind": "room", "name": "Cabin"})["id"]}


def staff(owner: Business) -> dict[str, str]:
    return {"staff_id": made(owner, "/api/staff", {"name": "Meera"})["id"]}


def location(owner: Business) -> dict[str, str]:
    return {"location_id": made(owner, "/api/locations", {"name": "Bandra"})["id"]}


def exception(path: str, make: Maker) -> Maker:
    """Return a maker of a date that differs from the week, of one kind of owner."""

    def of(owner: Business) -> dict[str, str]:
        ids = make(owner)
        body = {"date": "2026-12-25", "windows": []}
        return {**ids, "exception_id": made(owner, f"{path.format_map(ids)}/exceptions", body)["id"]}

    return of


def time_off(path: str, make: Maker) -> Maker:
    """Return a maker of time off, of one kind of owner."""

    def of(owner: Business) -> dict[str, str]:
        ids = make(owner)
        body = {"startAt": "2026-08-03T00:00:00Z", "endAt": "2026-08-10T00:00:00Z"}
        return {**ids, "time_off_id": made(owner, f"{path.format_map(ids)}/time-off", body)["id"]}

    return of


OWNERS: Mapping[str, Maker] = {
    "/api/staff/{staff_id}": staff,
    "/api/resources/{resource_id}": resource,
    "/api/locations/{location_id}": location,
}
"""Those that have hours."""

MAKERS: Mapping[str, Maker] = {
    "/api/services/{service_id}": service,
    **OWNERS,
    **{f"{path}/exceptions/{{exception_id}}": exception(path, make) for path, make in OWNERS.items()},
    **{f"{path}/time-off/{{time_off_id}}": time_off(path, make) for path, make in OWNERS.items()},
}
