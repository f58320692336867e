"""What holds whatever comes in: every row is accounted for, order and repetition do not matter, and what a locale
writes is what is read."""

from __future__ import annotations

import random
import shutil
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from landings import HEADER, Landing, sale

KEYS = [f"K{n}" for n in range(8)]
# what a line of an extract may be: good, a value that does not parse, no record, nothing at all
FAULTS = {
    "good": lambda key: sale(transaction_id=key),
    "other": lambda key: sale(transaction_id=key, net_amount="9.99"),
    "spaced": lambda key: sale(transaction_id=f" {key}\u200b", channel="a\r\nb"),
    "value": lambda key: sale(transaction_id=key, quantity="1,5"),
    "control": lambda key: sale(transaction_id=key, sku_id="\x01"),
    "short": lambda key: f"{key},1",
    "long": lambda key: sale(transaction_id=key) + ",more",
    "future": lambda key: sale(transaction_id=key, sold_at="2150-01-01"),
    "empty": lambda _: "",
}
LINES = st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.sampled_from(KEYS)), max_size=25)


@settings(max_examples=12, deadline=None)
@given(files=st.lists(LINES, min_size=1, max_size=4), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_row_is_loaded_or_kept_or_counted_and_a_second_run_changes_nothing(files, end):
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder))
        for number, lines in enumerate(files):
            text = end.join([HEADER, *(FAULTS[fault](key) for fault, key in lines)]) + end
            landing.put(f"pos/sales/f{number}.csv", text)
        landing.ingest("run-00001")
        for number, lines in enumerate(files):
            state, physical, *_ = landing.counts(f"f{number}.csv")
            rows = len([fault for fault, _ in lines if fault != "empty"])
            assert (state in ("loaded", "duplicate"), physical) == (rows > 0, rows)
        views = landing.rows("select * from feeds.pos_sales order by all")
        raw = landing.rows("select count(*) from raw.pos_sales") if views else []
        report = landing.ingest("run-00002")
        assert report.rows_loaded == 0
        assert landing.rows("select * from feeds.pos_sales order by all") == views
        assert (landing.rows("select count(*) from raw.pos_sales") if views else []) == raw
        landing.con.close()


@settings(max_examples=6, deadline=None)
@given(
    rows=st.lists(st.integers(0, 40), min_size=1, max_size=40, unique=True), files=st.integers(1, 6), seed=st.randoms()
)
def test_names_and_order_of_files_and_rows_change_nothing(rows, files, seed):
    seen = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            landing = Landing(Path(folder))
            names = seed.sample([f"{n}.csv" for n in range(20)], files)
            shuffled = seed.sample(rows, len(rows))
            nights = sorted(seed.randint(1, 3) for _ in names)
            for number, (name, night) in enumerate(zip(names, nights, strict=True)):
                # every file repeats a row of the first
                own = [*shuffled[number::files], shuffled[0]]
                landing.put_sales(*(sale(transaction_id=f"R{row}", quantity=row) for row in own), name=name)
                if night > (nights[number - 1] if number else 0):
                    landing.ingest(f"run-{night:05}")
            landing.ingest("run-00004")
            seen.append(landing.rows("select * exclude (_file_id, _line) from feeds.pos_sales order by all"))
            landing.con.close()
    assert seen[0] == seen[1]
    assert len(seen[0]) == len(rows)


@pytest.mark.parametrize(
    ("decimal", "thousands", "written"),
    [(".", None, None), (",", None, None), (".", ",", ","), (",", ".", "."), (",", " ", " "), (",", " ", "\u202f"),
     (",", "\u00a0", "\u00a0"), (".", "'", "'"), (".", "\u2019", "\u2019"), (".", "'", "\u2019")],
)  # fmt: skip
def test_numbers_are_read_as_they_were_written_in_every_locale(landing, decimal, thousands, written):
    made = random.Random(decimal + str(written))
    numbers = [Decimal(made.randint(-(10 ** made.randint(1, 15)), 10**15)) / 1000 for _ in range(300)]
    signs = str.maketrans({",": written or "", ".": decimal})
    shapes = ("{}", "({})", "{}-", "€ {}", "{} ¥")

    def text(number: Decimal, shape: str) -> str:
        body = f"{abs(number):,.3f}".translate(signs)
        return ("-" if number < 0 else "") + body if "(" not in shape and "-" not in shape else shape.format(body)

    texts = [text(number, shapes[n % 5] if number < 0 else shapes[0]) for n, number in enumerate(numbers)]
    landing.put(
        "../sources/pos.yml",
        f"source: pos\nfeeds: {{sales: {{format: {{decimal: '{decimal}'"
        + (f', thousands: "{thousands}"' if thousands else "")
        + "}}}\n",
    )
    landing.put_sales(*(sale(transaction_id=f"T{n:03}", quantity=t, net_amount=0) for n, t in enumerate(texts)))
    landing.ingest()
    assert [q for (q,) in landing.rows("select quantity from feeds.pos_sales order by transaction_id")] == numbers


@pytest.mark.parametrize(
    "pattern", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y", "%Y年%m月%d日", "%d-%m-%y", "%j/%Y"]
)
def test_dates_are_read_as_they_were_written_in_every_pattern(landing, pattern):
    made = random.Random(pattern)
    days = [
        date.fromordinal(made.randint(date(1970, 1, 1).toordinal(), date(2068, 12, 31).toordinal())) for _ in range(200)
    ]
    days += [date(2024, 2, 29), date(2000, 2, 29), date(2026, 12, 31)]
    landing.put("../sources/erp.yml", f"source: erp\nfeeds: {{products: {{format: {{date: '{pattern}'}}}}}}\n")
    lines = [f"{n:04},x,{day.strftime(pattern)}" for n, day in enumerate(days)]
    landing.put("erp/products/p.csv", "\n".join(["sku_id,product_name,launched_on", *lines]) + "\n")
    landing.ingest()
    assert [d for (d,) in landing.rows("select launched_on from feeds.erp_products order by sku_id")] == days


@settings(max_examples=6, deadline=None)
@given(stamps=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2025, 12, 31)), min_size=1, max_size=30))
def test_time_stamps_are_read_as_they_were_written(stamps):
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder))
        landing.put(
            "../sources/pos.yml", "source: pos\nfeeds: {sales: {format: {timestamp: '%d/%m/%Y %H:%M:%S.%f'}}}\n"
        )
        lines = [
            sale(transaction_id=f"T{n:03}", sold_at=s.strftime("%d/%m/%Y %H:%M:%S.%f")) for n, s in enumerate(stamps)
        ]
        landing.put_sales(*lines)
        report = landing.ingest()
        seen = dict(landing.rows("select transaction_id, sold_at from raw.pos_sales"))
        strays = [w for w in report.warnings if "is far from every other date" in w]
        assert strays or seen == {f"T{n:03}": s for n, s in enumerate(stamps)}
        assert set(seen.values()) <= set(stamps)
        landing.con.close()


class Company(RuleBasedStateMachine):
    """A company that delivers, repeats, corrects, spoils and deletes files; `counting` is what must count after a run.

    counting: name → (order of loading, rows) of files whose rows count; rows: receipt → amount.
    """

    NAMES = ("a.csv", "b.csv", "c.csv", "d.csv")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.landing = Landing(Path(self.folder))
        self.delivered: dict[str, tuple] = {}
        self.counting: dict[str, tuple[int, tuple]] = {}
        self.sequence = self.run_number = 0

    @rule(
        name=st.sampled_from(NAMES),
        rows=st.dictionaries(st.sampled_from(KEYS[:5]), st.sampled_from([1, 2]), min_size=1),
    )
    def deliver(self, name: str, rows: dict[str, int]) -> None:
        self._put(name, tuple(sorted(rows.items())))

    @precondition(lambda self: self.delivered)
    @rule(name=st.sampled_from(NAMES), of=st.randoms())
    def repeat(self, name: str, of: random.Random) -> None:
        self._put(name, self.delivered[of.choice(sorted(self.delivered))])

    @rule(name=st.sampled_from(NAMES))
    def spoil(self, name: str) -> None:
        self.landing.put(f"pos/sales/{name}", f"not,what,{name},was,agreed\n1,2,3,4,5\n")
        self.delivered[name] = ()

    @precondition(lambda self: self.delivered)
    @rule(of=st.randoms())
    def delete(self, of: random.Random) -> None:
        name = of.choice(sorted(self.delivered))
        (self.landing.settings.landing / "pos" / "sales" / name).unlink()
        del self.delivered[name]

    @rule()
    def run(self) -> None:
        self.run_number += 1
        self.landing.ingest(f"run-{self.run_number:05}")
        # files about to be corrected do not vouch for their old bytes
        vouched = {rows for name, (_, rows) in self.counting.items() if self.delivered.get(name, rows) == rows}
        for name, rows in sorted(self.delivered.items()):
            if not rows or self.counting.get(name, (0, ()))[1] == rows:
                continue
            self.counting.pop(name, None)
            if rows not in vouched:
                self.sequence += 1
                self.counting[name] = (self.sequence, rows)
                vouched.add(rows)
        expected: dict[str, int] = {}
        for _, rows in sorted(self.counting.values()):
            expected |= dict(rows)
        assert dict(self.landing.rows("select transaction_id, net_amount::int from feeds.pos_sales")) == expected
        assert self.landing.rows("select count(*) from feeds.pos_sales") == [(len(expected),)]

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.run_number:
            assert self.landing.rows(
                "select name from ops.files where state <> 'refused' and rows_physical <> rows_loaded + "
                "rows_quarantined + rows_excluded + rows_duplicate + rows_superseded"
            ) == []  # fmt: skip

    def teardown(self) -> None:
        self.landing.con.close()
        shutil.rmtree(self.folder)

    def _put(self, name: str, rows: tuple) -> None:
        if not rows:
            self.spoil(name=name)
            return
        self.landing.put_sales(*(sale(transaction_id=key, net_amount=amount) for key, amount in rows), name=name)
        self.delivered[name] = rows


class TestCompany(Company.TestCase):
    settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
