"""What a service takes of which kind of resource, and for which minutes; golden cases."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbs.catalog.errors import InvalidSegments
from mbs.catalog.models import (
    MODES,
    PRICE_UNITS,
    PRICE_UNITS_OF,
    Need,
    check_own_duration,
    check_time,
    last_segment_start,
    merged_policy,
    needs,
    price_unit,
)
from mbs.foundation.errors import Invalid, MbsError
from mbs.resources.models import KINDS

COLOR = (
    {"minutes": 30, "needs": ["staff", "equipment"]},
    {"minutes": 40, "needs": ["equipment"]},
    {"minutes": 20, "needs": ["staff", "equipment"]},
)


def spans(
    duration: int,
    kinds: Sequence[str] = (),
    *,
    segments: Sequence[Mapping[str, Any]] = (),
    before: int = 0,
    after: int = 0,
) -> set[tuple[str, int, int, int]]:
    found = needs(duration=duration, buffer_before=before, buffer_after=after, segments=segments, kinds=kinds)
    return {(need.kind, need.start, need.end, need.segment_no) for need in found}


class TestWithoutSegments:
    def test_each_kind_is_needed_all_the_time(self) -> None:
        assert spans(45, ["staff", "room"]) == {("staff", 0, 45, 1), ("room", 0, 45, 1)}

    def test_buffers_are_needed_of_all(self) -> None:
        assert spans(45, ["staff", "room"], before=5, after=10) == {
            ("staff", -5, 55, 1),
            ("room", -5, 55, 1),
        }

    def test_nothing_is_needed_of_a_service_that_nobody_does(self) -> None:
        assert spans(45) == set()


class TestSegments:
    def test_leave_a_person_free_while_the_color_works(self) -> None:
        assert spans(90, segments=COLOR) == {
            ("staff", 0, 30, 1),
            ("staff", 70, 90, 3),
            ("equipment", 0, 90, 1),
        }

    def test_have_the_buffers_at_their_ends(self) -> None:
        assert spans(90, segments=COLOR, before=5, after=10) == {
            ("staff", -5, 30, 1),
            ("staff", 70, 100, 3),
            ("equipment", -5, 100, 1),
        }

    def test_give_buffers_to_nobody_who_is_not_there(self) -> None:
        segments = [{"minutes": 10, "needs": ["staff"]}, {"minutes": 50, "needs": ["room"]}]
        assert spans(60, segments=segments, before=5, after=15) == {
            ("staff", -5, 10, 1),
            ("room", 10, 75, 2),
        }

    def test_of_one_person_in_a_row_are_one_need(self) -> None:
        segments = [{"minutes": 20, "needs": ["staff"]}] * 3
        assert spans(60, segments=segments) == {("staff", 0, 60, 1)}

    def test_grow_and_shrink_at_their_end_with_who_does_it(self) -> None:
        assert spans(100, segments=COLOR) >= {("staff", 70, 100, 3), ("equipment", 0, 100, 1)}
        assert spans(71, segments=COLOR, after=10) >= {("staff", 70, 81, 3), ("equipment", 0, 81, 1)}

    def test_mind_not_which_kinds_could_do_it(self) -> None:
        assert spans(90, ["desk"], segments=COLOR) == spans(90, segments=COLOR)

    @given(
        segments=st.lists(
            st.builds(
                lambda minutes, kinds: {"minutes": minutes, "needs": kinds},
                st.integers(1, 200),
                st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
            ),
            min_size=1,
            max_size=6,
        ),
        before=st.integers(0, 60),
        after=st.integers(0, 60),
        longer=st.integers(0, 60),
    )
    def test_take_each_kind_for_exactly_its_minutes(
        self, segments: list[dict[str, Any]], before: int, after: int, longer: int
    ) -> None:
        duration = sum(segment["minutes"] for segment in segments) + longer
        expected: dict[str, set[int]] = {}
        minute = 0
        for number, segment in enumerate(segments):
            last = number == len(segments) - 1
            start, minute = minute, duration if last else minute + segment["minutes"]
            span = range(start - (before if number == 0 else 0), minute + (after if last else 0))
            for kind in segment["needs"]:
                expected.setdefault(kind, set()).update(span)

        taken: dict[str, list[int]] = {}
        for need in needs(
            duration=duration, buffer_before=before, buffer_after=after, segments=segments, kinds=()
        ):
            taken.setdefault(need.kind, []).extend(range(need.start, need.end))

        assert {kind: set(minutes) for kind, minutes in taken.items()} == expected
        assert all(len(set(minutes)) == len(minutes) for minutes in taken.values())

    def test_are_what_the_type_says(self) -> None:
        (need,) = needs(duration=5, buffer_before=1, buffer_after=2, segments=(), kinds=("bed",))
        assert need == Need(kind="bed", start=-1, end=7, segment_no=1)


def refusal(check: Any, *arguments: Any, **options: Any) -> tuple[str, str]:
    """Return the code and the field of what a check refuses."""
    with pytest.raises(MbsError) as raised:
        check(*arguments, **options)
    (fault,) = raised.value.errors
    return raised.value.code, fault.field


class TestTime:
    @pytest.mark.parametrize(
        ("mode", "duration", "segments"),
        [("appointment", 45, ()), ("session", 60, ()), ("stay", None, ()), ("appointment", 90, COLOR)],
    )
    def test_fits(self, mode: str, duration: int | None, segments: Any) -> None:
        check_time(mode=mode, duration=duration, segments=segments)

    @pytest.mark.parametrize(
        ("mode", "duration", "segments", "code", "field"),
        [
            ("appointment", None, (), "VALIDATION_ERROR", "duration"),
            ("session", None, (), "VALIDATION_ERROR", "duration"),
            ("stay", 45, (), "VALIDATION_ERROR", "duration"),
            ("appointment", 89, COLOR, "INVALID_SEGMENTS", "segments"),
            ("appointment", 91, COLOR, "INVALID_SEGMENTS", "segments"),
            ("session", 90, COLOR, "INVALID_SEGMENTS", "segments"),
            ("stay", None, COLOR, "INVALID_SEGMENTS", "segments"),
        ],
    )
    def test_is_refused_with_its_field(
        self, mode: str, duration: int | None, segments: Any, code: str, field: str
    ) -> None:
        assert refusal(check_time, mode=mode, duration=duration, segments=segments) == (code, field)

    def test_names_the_field_that_changed(self) -> None:
        options = {"mode": "appointment", "duration": 80, "segments": COLOR}
        assert refusal(check_time, **options, changed="duration") == ("INVALID_SEGMENTS", "duration")

    def test_of_one_person_reaches_into_the_last_segment(self) -> None:
        assert last_segment_start(COLOR) == 70
        options: dict[str, Any] = {"mode": "appointment", "segments": COLOR, "field": "x"}
        check_own_duration(71, **options)
        check_own_duration(None, **options)
        assert refusal(check_own_duration, 70, **options) == ("INVALID_SEGMENTS", "x")

    def test_of_one_person_is_an_appointment_s(self) -> None:
        check_own_duration(1, mode="appointment", segments=(), field="x")
        for mode in ("session", "stay"):
            options: dict[str, Any] = {"mode": mode, "segments": (), "field": "x"}
            assert refusal(check_own_duration, 30, **options) == ("VALIDATION_ERROR", "x")

    def test_refusals_are_faulty_requests(self) -> None:
        assert issubclass(InvalidSegments, Invalid)


class TestPriceUnit:
    @pytest.mark.parametrize("mode", MODES)
    def test_is_one_of_its_mode(self, mode: str) -> None:
        assert price_unit(mode, None) == PRICE_UNITS_OF[mode][0]
        for unit in PRICE_UNITS:
            if unit in PRICE_UNITS_OF[mode]:
                assert price_unit(mode, unit) == unit
            else:
                assert refusal(price_unit, mode, unit) == ("VALIDATION_ERROR", "priceUnit")

    def test_of_each_mode_is_known(self) -> None:
        assert set(PRICE_UNITS_OF) == set(MODES)
        assert {unit for units in PRICE_UNITS_OF.values() for unit in units} <= set(PRICE_UNITS)


class TestPolicy:
    def test_is_the_business_s_again_where_it_is_set_to_nothing(self) -> None:
        kept = {"minNoticeMin": 5, "holdMin": 3}
        assert merged_policy(kept, {"holdMin": None, "maxAdvanceDays": 7, "assignment": None}) == {
            "minNoticeMin": 5,
            "maxAdvanceDays": 7,
        }
        assert kept == {"minNoticeMin": 5, "holdMin": 3}
