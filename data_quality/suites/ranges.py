"""Checks on clusters, ranges, regions, leads and hits: every line is what its own terms say it is."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table
from data_quality.suites.lists import FAULT, night_list, of_every_list

_CLUSTERS, _CHANGES, _REGIONS = "ml.store_clusters", "ml.assortment_changes", "ml.region_opportunity"
_LEADS, _HITS = "ml.channel_lead_products", "ml.new_product_hits"
CLUSTERS = night_list(_CLUSTERS, "location_id", "cluster")
CHANGES = night_list(_CHANGES, "location_id", "sku_id", "action")
REGIONS = night_list(_REGIONS, "region", "department", "category")
LEADS = night_list(_LEADS, "channel", "region", "sku_id")
HITS = night_list(_HITS, "sku_id", "weeks", "units")
_TINY = 1e-6


def range_checks(as_of: date) -> list[Check]:
    """Return the checks on the lists of ml/range."""
    keys = {
        CLUSTERS: ("location_id",),
        CHANGES: ("location_id", "sku_id"),
        REGIONS: ("region", "department", "category"),
        LEADS: ("channel", "region", "sku_id"),
        HITS: ("sku_id",),
    }
    shared = [check for table, key in keys.items() for check in of_every_list(table, as_of, key, ("explanation",))]
    return [*shared, *_changes(), *_intervals()]


def _changes() -> list[Check]:
    return [
        _never(
            CHANGES,
            "room_stays_as_it_is",
            "At each place as many products of a kind come as go.",
            f'select location_id, "group", min(sku_id) as sku_id, min(action) as action from {_CHANGES} '
            "group by location_id, \"group\" having count(*) filter (action = 'list') <> count(*) filter (action = "
            "'delist')",
        ),
        _never(
            CHANGES,
            "exchanges_pay",
            "The interval of what an exchange gains leaves zero out.",
            f"select * from {_CHANGES} where action <> 'keep' and (gain_weekly_low_amount > 0) is not true",
            "gain_weekly_amount",
            "gain_weekly_low_amount",
        ),
        _never(
            CHANGES,
            "transfer_is_a_part",
            "What a product brings beyond its kind lies between nothing and all that it sells.",
            f"select * from {_CHANGES} where incremental_weekly_qty < -{_TINY} "
            f"or incremental_weekly_qty > weekly_qty + {_TINY}",
            "weekly_qty",
            "incremental_weekly_qty",
        ),
    ]


def _intervals() -> list[Check]:
    held = (
        (CHANGES, "incremental_weekly_low_amount", "incremental_weekly_amount", "incremental_weekly_high_amount"),
        (REGIONS, "index_low", "preference_index", "index_high"),
        (LEADS, "lead_index_low", "lead_index", "lead_index_high"),
        (HITS, "ratio_low", "ratio", "ratio_high"),
    )
    return [
        _never(
            table,
            "value_lies_in_its_interval",
            f"{low} <= {value} <= {high}.",
            f"select * from {table.name} where {value} < {low} - {_TINY} or {value} > {high} + {_TINY}",
            *(low, value, high),
        )
        for table, low, value, high in held
    ]


def _never(table: Table, name: str, description: str, query: str, *shown: str) -> Check:
    return table.no_rows(name, description, query, (*table.shown, *shown), advice=FAULT)
