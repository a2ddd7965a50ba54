"""Sample batch files with plausible columns, the same at every start.

Columns and codes as impact.com documents them for batch files:
https://integrations.impact.com/impact-brand/docs/ftp-implementation (conversions),
https://help.impact.com/en/support/solutions/articles/155000001483-batch-modifications-reversals-file-parameters-reason-codes
(modifications and reversals). The shops, orders and amounts are made up.
"""

import csv
import io
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

_FIRST_DAY = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
_CAMPAIGN = "7421"
_TRACKER = "18532"
_SKUS = {
    "Shoes": ("RUN-TRAIL-42", "RUN-ROAD-41", "HIKE-MID-44"),
    "Bags": ("BAG-DAY-20L", "BAG-TRAVEL-45L"),
    "Outdoor": ("TENT-2P", "STOVE-GAS", "LAMP-HEAD"),
}
_MODIFICATION_REASONS = ("ORDER_UPDATE", "ITEM_RETURNED", "ORDER_ERROR", "ITEM_OUT_OF_STOCK")
_REVERSAL_REASONS = ("REJECTED", "CONS_FRAUD", "ITEM_RETURNED", "TEST_ACTION")


def conversions(day: int, orders: int) -> bytes:
    """An item-level conversion file: one row per item, the rows of an order next to each other."""
    dice = random.Random(f"conversions {day}")  # noqa: S311 - sample data
    header = "CampaignId,ActionTrackerId,EventDate,OrderId,ClickId,CustomerId,CurrencyCode,Amount,Category,Sku,Quantity"
    return _csv(header.split(","), _conversion_rows(dice, day, orders))


def _conversion_rows(dice: random.Random, day: int, orders: int) -> Iterator[Sequence[object]]:
    moment = _FIRST_DAY + timedelta(days=day)
    for number in range(orders):
        moment += timedelta(seconds=dice.randint(5, 90))
        click = "".join(dice.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", k=24))
        customer = f"C{dice.randint(100_000, 999_999)}"
        for category in dice.sample(list(_SKUS), dice.randint(1, 2)):
            quantity = dice.randint(1, 3)
            yield (
                _CAMPAIGN,
                _TRACKER,
                moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                f"{day:03d}-{number:07d}",
                click,
                customer,
                "EUR",
                f"{quantity * dice.randint(990, 24_990) / 100:.2f}",
                category,
                dice.choice(_SKUS[category]),
                quantity,
            )


def modifications(day: int, actions: int) -> bytes:
    """A modification file, order level: new amounts for actions that were tracked before."""
    dice = random.Random(f"modifications {day}")  # noqa: S311 - sample data
    return _csv(
        ["ActionId", "ActionTrackerId", "OrderId", "Amount", "CurrencyCode", "Reason"],
        _action_rows(dice, actions, _MODIFICATION_REASONS, lambda: f"{dice.randint(500, 20_000) / 100:.2f}"),
    )


def reversals(day: int, actions: int) -> bytes:
    """A reversal file: amount 0 and a reason for each action."""
    dice = random.Random(f"reversals {day}")  # noqa: S311 - sample data
    return _csv(
        ["ActionId", "ActionTrackerId", "OrderId", "Amount", "CurrencyCode", "Reason"],
        _action_rows(dice, actions, _REVERSAL_REASONS, lambda: "0"),
    )


def _action_rows(
    dice: random.Random, actions: int, reasons: Sequence[str], amount: Callable[[], str]
) -> Iterator[Sequence[object]]:
    for number in range(actions):
        action = f"{_CAMPAIGN}.{dice.randint(1000, 9999)}.{dice.randint(100_000, 999_999)}"
        yield action, _TRACKER, f"ORD-{number:06d}", amount(), "EUR", dice.choice(reasons)


def performance(day: int) -> bytes:
    """Aggregate performance, one row per hour and device."""
    dice = random.Random(f"performance {day}")  # noqa: S311 - sample data

    def rows() -> Iterator[Sequence[object]]:
        for hour in range(24):
            begin = _FIRST_DAY + timedelta(days=day, hours=hour - 6)
            end = begin + timedelta(minutes=59, seconds=59)
            for device in ("Desktop", "Mobile", "Tablet"):
                revenue = dice.randint(0, 90_000) / 100
                stamp = "%Y-%m-%d %H:%M:%S UTC"
                yield _CAMPAIGN, begin.strftime(stamp), end.strftime(stamp), device, dice.randint(0, 40), revenue

    return _csv(["CampaignId", "EventDateTimeStart", "EventDateTimeEnd", "DeviceType", "Quantity", "Revenue"], rows())


def catalog(size: int) -> bytes:
    """A product catalogue of about `size` bytes, tab separated."""
    dice = random.Random("catalog")  # noqa: S311 - sample data
    text = io.StringIO()
    text.write("Unique Merchant SKU\tProduct Name\tProduct URL\tCurrent Price\tStock Availability\tCategory\n")
    number = 0
    while text.tell() < size:
        category = dice.choice(list(_SKUS))
        sku = f"{dice.choice(_SKUS[category])}-{number:06d}"
        price = f"{dice.randint(990, 24_990) / 100:.2f}"
        text.write(f"{sku}\t{category} {number}\thttps://shop.example/p/{sku}\t{price}\tY\t{category}\n")
        number += 1
    return text.getvalue().encode()


def _csv(header: Sequence[str], rows: Iterator[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
