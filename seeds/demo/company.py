"""The demo company's night before: everything it delivers, written into a landing folder.

Belongs here: which extract stands in which file, in what order. Does not: what is in them (the other modules).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from seeds.demo import loyalty, movements, network, orders, promotions, terms
from seeds.demo.catalogue import catalogue
from seeds.demo.files import SIMULATED_FEEDS, Landing, WrittenFile
from seeds.demo.source import Journey, read_journey
from seeds.demo.tills import Tills, read_tills

NAME = "Complete Journey (demo)"
CURRENCY = "USD"
COUNTRY = "US"


def write(landing: Path, *, seed: int = 2017, say: Callable[[str], None]) -> list[WrittenFile]:
    """Write the demo company's canonical extracts into `landing`; the same seed gives the same bytes.

    say: told in one line each what was written and what is estimated or simulated.
    Raises: source.DemoDataMissingError when the package with the real data is not installed.
    """
    say("reading the Complete Journey (84.51°/dunnhumby, for research and education)")
    return write_journey(read_journey(), landing, seed=seed, say=say)


def write_journey(journey: Journey, landing: Path, *, seed: int, say: Callable[[str], None]) -> list[WrittenFile]:
    """As `write`, from tables in hand."""
    out = Landing(landing)
    tills = read_tills(journey.transactions, journey.products)
    for note in tills.notes:
        say(note)
    _write_sales(out, tills)
    products = catalogue(journey.products, tills.lines)
    out.csv("erp/products", "products.csv", products)
    say(f"{products.height:,} products")
    _write_promotions(out, journey, tills, say)
    _write_loyalty(out, journey)
    out.csv("erp/events", "holidays.csv", promotions.holidays_of([2017, 2018]))
    _write_simulated(out, journey.products, products, tills, seed, say)
    return out.files


def _write_sales(out: Landing, tills: Tills) -> None:
    month = pl.col("sold_on").dt.strftime("%Y-%m")
    for (name,), frame in tills.sales.group_by(month.alias("month"), maintain_order=True):
        out.csv("pos/sales", f"sales_{name}.csv", frame.drop("sold_on"))


def _write_promotions(out: Landing, journey: Journey, tills: Tills, say: Callable[[str], None]) -> None:
    weeks = promotions.weeks(tills.lines)
    listed = promotions.promotion_list(journey.promotions, weeks, journey.coupons, journey.campaign_descriptions)
    out.csv("erp/promotions", "promotions.csv", listed)
    items = promotions.promotion_items(journey.promotions, weeks["week"].to_list())
    out.tables("erp/promotion_items", "promotion_items.parquet", items)
    say(f"{listed.height:,} promotions with {out.files[-1].rows:,} products by store on display or in the mailer")


def _write_loyalty(out: Landing, journey: Journey) -> None:
    households = loyalty.customers(journey.transactions, journey.demographics, journey.campaigns)
    out.csv("crm/customers", "customers.csv", households)
    out.csv("crm/campaigns", "campaigns.csv", loyalty.campaigns(journey.campaign_descriptions))
    out.csv("crm/campaign_members", "campaign_members.csv", loyalty.campaign_members(journey.campaigns))
    out.csv("crm/redemptions", "redemptions.csv", loyalty.redemptions(journey.coupon_redemptions))


def _write_simulated(
    out: Landing,
    raw_products: pl.DataFrame,
    products: pl.DataFrame,
    tills: Tills,
    seed: int,
    say: Callable[[str], None],
) -> None:
    places = network.locations(tills.lines, seed)
    listed, stocked = network.listed_pairs(tills.lines), network.stocked_pairs(tills.lines)
    suppliers = network.suppliers_of(stocked, raw_products)
    skus = terms.sku_terms(stocked, raw_products, products, suppliers, seed)
    pairs = terms.pair_terms(stocked, skus, places, seed)
    depots = terms.depot_terms(pairs, skus)
    out.csv("erp/locations", "locations.csv", places.drop("net_e2"))
    out.csv("erp/lanes", "lanes.csv", network.lanes(places))
    out.csv("pos/open_orders", "open_orders.csv", orders.open_orders(pairs, seed))
    out.parquet("erp/ranging", "ranging.parquet", terms.ranging(listed, pairs))
    out.parquet("erp/sourcing", "sourcing.parquet", terms.sourcing(pairs, depots))
    count = suppliers["supplier_id"].n_unique()
    say(f"simulated: {listed.height:,} listings, {pairs.height:,} of them stocked")
    say(f"simulated: {depots.height:,} warehouse products, {count} suppliers")
    year = movements.live_through(pairs, depots, suppliers, tills.lines, seed)
    bought = movements.purchase_orders(year)
    moves = movements.transfers(year)
    out.csv("erp/suppliers", "suppliers.csv", movements.with_minimum_values(suppliers, bought))
    out.parquet("erp/purchase_orders", "purchase_orders.parquet", bought)
    out.parquet("erp/transfers", "transfers.parquet", moves)
    rows = 0
    for month, table in movements.inventory(year):
        out.tables("erp/inventory", f"inventory_{month}.parquet", [table])
        rows += table.num_rows
    say(f"simulated: {rows:,} stock counts, {bought.height:,} purchase-order lines, {moves.height:,} transfer lines")
    say(f"simulated feeds: {', '.join(SIMULATED_FEEDS)}")
