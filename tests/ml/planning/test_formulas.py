"""The closed forms against textbook vectors (row numbers: design/numbers.md, section 3) and stockpyl."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stockpyl.loss_functions import negative_binomial_loss, normal_loss, poisson_loss
from stockpyl.newsvendor import newsvendor_normal, newsvendor_poisson

from ml.forecasting import distribution
from ml.planning import formulas


def close(value):
    return pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(("stock", "mean", "sd", "shortage"), [(1.3, 0, 1, 0.045528), (18.6, 15, 3, 0.168307)])
def test_normal_shortage_of_row_15(stock, mean, sd, shortage):
    assert formulas.expected_shortage(stock, mean, sd) == close(shortage)


def test_reorder_point_of_row_16():
    sd = formulas.demand_sd(500, 2)
    shortage = formulas.expected_shortage(6000, 5000, sd)
    assert sd == close(707.107)
    assert formulas.cycle_service(6000, 5000, sd) == close(0.92135)
    assert shortage == close(25.127)
    assert formulas.fill_rate(shortage, 10_000) == close(0.997487)


@pytest.mark.parametrize(
    ("stock", "fill"), [(66.70, 0.975), (182.97, 0.98), (321.53, 0.985), (499.25, 0.99), (767.05, 0.995)]
)
def test_fill_rates_of_row_17(stock, fill):
    assert formulas.fill_rate(formulas.expected_shortage(stock, 0, 707.107), 10_000) == close(fill)


def test_cycle_service_of_row_17():
    assert formulas.safety_stock(0.90, formulas.demand_sd(500, 2)) == close(906.19)


def test_cycle_and_fill_differ_in_row_18():
    sd = formulas.demand_sd(150, 2)
    shortage = formulas.expected_shortage(600, 500, sd)
    assert formulas.cycle_service(600, 500, sd) == close(0.6813)
    assert shortage == close(43.86)
    assert formulas.fill_rate(shortage, 1000) == close(0.95614)


@pytest.mark.parametrize(
    ("lead_sd", "stock"), [(6, 19298), (5, 16109), (4, 12927), (3, 9760), (2, 6628), (1, 3625), (0, 1695)]
)
def test_lead_time_variance_of_row_19(lead_sd, stock):
    # the book's figures are rounded to units
    assert formulas.safety_stock(0.90, formulas.demand_sd(500, 7, 2500, lead_sd)) == pytest.approx(stock, abs=1)


def test_periodic_review_of_row_20():
    sd = formulas.demand_sd(500, 6)
    assert formulas.safety_stock(0.90, sd) == close(1569.57)
    assert formulas.order_up_to(2500 * 6, sd, 0.90) == close(16_569.57)


def test_newsvendor_of_row_21():
    ratio = formulas.critical_ratio(250 - 100, 100 - 80)
    assert ratio == close(0.882353)
    assert formulas.order_up_to(350, 100, ratio) == close(468.68)


def test_type_1_service_of_row_23():
    assert formulas.order_up_to(100, 25, 0.98) == close(151.34)


def test_order_up_to_is_stockpyls_newsvendor_with_lead_time():
    """Rows 1 and 2: with review 1 and lead time L the base stock covers L + 1 periods."""
    ratio = formulas.critical_ratio(0.70, 0.18)
    for lead in (0, 4):
        oracle, _ = newsvendor_normal(0.18, 0.70, 50, 8, lead_time=lead)
        assert formulas.order_up_to(50 * (lead + 1), formulas.demand_sd(8, lead + 1), ratio) == pytest.approx(oracle)


@given(stock=st.floats(-50, 150), mean=st.floats(0, 100), sd=st.floats(0.5, 40))
def test_normal_shortage_is_stockpyls(stock, mean, sd):
    oracle, _ = normal_loss(stock, mean, sd)
    assert formulas.expected_shortage(stock, mean, sd) == pytest.approx(oracle, rel=1e-6, abs=1e-9)


@given(service=st.floats(0.5, 0.999), sd=st.floats(0.1, 100), days=st.integers(1, 60))
def test_safety_stock_grows_with_the_root_of_the_days(service, sd, days):
    one = formulas.safety_stock(service, formulas.demand_sd(sd, 1))
    assert formulas.safety_stock(service, formulas.demand_sd(sd, days)) == pytest.approx(one * np.sqrt(days))


# ------------------------------------------------------------------ what planning asks of the distribution of demand


@pytest.mark.parametrize(("holding", "penalty", "mean", "stock"), [(0.18, 0.70, 50, 56), (1, 4, 6, 8)])
def test_smallest_stock_that_covers_of_rows_3_and_4(holding, penalty, mean, stock):
    oracle, _ = newsvendor_poisson(holding, penalty, mean)
    level = formulas.critical_ratio(penalty, holding)
    assert distribution.quantile(np.array([mean]), np.array([0.0]), level)[0] == stock == oracle


def test_order_up_to_poisson_of_row_25():
    mean, poisson = np.array([6.0, 6.0]), np.zeros(2)
    assert distribution.cdf(mean, poisson, np.array([8.0, 9.0])) == close(np.array([0.847237, 0.916076]))
    assert distribution.expected_shortage(mean, poisson, np.array([8.0, 8.0]))[0] == close(0.314021)


def test_counted_shortage_of_row_15():
    oracle, _ = negative_binomial_loss(14, mean=23, sd=8)
    alpha = np.array([(8**2 - 23) / 23**2])
    found = distribution.expected_shortage(np.array([23.0]), alpha, np.array([14.0]))[0]
    assert found == close(9.326460) == close(oracle)
    oracle, _ = poisson_loss(18, 15)
    found = distribution.expected_shortage(np.array([15.0]), np.zeros(1), np.array([18.0]))[0]
    assert found == close(0.517610) == close(oracle)
