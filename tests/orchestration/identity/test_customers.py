"""The identity step on a warehouse: what it writes, what it leaves alone, whom an id means."""

from __future__ import annotations

ANNA = {"full_name": "Anna Meier", "phone": "030 901820", "birth_date": "1980-05-17"}
SALE = {
    "transaction_id": "t1",
    "line_number": 1,
    "sold_at": "2026-01-05 10:00",
    "channel": "store",
    "location_id": "S1",
    "sku_id": "A",
    "quantity": 1,
    "net_amount": 2,
}


def test_without_customers_all_tables_stand_and_are_empty(warehouse):
    report = warehouse.night()
    assert (report.accounts, report.links, report.ids) == (0, 0, 0)
    assert warehouse.rows("from identity.customer_accounts") == []


def test_accounts_of_two_sources_are_one_customer(warehouse):
    warehouse.deliver("crm", "crm/customers", {"customer_id": "1", **ANNA})
    warehouse.deliver("shop", "crm/customers", {"customer_id": "s9", **ANNA, "phone": "+49 30 901820"})
    report = warehouse.night()
    assert (report.accounts, report.customers, report.links) == (2, 1, 1)
    assert warehouse.customer("crm", "1") == warehouse.customer("shop", "s9")
    assert warehouse.rows("select method, evidence, is_followed from identity.customer_links") == [
        ("phone", "phone, name, birth_date", True)
    ]


def test_nothing_new_links_nothing_and_an_unchanged_night_is_the_same(warehouse):
    warehouse.deliver("crm", "crm/customers", {"customer_id": "1", **ANNA})
    assert warehouse.night().was_linked
    before = warehouse.everything()
    assert not warehouse.night().was_linked
    assert warehouse.everything() == before
    warehouse.deliver("crm", "crm/customers", {"customer_id": "2", **ANNA})
    assert warehouse.night().was_linked


def test_an_id_is_looked_up_in_its_own_source_then_in_crm_and_is_else_a_pseudonym(warehouse):
    warehouse.deliver("crm", "crm/customers", {"customer_id": "7", "full_name": "Anna Meier"})
    warehouse.deliver("shop", "crm/customers", {"customer_id": "7", "full_name": "Ben Kuhn"})
    sales = [SALE | {"transaction_id": f"t{k}", "customer_id": c} for k, c in enumerate(["7", "8", None])]
    warehouse.deliver("pos", "pos/sales", *sales)
    warehouse.deliver("shop", "pos/sales", *sales)
    warehouse.night()
    assert warehouse.customer("pos", "7") == warehouse.customer("crm", "7") != warehouse.customer("shop", "7")
    assert warehouse.customer("pos", "8") != warehouse.customer("shop", "8")
    assert dict(warehouse.rows("select source, is_known from identity.customer_ids where customer_id = '8'")) == {
        "pos": False,
        "shop": False,
    }
    assert all(
        c.startswith("c") and len(c) == 25
        for (c,) in warehouse.rows("select unified_customer_id from identity.customer_ids")
    )


def test_an_id_that_gets_an_account_later_leaves_its_pseudonym(warehouse):
    warehouse.deliver("pos", "pos/sales", SALE | {"customer_id": "7"})
    warehouse.night()
    pseudonym = warehouse.customer("pos", "7")
    warehouse.deliver("crm", "crm/customers", {"customer_id": "7", **ANNA})
    warehouse.night()
    assert warehouse.customer("pos", "7") == warehouse.customer("crm", "7") != pseudonym


def test_only_new_files_are_read_for_new_ids(warehouse):
    warehouse.deliver("pos", "pos/sales", SALE | {"customer_id": "7"})
    warehouse.night()
    # a row slipped in under the old file's number is not looked at again
    warehouse.con.execute("insert into raw.pos_sales (customer_id, _source, _file_id) values ('9', 'pos', 1)")
    warehouse.deliver("pos", "pos/sales", SALE | {"customer_id": "8"})
    warehouse.night()
    assert warehouse.rows("select customer_id from identity.customer_ids order by 1") == [("7",), ("8",)]


def test_no_contact_and_no_name_stands_in_the_schema_identity(warehouse):
    warehouse.deliver("crm", "crm/customers", {"customer_id": "1", **ANNA, "email": "anna@gmx.de"})
    warehouse.deliver("shop", "crm/customers", {"customer_id": "s9", **ANNA, "email": "anna@gmx.de"})
    warehouse.night()
    text = "".join(
        str(warehouse.rows(f"from identity.{name}"))
        for (name,) in warehouse.rows("select table_name from duckdb_tables() where schema_name = 'identity'")
    )
    for secret in ("Meier", "901820", "gmx", "1980-05-17"):
        assert secret.lower() not in (text + "".join(warehouse.said)).lower()
