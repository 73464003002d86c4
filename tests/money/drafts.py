"""Drafts of any kind for the money machine; a customer is 0 or 1, a price in the currency's units."""

from hypothesis import strategies as st

QUANTITIES = st.sampled_from(["1", "2", "3", "0.5", "1.234", "7"])
UNIT_PRICES = st.integers(0, 3) | st.integers(100, 200_000)

ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "quantity": QUANTITIES,
            "unitPrice": UNIT_PRICES,
            "taxCategory": st.sampled_from(["standard", "beauty_wellness", "zero", "exempt"]),
            "discount": st.sampled_from([None, None, None, {"type": "percent", "value": "12.5"}]),
        }
    ),
    min_size=1,
    max_size=3,
)


DRAFTS = st.fixed_dictionaries(
    {
        "customerId": st.sampled_from([0, 0, 1]),
        "currency": st.sampled_from(["INR", "INR", "JPY"]),
        "taxMode": st.sampled_from(["inclusive", "exclusive"]),
        "discount": st.sampled_from([None, None, {"type": "percent", "value": "10"}]),
        "items": ITEMS,
        "issued": st.sampled_from([True] * 5 + [False]),
    }
)
