"""The storm's eighth part: what currencies are worth, which taxes there are, and what documents look like."""

import itertools
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

from mbs.branding.schemas import EXAMPLE as LOGO
from tests.tenancy.storm_of_classes import ClassStorm

PATHS = ("exchange-rates", "tax-rates")
FAR_AHEAD = date(2150, 1, 1)
"""What has not begun can be removed."""


class RateStorm(ClassStorm):
    """Rates of exchange and of taxes, and the logo."""

    actions: ClassVar[Mapping[str, int]] = {
        **ClassStorm.actions,
        "add_rate": 2,
        "tax_what_is_not_ones_own": 1,
        "look_at_rates": 4,
        "change_rate": 4,
        "remove_rate": 4,
        "ask_for_taxes": 1,
        "put_logo": 1,
        "look_at_logo": 1,
        "remove_logo": 1,
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.rates = itertools.count()

    def new_rate(self, path: str) -> str:
        number = next(self.rates)
        day = {"validFrom": f"{FAR_AHEAD + timedelta(days=number)}", "source": self.text()}
        body: dict[str, Any] = {"base": "USD", "quote": "INR", "rate": "83.1", **day}
        if path == "tax-rates":
            body = {"category": f"own_{number}", "components": [{"code": "GST", "rate": "5"}], **day}
        rate = self.made(f"/api/{path}", body)
        self.own.rates[path][rate["id"]] = rate
        return str(rate["id"])

    def rate(self, action: str) -> tuple[str, bool, str]:
        """Choose a kind of rate, and one that is own or foreign."""
        path = self.turn(action, PATHS)
        picked = self.pick_of(self.own.rates[path], self.foreign.rates[path])
        return path, *(picked or (True, self.new_rate(path)))

    def add_rate(self) -> None:
        self.new_rate(self.turn("add_rate", PATHS))

    def tax_what_is_not_ones_own(self) -> None:
        body = {
            "category": "standard",
            "components": [{"code": "GST", "rate": "5"}],
            "validFrom": "2150-01-01",
        }
        self.refused_reference(
            "POST", "/api/tax-rates", {**body, "locationId": self.foreign_one("locations")}
        )

    def look_at_rates(self) -> None:
        path, own, id_ = self.rate("look_at_rates")
        assert self.ids_listed(f"/api/{path}") == set(self.own.rates[path])
        if not own:
            self.like_one_that_never_was("GET", f"/api/{path}/{{}}", id_)
            return
        assert self.expect(200, "GET", f"/api/{path}/{id_}") == self.own.rates[path][id_]

    def change_rate(self) -> None:
        path, own, id_ = self.rate("change_rate")
        body = {"source": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", f"/api/{path}/{{}}", id_, body)
            return
        before = self.own.rates[path][id_]
        self.own.rates[path][id_] = self.expect(200, "PATCH", f"/api/{path}/{id_}", body)
        self.own.events += before["source"] != body["source"]

    def remove_rate(self) -> None:
        path, own, id_ = self.rate("remove_rate")
        if not own:
            self.like_one_that_never_was("DELETE", f"/api/{path}/{{}}", id_)
            return
        self.expect(204, "DELETE", f"/api/{path}/{id_}")
        del self.own.rates[path][id_]
        self.own.events += 1

    def ask_for_taxes(self) -> None:
        self.expect(200, "GET", "/api/tax-rates/effective")
        for theirs in [*self.foreign.locations][:1]:
            self.refused_like_one_that_never_was("/api/tax-rates/effective?locationId={}", theirs)

    # The logo

    def put_logo(self) -> None:
        self.expect(200, "PUT", "/api/tenant/logo", LOGO)
        self.own.has_logo = True
        self.recount()

    def look_at_logo(self) -> None:
        self.expect(200 if self.own.has_logo else 404, "GET", "/api/tenant/logo")

    def remove_logo(self) -> None:
        self.expect(204 if self.own.has_logo else 404, "DELETE", "/api/tenant/logo")
        self.own.has_logo = False
        self.recount()
