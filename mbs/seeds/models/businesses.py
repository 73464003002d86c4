"""The five demo businesses."""

from collections.abc import Mapping

from mbs.seeds.models.presets import Course, Offer, Preset, Thing, working

WEEKDAYS = "mon tue wed thu fri"
ALL_BUT_MONDAY = "tue wed thu fri sat sun"

SALON = Preset(
    taxed={"tax_category": "beauty_wellness", "sac_hsn": "999721"},
    rules={
        "cancelNoticeMin": 120,
        "lateCancelFee": {"type": "percent", "value": "50"},
        "noShowFee": {"type": "percent", "value": "100"},
    },
    things=(
        Thing(name="Asha", week=working(ALL_BUT_MONDAY, (10, 14), (15, 20)), tags=("color", "cut")),
        Thing(name="Ravi", week=working(ALL_BUT_MONDAY, (11, 15), (16, 20)), tags=("color", "cut")),
        Thing(name="Meera", week=working("tue wed thu fri sat", (10, 13), (14, 18)), tags=("cut",)),
        *(Thing(name=f"Chair {number}", kind="equipment", tags=("chair",)) for number in (1, 2, 3, 4, 5)),
    ),
    offers=(
        Offer(
            name="Cut",
            category="Hair",
            price=45,
            minutes=45,
            by={"Asha": None, "Ravi": None, "Meera": 35} | {f"Chair {n}": None for n in (1, 2, 3, 4, 5)},
            more={"buffer_after_min": 10},
        ),
        Offer(
            name="Color",
            category="Hair",
            price=120,
            minutes=90,
            by={"Asha": None, "Ravi": 130} | {f"Chair {n}": None for n in (1, 2, 3, 4, 5)},
            more={
                "description": "The color works for 40 minutes, in which the stylist is free.",
                "segments": [
                    {"minutes": 30, "needs": ["staff", "equipment"]},
                    {"minutes": 40, "needs": ["equipment"]},
                    {"minutes": 20, "needs": ["staff", "equipment"]},
                ],
            },
        ),
        Offer(
            name="Beard trim",
            category="Hair",
            price=20,
            minutes=30,
            by={"Asha": None, "Ravi": None} | {f"Chair {n}": None for n in (1, 2, 3, 4, 5)},
        ),
    ),
)

CLINIC = Preset(
    taxed={"tax_category": "healthcare", "sac_hsn": "999312"},
    pace=1.5,
    rules={"slotIntervalMin": 10, "cancelNoticeMin": 1440, "maxPerCustomerPerDay": 3},
    things=(
        Thing(name="Dr. Khan", week=working(WEEKDAYS, (9, 13), (14, 17)), tags=("general",)),
        Thing(name="Dr. Mensah", week=working("mon tue thu fri sat", (8, 14)), tags=("general", "children")),
        Thing(name="Nurse Wong", week=working(WEEKDAYS, (8, 16)), tags=("laboratory",)),
        *(Thing(name=f"Room {number}", kind="room") for number in (1, 2, 3)),
    ),
    offers=(
        Offer(
            name="Consultation",
            category="Visits",
            price=60,
            minutes=20,
            by={"Dr. Khan": None, "Dr. Mensah": None, "Room 1": None, "Room 2": None, "Room 3": None},
            more={"buffer_after_min": 10},
        ),
        Offer(
            name="Annual check-up",
            category="Visits",
            price=150,
            minutes=60,
            by={"Dr. Khan": 170, "Dr. Mensah": None, "Room 1": None, "Room 2": None, "Room 3": None},
            more={"buffer_after_min": 10},
        ),
        Offer(
            name="Blood test",
            category="Laboratory",
            price=25,
            minutes=10,
            by={"Nurse Wong": None, "Room 1": None, "Room 2": None, "Room 3": None},
            more={"buffer_after_min": 5},
        ),
    ),
)

GYM = Preset(
    taxed={"tax_category": "gym", "sac_hsn": "999723"},
    rules={"cancelNoticeMin": 240, "minNoticeMin": 0, "noShowFee": {"type": "percent", "value": "50"}},
    things=(
        Thing(name="Kofi", week=working("mon tue wed thu fri sat", (6, 12), (14, 17))),
        Thing(name="Layla", week=working("mon tue wed thu fri sun", (9, 13), (17, 21))),
        Thing(name="Studio", kind="room", capacity=1),
    ),
    offers=(
        Offer(
            name="Circuit training",
            category="Classes",
            price=15,
            minutes=60,
            mode="session",
            by={"Kofi": None, "Studio": None},
            more={"max_capacity": 5},
        ),
        Offer(
            name="Yoga",
            category="Classes",
            price=18,
            minutes=75,
            mode="session",
            by={"Layla": None, "Studio": None},
            more={"max_capacity": 4},
        ),
        Offer(
            name="Personal training",
            category="One to one",
            price=50,
            minutes=60,
            by={"Kofi": None, "Layla": 55},
        ),
    ),
    courses=(
        Course(
            service="Circuit training",
            person="Kofi",
            room="Studio",
            days=("mon", "thu"),
            start=18 * 60,
        ),
        Course(service="Yoga", person="Layla", room="Studio", days=("sat",), start=7 * 60),
    ),
)

HOSTEL = Preset(
    taxed={"tax_category": "accommodation", "sac_hsn": "996311"},
    rules={"checkInTime": "14:00", "checkOutTime": "11:00", "cancelNoticeMin": 2880, "maxAdvanceDays": 365},
    things=(
        Thing(name="Dormitory 101", kind="room", capacity=6, tags=("mixed",)),
        *(Thing(name=f"Double {number}", kind="room", tags=("private",)) for number in (201, 202, 203)),
    ),
    offers=(
        Offer(
            name="Dorm bed", category="Beds", price=22, mode="stay", by={"Dormitory 101": None},
            more={"price_unit": "night", "max_capacity": 6},
        ),
        Offer(
            name="Private room", category="Rooms", price=40, mode="stay",
            by={"Double 201": None, "Double 202": None, "Double 203": 45},
            more={"price_unit": "night", "max_capacity": 2, "description": "The price is per guest."},
        ),
    ),
)  # fmt: skip

CONSULTANCY = Preset(
    taxed={"tax_category": "standard", "sac_hsn": "998311"},
    pace=3.0,
    rules={
        "minNoticeMin": 1440,
        "maxAdvanceDays": 60,
        "slotIntervalMin": 30,
        "cancelNoticeMin": 1440,
        "rescheduleNoticeMin": 1440,
        "lateCancelFee": {"type": "percent", "value": "100"},
    },
    things=(
        Thing(name="Ingrid", week=working(WEEKDAYS, (9, 12), (13, 17)), tags=("strategy",)),
        Thing(name="Tomás", week=working("mon tue wed thu", (10, 18)), tags=("strategy", "finance")),
    ),
    offers=(
        Offer(
            name="Introductory call",
            category="Video calls",
            price=30,
            minutes=30,
            by={"Ingrid": None, "Tomás": None},
            more={"description": "By video; the link comes with the confirmation.", "buffer_after_min": 15},
        ),
        Offer(
            name="Strategy session",
            category="Video calls",
            price=240,
            minutes=90,
            by={"Ingrid": 280, "Tomás": None},
            more={"buffer_before_min": 15, "buffer_after_min": 15, "policy": {"minNoticeMin": 2880}},
        ),
        Offer(
            name="Workshop",
            category="On site",
            price=150,
            minutes=180,
            by={"Tomás": None},
            more={"price_unit": "hour", "policy": {"minNoticeMin": 10_080}},
        ),
    ),
)

PRESETS: Mapping[str, Preset] = {
    "salon": SALON,
    "clinic": CLINIC,
    "gym": GYM,
    "hostel": HOSTEL,
    "consultancy": CONSULTANCY,
}
