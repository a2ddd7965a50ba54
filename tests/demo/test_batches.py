"""The demo's sample files look like the real thing, and are the same at every start."""

import csv
import io

from tui.demo import batches


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_conversions_have_the_documented_header_and_keep_orders_together() -> None:
    found = rows(batches.conversions(0, 200))
    assert list(found[0]) == [
        "CampaignId",
        "ActionTrackerId",
        "EventDate",
        "OrderId",
        "ClickId",
        "CustomerId",
        "CurrencyCode",
        "Amount",
        "Category",
        "Sku",
        "Quantity",
    ]
    orders = [row["OrderId"] for row in found]
    runs = [order for place, order in enumerate(orders) if place == 0 or orders[place - 1] != order]
    assert len(runs) == len(set(runs)) == 200
    assert [row["EventDate"] for row in found] == sorted(row["EventDate"] for row in found)


def test_reversals_are_of_nothing_and_say_why() -> None:
    found = rows(batches.reversals(1, 50))
    assert {row["Amount"] for row in found} == {"0"}
    assert all(row["Reason"] for row in found)
    assert len(found) == 50


def test_modifications_carry_a_new_amount() -> None:
    assert all(float(row["Amount"]) > 0 for row in rows(batches.modifications(1, 50)))


def test_the_catalogue_is_as_large_as_asked() -> None:
    size = len(batches.catalog(100_000))
    assert 100_000 <= size < 100_500


def test_every_start_has_the_same_files() -> None:
    assert batches.conversions(3, 20) == batches.conversions(3, 20)
    assert batches.performance(1) == batches.performance(1)
