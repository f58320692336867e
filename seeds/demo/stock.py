"""SIMULATED: a year of stock, day by day, under a plausible and imperfect planner, driven by the real sales.

Each morning what is due arrives. The day's real sales are taken from the shelf. In the evening, on the place's order
days, whatever stands at or below its reorder point is ordered up to its level, in packs; suppliers are late or short
at times; warehouses ship the same evening and order from suppliers themselves. A real sale is never contradicted: what
will sell within the lead time and is neither on hand nor on order is ordered in time, as by a store manager who knows;
and what is late all the same comes urgently that morning. So a shelf is empty only while nothing was really sold.

Held every day, for every row: close = close of the day before + received - issued, and close ≥ 0.

Belongs here: the mechanics, on arrays, vectorised over rows (a product at a place). Does not: who plans how, and the
extracts (movements).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LATE_SHARE = 0.05
"""Share of orders that slip, by one day to three days more than their lead time."""
SHORT_SHARE = 0.06
"""Share of supplier orders of two packs or more that come short, by one pack to all but one."""
LONGEST = 60
"""No order is on its way for longer than this many days."""


@dataclass(frozen=True)
class Terms:
    """How rows are planned and supplied; arrays of one entry a row, quantities in whole units."""

    first_day: np.ndarray  # listed since, 0 = the first day of the year
    low: np.ndarray  # ordered when on hand + on order is at or below
    high: np.ndarray  # up to
    multiple: np.ndarray
    minimum: np.ndarray
    lead_days: np.ndarray
    lead_sd: np.ndarray
    order_days: np.ndarray  # bool, 7 by rows, Monday first
    is_supplied: np.ndarray  # bool: from a supplier; else from a warehouse


@dataclass(frozen=True)
class Orders:
    """Every order of the year, arrays of one entry an order; days count from the first day of the year."""

    row: np.ndarray
    ordered_day: np.ndarray
    expected_day: np.ndarray
    arrives_day: np.ndarray
    ordered_qty: np.ndarray
    received_qty: np.ndarray


@dataclass(frozen=True)
class Ledger:
    """The year of a set of rows: opening (rows), then close, received and issued (days by rows), and the orders."""

    opening: np.ndarray
    close: np.ndarray
    received: np.ndarray
    issued: np.ndarray
    orders: Orders


def simulate(
    stores: Terms, sales: np.ndarray, depots: Terms, feeder: np.ndarray, first_weekday: int, shut: set[int], seed: int
) -> tuple[Ledger, Ledger]:
    """Simulate stores and the warehouses that feed them.

    sales: int, days by store rows, what was really sold. feeder: for each store row its row among the depots, -1 where
    a supplier delivers. first_weekday: 0 = Monday. shut: days without deliveries. Returns both ledgers.
    """
    days = len(sales)
    sold = np.zeros((days + 1, sales.shape[1]), dtype=np.int64)  # sold before day t
    np.cumsum(sales, axis=0, out=sold[1:])
    rows = np.arange(sales.shape[1])
    lead = np.rint(stores.lead_days).astype(np.int64)
    shops = _Room(stores, days, shut, np.random.default_rng([seed, 4]))
    houses = _Room(depots, days, shut, np.random.default_rng([seed, 5]))
    is_fed = feeder >= 0
    for day in range(days):
        weekday = (first_weekday + day) % 7
        urgent = shops.morning(day, sales[day])
        shops.evening(day, sales[day])
        soon = sold[np.minimum(day + 1 + lead, days), rows] - sold[day + 1]
        shipped = urgent + shops.order(day, weekday, soon)
        issued = np.bincount(feeder[is_fed], weights=shipped[is_fed], minlength=len(depots.low)).astype(np.int64)
        houses.morning(day, issued)
        houses.evening(day, issued)
        houses.order(day, weekday, np.zeros(len(depots.low), dtype=np.int64))
    return shops.ledger(), houses.ledger()


class _Room:
    """The moving state of a set of rows."""

    def __init__(self, terms: Terms, days: int, shut: set[int], rng: np.random.Generator) -> None:
        count = len(terms.low)
        self.terms, self.shut_days, self.rng, self.days = terms, shut, rng, days
        self.opening = np.zeros(count, dtype=np.int64)
        self.on_hand = self.opening.copy()
        self.on_order = self.opening.copy()
        self.due = np.zeros((days + LONGEST + 1, count), dtype=np.int32)
        self.close = np.zeros((days, count), dtype=np.int32)
        self.issued = np.zeros((days, count), dtype=np.int32)
        self.events: list[tuple[np.ndarray, ...]] = []

    def morning(self, day: int, need: np.ndarray) -> np.ndarray:
        """Take in what is due; bring urgently what is missing for `need`, and the first delivery of new listings.
        Returns the urgent quantities."""
        terms = self.terms
        if day == 0:
            self.opening = np.where(terms.first_day == 0, np.maximum(terms.high, need), 0)
            self.on_hand = self.opening.copy()
        self.on_hand += self.due[day]
        self.on_order -= self.due[day]
        missing = np.where(terms.first_day <= day, need - self.on_hand, 0)
        if day > 0:
            missing = np.where(terms.first_day == day, np.maximum(missing, terms.high), missing)
        urgent = np.where(missing > 0, -(-missing // terms.multiple) * terms.multiple, 0)
        row = np.flatnonzero(urgent)
        if len(row):
            # A supplier had the order in time; a warehouse ships it the same morning.
            ordered = day - np.where(terms.is_supplied[row], np.rint(terms.lead_days[row]), 0).astype(np.int64)
            today = np.full(len(row), day)
            self.events.append((row, ordered, today, today, urgent[row], urgent[row]))
            self.due[day] += urgent.astype(np.int32)
            self.on_hand += urgent
        return urgent

    def evening(self, day: int, issued: np.ndarray) -> None:
        """Book what was sold or shipped and count what is left."""
        self.on_hand -= issued
        if (self.on_hand < 0).any():
            raise AssertionError(f"stock below zero on day {day}: something is issued before it is listed")
        self.close[day], self.issued[day] = self.on_hand, issued

    def order(self, day: int, weekday: int, soon: np.ndarray) -> np.ndarray:
        """Order what is low, and what will sell within the lead time (`soon`) and is not there. Returns what will
        arrive of it, per row."""
        terms, arriving = self.terms, np.zeros(len(self.on_hand), dtype=np.int64)
        position = self.on_hand + self.on_order
        is_low = terms.order_days[weekday] & (position <= terms.low)
        row = np.flatnonzero((is_low | (soon > position)) & (terms.first_day <= day))
        if not len(row):
            return arriving
        is_low, gap, multiple, lead_days = (
            is_low[row],
            soon[row] - position[row],
            terms.multiple[row],
            terms.lead_days[row],
        )
        wanted = np.where(is_low, np.maximum(terms.high[row] - position[row], gap), gap)
        packs = -(-np.maximum(wanted, terms.minimum[row]) // multiple)
        expected = day + np.rint(lead_days).astype(np.int64)
        arrives = np.where(is_low, day + self._lead_times(lead_days, terms.lead_sd[row]), expected)
        arrives += np.isin(arrives, list(self.shut_days))
        is_short = is_low & terms.is_supplied[row] & (packs > 1) & (self.rng.random(len(row)) < SHORT_SHARE)
        missing = 1 + np.floor(self.rng.random(len(row)) * (packs - 1)).astype(np.int64)
        received = (packs - np.where(is_short, missing, 0)) * multiple
        self.events.append((row, np.full(len(row), day), expected, arrives, packs * multiple, received))
        self.due[arrives, row] += received.astype(np.int32)
        self.on_order[row] += received
        arriving[row] = received
        return arriving

    def _lead_times(self, days: np.ndarray, spread: np.ndarray) -> np.ndarray:
        lead = np.rint(self.rng.normal(days, spread)).clip(1, LONGEST // 2)
        slip = np.floor(self.rng.random(len(days)) * (days + 3)) + 1
        return (lead + np.where(self.rng.random(len(days)) < LATE_SHARE, slip, 0)).clip(1, LONGEST - 1).astype(np.int64)

    def ledger(self) -> Ledger:
        columns = zip(*self.events, strict=True) if self.events else [[np.zeros(0, dtype=np.int64)]] * 6
        orders = Orders(*(np.concatenate(column) for column in columns))
        return Ledger(self.opening, self.close, self.due[: self.days], self.issued, orders)
