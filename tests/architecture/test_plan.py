"""docs/architecture.md is the plan of the house as it is: every part, and nothing that is not there."""

import configparser
import gc
import re

import pytest
from flask import Flask

from mbs.foundation.connections import DeadlineConnection
from mbs.foundation.db import Base
from tests.architecture.sources import ROOMS, ROOT
from tests.architecture.test_routes import routes
from tests.factories.callers import Business

PLAN = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SECTIONS = dict(part.split("\n", 1) for part in PLAN.split("\n## ")[1:])


def messages() -> int:
    """Return how many messages this process's connections have sent."""
    return sum(one.messages for one in gc.get_objects() if isinstance(one, DeadlineConnection))


class TestThePlan:
    def test_draws_every_part_in_its_order(self) -> None:
        settings = configparser.ConfigParser()
        settings.read(ROOT / "setup.cfg")
        layers = re.findall(r"\w+", settings["importlinter:contract:house"]["layers"])
        drawn = re.findall(r"^(\S.*?)(?:  |$)", SECTIONS["The rooms"].split("```")[1], re.MULTILINE)
        words = re.findall(r"\w+", " ".join(drawn[1:]))
        assert words == layers

    def test_lists_every_module_of_the_foundation(self) -> None:
        listed = set(re.findall(r"`(\w+\.py)`", SECTIONS["The foundation"])) - {"app.py", "wiring.py"}
        there = {path.name for path in (ROOT / "mbs" / "foundation").glob("*.py")} - {"__init__.py"}
        assert listed == there

    def test_describes_the_furniture_that_rooms_have(self) -> None:
        described = set(re.findall(r"^\| `(\w+\.py)` \|", SECTIONS["The rooms"], re.MULTILINE))
        there = {path.name for room in ROOMS for path in (ROOT / "mbs" / room).glob("*.py")} - {"__init__.py"}
        assert described == there

    def test_names_files_and_functions_that_exist(self) -> None:
        for cell in re.findall(r"^\| \d+ \| (.*\.py.*?) \|", PLAN, re.MULTILINE):
            path = None
            for word in re.findall(r"`([^`]+)`", cell):
                if word.endswith(".py"):
                    path = next(one for one in (ROOT / word, ROOT / "mbs" / word) if one.is_file())
                else:
                    assert path is not None
                    assert re.search(rf"(def|class) {word}\b", path.read_text()), f"{path} has no {word}"

    def test_counts_the_messages_of_creating_a_customer(self, owner: Business) -> None:
        owner.post("/api/customers", {"name": "First"})
        before = messages()
        assert owner.post("/api/customers", {"name": "Second"}).status_code == 201
        told = [int(number) for number in re.findall(r"\*\*message (\d)\*\*", PLAN)]
        assert told == list(range(1, messages() - before + 1))

    def test_names_the_addresses_of_the_rooms(self, app: Flask) -> None:
        served = {route.split(" ")[1] for route, _ in routes(app)}
        for address in re.findall(r"/api/[\w/-]+(?:/\*)?", SECTIONS["The rooms"]):
            assert any(path.startswith(address.removesuffix("*")) for path in served), address


PLATES = {room: (ROOT / "mbs" / room / "__init__.py").read_text(encoding="utf-8") for room in ROOMS}


class TestTheDoorPlates:
    @pytest.mark.parametrize("room", ROOMS)
    def test_name_the_room_s_tables(self, room: str) -> None:
        named = re.search(r"(?:Table|Tables): ([\w, ]+)\.|No tables\.", PLATES[room])
        assert named is not None
        models = f"mbs.{room}.models"
        homes = (models, f"{models}.tables")
        there = {table.__tablename__ for table in Base.__subclasses__() if table.__module__ in homes}
        assert set((named[1] or "").split(", ")) - {""} == there

    @pytest.mark.parametrize("room", ROOMS)
    def test_name_the_room_s_addresses(self, room: str, app: Flask) -> None:
        served = {
            rule.rule.replace("/<id:", "/{").replace(">", "}")
            for rule in app.url_map.iter_rules()
            if f"{app.view_functions[rule.endpoint].__module__}.".startswith(f"mbs.{room}.blueprint.")
        }
        named = re.findall(r"/(?:api|health)[\w/-]*", PLATES[room])
        assert served or "No URLs" in PLATES[room]
        assert [path for path in served if not path.startswith(tuple(named))] == []
        assert [name for name in named if not any(path.startswith(name.rstrip("/")) for path in served)] == []

    @pytest.mark.parametrize("room", ROOMS)
    def test_name_the_room_s_permissions(self, room: str, app: Flask) -> None:
        asked = {
            view.permission
            for _, view in routes(app)
            if f"{view.__module__}.".startswith(f"mbs.{room}.blueprint.") and ":" in view.permission
        }
        named = set(re.findall(r"\b[a-zA-Z]+:[a-z]+\b(?!:)", PLATES[room].partition("Permission")[2]))
        assert asked <= named
        # Asked for by part of a view, or of whoever has only their own.
        narrowed = {"read:own", "write:own", "record:own"}
        assert named <= asked | narrowed | {"customers:erase", "bookings:override"}
