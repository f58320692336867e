"""Forgetting a customer: everything of theirs goes, everything of others stays, and every row stays counted."""

from __future__ import annotations

import pytest

ANNA = {"full_name": "Anna Meier", "phone": "030 901820", "email": "anna.meier@gmx.de", "birth_date": "1980-05-17"}
BEN = {"full_name": "Ben Kuhn", "phone": "040 428280", "email": "ben@gmx.de", "birth_date": "1990-01-02"}
MENTIONS = ("C-4711", "S-0815", "901820", "anna.meier", "Meier", "1980-05-17")
SALE = {"line_number": 1, "sold_at": "2026-01-05 10:00", "sku_id": "A", "quantity": 1, "net_amount": 2}


def sale(number: int, customer: str | None) -> dict:
    return SALE | {"transaction_id": f"t{number}", "channel": "store", "location_id": "S1", "customer_id": customer}


def deliver_company(warehouse) -> None:
    """Anna has an account in crm and one in the shop, Ben one in crm; both buy, redeem and complain."""
    bad = {"customer_id": "C-4711", **ANNA, "registered_at": "soon"}
    nameless = {"customer_id": "", **ANNA}
    line = 'C-4711,"Anna Meier",one field too many,and another'
    bens = {"customer_id": "C-1", **BEN, "registered_at": "later"}
    warehouse.deliver(
        "crm",
        "crm/customers",
        {"customer_id": "C-4711", **ANNA},
        {"customer_id": "C-1", **BEN},
        refused=(bad, nameless, line, bens),
    )
    warehouse.deliver("shop", "crm/customers", {"customer_id": "S-0815", **ANNA})
    warehouse.deliver("pos", "pos/sales", sale(1, "C-4711"), sale(2, "C-1"), sale(3, None))
    warehouse.deliver("shop", "pos/sales", sale(4, "S-0815"))
    order = {"order_id": "o1", "line_number": 1, "ordered_at": "2026-01-05 10:00", "channel": "web", "sku_id": "A"}
    warehouse.deliver("pos", "pos/open_orders", order | {"quantity": 1, "customer_id": "C-4711"})
    redeemed = {"campaign_id": "k", "redeemed_on": "2026-01-05"}
    warehouse.deliver("crm", "crm/redemptions", redeemed | {"customer_id": "C-4711"}, redeemed | {"customer_id": "C-1"})
    complaint = {"feedback_id": "f1", "customer_id": "C-4711", "text": "Meier here", "created_at": "2026-01-05 10:00"}
    warehouse.deliver("crm", "crm/feedback", complaint)


def ask(warehouse, source: str = "crm", customer_id: str = "C-4711") -> None:
    warehouse.deliver("decisions", "decisions/erase_customers", {"source": source, "customer_id": customer_id})


def assert_forgotten(warehouse) -> None:
    text = warehouse.everything()
    assert [m for m in MENTIONS if m in text] == []


def assert_all_rows_counted(warehouse) -> None:
    broken = warehouse.rows(
        "from ops.files where rows_physical <> rows_loaded + rows_quarantined + rows_excluded + rows_duplicate "
        "or least(rows_loaded, rows_quarantined, rows_excluded, rows_duplicate) < 0"
    )
    assert broken == []
    for source, feed in warehouse.rows("select distinct source, feed from ops.files"):
        assert warehouse.rows(f"select count(*) from raw.{source}_{feed}") == warehouse.rows(
            f"select sum(rows_loaded)::bigint from ops.files where source = '{source}' and feed = '{feed}'"
        )


@pytest.mark.parametrize("asked", [("crm", "C-4711"), ("shop", "S-0815"), ("pos", "C-4711")])
def test_after_the_night_nothing_mentions_them(warehouse, asked):
    deliver_company(warehouse)
    warehouse.night()
    assert all(m in warehouse.everything() for m in ("C-4711", "S-0815", "901820"))
    ask(warehouse, *asked)
    warehouse.night()
    assert_forgotten(warehouse)
    assert_all_rows_counted(warehouse)


def test_it_works_in_the_very_first_night(warehouse):
    deliver_company(warehouse)
    ask(warehouse)
    warehouse.night()
    assert_forgotten(warehouse)


def test_others_keep_everything(warehouse):
    deliver_company(warehouse)
    warehouse.night()
    ben = warehouse.customer("crm", "C-1")
    ask(warehouse)
    warehouse.night()
    assert warehouse.customer("crm", "C-1") == warehouse.customer("pos", "C-1") == ben
    assert warehouse.rows("select customer_id from raw.pos_sales order by transaction_id") == [
        (None,),
        ("C-1",),
        (None,),
    ]
    assert warehouse.rows("select count(*) from raw.pos_open_orders") == [(1,)]
    assert warehouse.rows("select customer_id from raw.crm_redemptions") == [("C-1",)]
    texts = [text for (text,) in warehouse.rows("select raw_text from quarantine.crm_customers order by line")]
    assert texts[:3] == ["(erased)"] * 3
    assert "Ben Kuhn" in texts[3]


def test_what_is_left_is_linked_as_if_they_had_never_been_there(warehouse):
    deliver_company(warehouse)
    ask(warehouse)
    warehouse.night()
    assert warehouse.rows("select source, customer_id, cluster_size from identity.customer_accounts") == [
        ("crm", "C-1", 1)
    ]
    assert warehouse.rows("from identity.customer_links") == []


def test_a_file_delivered_again_is_cleaned_again(warehouse):
    deliver_company(warehouse)
    ask(warehouse)
    warehouse.night()
    deliver_company(warehouse)
    warehouse.night()
    assert_forgotten(warehouse)
    assert_all_rows_counted(warehouse)


def test_a_record_refused_again_is_blanked_though_nothing_of_it_was_loaded(warehouse):
    deliver_company(warehouse)
    ask(warehouse)
    warehouse.night()
    warehouse.deliver("crm", "crm/customers", refused=({"customer_id": "C-4711", **ANNA, "registered_at": "soon"},))
    warehouse.night()
    assert_forgotten(warehouse)


def test_the_request_stays_as_a_hash_and_is_carried_out_once(warehouse):
    deliver_company(warehouse)
    ask(warehouse)
    warehouse.night()
    [(source, kept)] = warehouse.rows("select source, customer_id from raw.decisions_erase_customers")
    assert (source, kept[:7], len(kept)) == ("crm", "erased:", 71)
    said = len(warehouse.said)
    assert warehouse.night().erased == 0
    assert len(warehouse.said) == said


def test_somebody_whom_nobody_knows_is_remembered_for_later(warehouse):
    ask(warehouse, "shop", "S-0815")
    warehouse.night()
    warehouse.deliver("shop", "crm/customers", {"customer_id": "S-0815", **ANNA})
    warehouse.night()
    assert_forgotten(warehouse)
    assert_all_rows_counted(warehouse)


def test_what_is_said_of_an_erasure_names_nobody(warehouse):
    deliver_company(warehouse)
    ask(warehouse)
    warehouse.night()
    [erased] = [text for text in warehouse.said if text.startswith("erased")]
    assert "rows deleted" in erased
    assert not any(mention in " ".join(warehouse.said) for mention in MENTIONS)


def test_a_repeat_that_was_counted_as_a_duplicate_is_not_taken_from_what_was_loaded(warehouse):
    redeemed = {"campaign_id": "k", "redeemed_on": "2026-01-05"}
    rows = (redeemed | {"customer_id": "C-4711"}, redeemed | {"customer_id": "C-1"})
    warehouse.deliver("crm", "crm/redemptions", *rows)
    again = warehouse.deliver("crm", "crm/redemptions", *rows, redeemed | {"customer_id": "C-2"})
    # what ingestion does with rows that an earlier file has (ingestion/keys.py)
    warehouse.con.execute(f"update ops.files set rows_loaded = 1, rows_duplicate = 2 where file_id = {again}")
    ask(warehouse)
    warehouse.night()
    assert warehouse.rows("select rows_loaded, rows_duplicate, rows_excluded from ops.files order by file_id") == [
        (1, 0, 1),
        (1, 1, 1),
        (1, 0, 0),
    ]


def test_what_nobody_declared_goes_with_the_customer(warehouse):
    warehouse.deliver("pos", "pos/sales", sale(1, "C-4711") | {"_rescued": '{"buyer": "Anna Meier"}'})
    ask(warehouse)
    warehouse.night()
    assert_forgotten(warehouse)


def test_a_declared_header_names_the_customer_in_refused_records(warehouse):
    others = {"买家": "C-1", "数量": "C-4711"}
    warehouse.deliver("pos", "pos/sales", refused=({"买家": "C-4711", "数量": "two"}, others))
    ask(warehouse)
    warehouse.night(id_headers={"pos_sales": "买家"})
    texts = [text for (text,) in warehouse.rows("select raw_text from quarantine.pos_sales order by line")]
    assert texts[0] == "(erased)"
    assert "C-1" in texts[1]
