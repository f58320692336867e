"""The closed forms of stock control, each with its source. The variance of the lead time enters every order; the normal
forms are what planners know from their books: they are held to the books' vectors, and the lists are held to them.

What belongs here: a formula with a name, on numbers or arrays. What does not: the distribution of demand
(ml.forecasting.distribution) and anything that knows a table.

Symbols: demand a day has mean `rate` and standard deviation `sd`; G(z) = phi(z) - z (1 - Phi(z)).
S&S: Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed. C&M: Chopra and Meindl, Supply Chain Management.
"""

import numpy as np
from scipy import stats

Number = float | np.ndarray


def lead_time_variance(rate: Number, lead_time_sd_days: Number) -> np.ndarray:
    """Variance of demand that a lead time of uncertain length adds: rate^2 * s_L^2, in units squared.

    Source: variance of a random sum, Var = L sd^2 + rate^2 s_L^2 (C&M, safety inventory under lead-time uncertainty).
    """
    return np.square(rate) * np.square(lead_time_sd_days)


def demand_sd(sd: Number, days: Number, rate: Number = 0.0, lead_time_sd_days: Number = 0.0) -> np.ndarray:
    """Standard deviation of independent daily demand over `days` days, the lead time among them uncertain.

    sqrt(days * sd^2 + rate^2 * s_L^2) (C&M). With s_L = 0 it grows with the root of the days.
    """
    return np.sqrt(days * np.square(sd) + lead_time_variance(rate, lead_time_sd_days))


def safety_stock(service: Number, sd_over_protection: Number) -> np.ndarray:
    """z * sd, z = Phi^-1(service): what stands above the mean so that cycle service is `service` (C&M)."""
    return stats.norm.ppf(service) * sd_over_protection


def order_up_to(mean: Number, sd: Number, service: Number) -> np.ndarray:
    """Order-up-to level (R,S) for normal demand over the protection period: mean + z * sd (S&S section 4.3, C&M)."""
    return mean + safety_stock(service, sd)


def cycle_service(stock: Number, mean: Number, sd: Number) -> np.ndarray:
    """Type 1 service: the probability Phi((stock - mean) / sd) that normal demand does not exceed the stock."""
    return stats.norm.cdf((stock - mean) / sd)


def expected_shortage(stock: Number, mean: Number, sd: Number) -> np.ndarray:
    """E[(D - stock)+] = sd * G(z) for normal demand, z = (stock - mean) / sd (S&S appendix C; C&M's ESC of a cycle)."""
    z = (stock - mean) / sd
    return sd * (stats.norm.pdf(z) - z * stats.norm.sf(z))


def fill_rate(shortage: Number, order_qty: Number) -> np.ndarray:
    """Type 2 service where what is short waits: 1 - ESC / Q, the share of demand served from stock at once (C&M)."""
    return 1.0 - np.divide(shortage, order_qty)


def critical_ratio(underage_cost: Number, overage_cost: Number) -> np.ndarray:
    """The newsvendor's best cycle service, c_u / (c_u + c_o) (S&S section 4.3.2)."""
    return np.divide(underage_cost, np.add(underage_cost, overage_cost))
