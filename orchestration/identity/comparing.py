"""How alike two accounts are: splink's Fellegi-Sunter weights on name, birth date, city, phone and e-mail hashes.

Belongs here: levels of agreement, their weights, which pairs are compared, and the call of splink (0.5 s to import, so
within the function). What is done with a scored pair is linking's decision.

The weights are written down rather than learned: learning (EM) needs thousands of true pairs, differs with the order of
rows, and a company with 50 accounts must get the same care as one with a million. What depends on the data, how common
a name, a birthday or a city is, is counted exactly (term frequencies).
"""

from __future__ import annotations

import logging
from typing import Any

import duckdb
import polars as pl

# levels of agreement, as numbers that splink gives: -1 unknown, 0 differs, then closer and closer
UNKNOWN, DIFFERS = -1, 0
NAME_ONE_SIGN, NAME_CLOSE, NAME_EQUAL = 1, 2, 3
DATE_CLOSE, DATE_EQUAL = 1, 2
EQUAL = 1

# names of up to 4 signs are mostly Chinese: one other sign is another person more often than a slip
_LONG_NAME = "least(length(name_key_l), length(name_key_r)) >= 6"
_CLOSE_NAME = (
    f"{_LONG_NAME} and (damerau_levenshtein(name_key_l, name_key_r) <= 1 or damerau_levenshtein(name_l, name_r) <= 1)"
)
# DuckDB's edit distances count bytes, three a Chinese sign: signs are counted one by one, where bytes say it may be
_ONE_SIGN = (
    "length(name_key_l) = length(name_key_r) and levenshtein(name_key_l, name_key_r) <= 4 and "
    "len(list_filter(range(1, length(name_key_l) + 1), lambda k: name_key_l[k] <> name_key_r[k])) = 1"
)
_CLOSE_DATE = (
    "damerau_levenshtein(birth_date_l, birth_date_r) <= 1 or (substr(birth_date_l, 1, 4) = substr(birth_date_r, 1, 4) "
    "and substr(birth_date_l, 6, 2) = substr(birth_date_r, 9, 2) "
    "and substr(birth_date_l, 9, 2) = substr(birth_date_r, 6, 2))"
)
_CLOSE_CITY = "least(length(city_l), length(city_r)) >= 4 and damerau_levenshtein(city_l, city_r) <= 1"
# a pair is looked at when one of these is equal; a birth date is shared by 1 in 22,000, so this stays small
_BLOCKS = ("phone_key", "email_key", "birth_date", "name_key")
# name and city alone are compared only where a name is rare: 4,000 namesakes would be 8 million pairs
_MAX_NAMESAKES = 50
_COLUMNS = ("name", "birth_date", "city", "phone", "email")


def scored_pairs(people: pl.DataFrame, threads: int) -> pl.DataFrame:
    """Return every pair worth a look with its levels of agreement and its probability.

    people: `row` (0..n-1), `name`, `name_key` (words in the order of the alphabet), `birth_date` (ISO text), `city`,
    `phone_key`, `email_key` (hashes); all may be null but `row`. Returns `left`, `right` (rows, left < right),
    `name`, `birth_date`, `city`, `phone`, `email` (levels above) and `probability`, ordered by left, right.
    """
    if people.height < 2:
        return _empty()
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    # in memory and never spilled: names and birth dates leave no trace on the disk
    with duckdb.connect(config={"threads": threads, "temp_directory": ""}) as con:
        con.register("people_frame", people.to_arrow())
        con.execute(
            "create table people as select *, "
            f"case when count(*) over (partition by name_key) <= {_MAX_NAMESAKES} then name_key end as rare_name "
            "from people_frame order by row"
        )
        linker = Linker(DuckDBAPI(con).register("people"), _model(people.height), log_level=logging.ERROR)
        predicted = linker.inference.predict(threshold_match_weight=None, warning_mode="never")
        levels = ", ".join(f"gamma_{c}::tinyint as {c}" for c in _COLUMNS)
        return con.execute(
            f"select row_l as left, row_r as right, {levels}, round(match_probability, 6) as probability "
            f"from {predicted.physical_name} order by row_l, row_r"
        ).pl()


def _empty() -> pl.DataFrame:
    levels = dict.fromkeys(_COLUMNS, pl.Int8)
    return pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64, **levels, "probability": pl.Float64})


def _model(accounts: int) -> Any:
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row",
        # before anything is compared: a person has about one further account among all others
        probability_two_random_records_match=1 / max(accounts - 1, 2),
        blocking_rules_to_generate_predictions=[
            block_on("rare_name" if column == "name_key" else column) for column in _BLOCKS
        ],
        comparisons=[
            # a level: condition, share among accounts of one person (m), share among accounts of two people (u)
            _comparison(
                "name",
                "name_key",
                equal=(0.87, 1e-3),
                further=[(_CLOSE_NAME, 0.08, 3e-5), (_ONE_SIGN, 0.03, 5e-3)],
                differs=(0.02, 0.994),
            ),
            _comparison(
                "birth_date",
                "birth_date",
                equal=(0.90, 5e-5),
                further=[(_CLOSE_DATE, 0.08, 2e-3)],
                differs=(0.02, 0.998),
            ),
            _comparison("city", "city", equal=(0.83, 0.02), further=[(_CLOSE_CITY, 0.04, 1e-3)], differs=(0.13, 0.979)),
            # equal keys weigh much, other keys little against: people have two phones and change their address
            _comparison("phone", "phone_key", equal=(0.80, 2e-5), further=[], differs=(0.20, 0.99998), common=False),
            _comparison("email", "email_key", equal=(0.75, 1e-5), further=[], differs=(0.25, 0.99999), common=False),
        ],
    )


def _comparison(
    name: str,
    column: str,
    *,
    equal: tuple[float, float],
    further: list[tuple[str, float, float]],
    differs: tuple[float, float],
    common: bool = True,
) -> Any:
    """Return one column's comparison; `common`: an agreement weighs less where the value itself is common."""
    from splink import comparison_level_library as levels
    from splink import comparison_library

    exact = levels.ExactMatchLevel(column, term_frequency_adjustments=common)
    return comparison_library.CustomComparison(
        output_column_name=name,
        comparison_levels=[
            levels.NullLevel(column),
            exact.configure(m_probability=equal[0], u_probability=equal[1]),
            *(levels.CustomLevel(sql).configure(m_probability=m, u_probability=u) for sql, m, u in further),
            levels.ElseLevel().configure(m_probability=differs[0], u_probability=differs[1]),
        ],
    )
