"""Poisson regression of all products at once: one set of coefficients a product, a level for each of its zones, the
season of its category.

    E[units] = level x open share of the week x season x exp(sum of coefficient x regressor)

Source: pseudo-maximum likelihood with a log link and fixed effects (Hausman, Hall and Griliches 1984; Santos Silva and
Tenreyro 2006, who show why not least squares on logs: zeros, and errors that are not proportional). Weeks weigh as in
the negative binomial, variance mean + spread x mean^2: with Poisson weights a few weeks of large discounts decided, and
80 % of the 90 % intervals of generated companies held the truth. Levels drop out: what a pair's level explains is taken
out of its regressors. A library fits one such model at a time and has no season shared by a category; here Newton steps
of all products are a few sums by group.

Errors of a product's weeks follow each other: a level that has drifted away stays there. So rows are standardised and
filtered by an autoregression of _LAGS weeks (generalised estimating equations, Liang and Zeger 1986). With every week
as new evidence, elasticities of the benchmark's shops told less of the next moves of prices than silence would.

A prior by product and coefficient makes it the posterior mode, with the normal approximation around it as interval.

The season of a category and week is what its other products sold over what was expected of them, drawn to that of the
department, that to the company's, as if it had been seen on DRAWN units: a product is no evidence of its own season.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.response.panel import TREND, WeekPanel

DRAWN = 30.0
# standard deviation that a coefficient is given before anything is seen: wide enough to say nothing (elasticities lie
# within -8 … 2), so that what never moved has a variance and not none
_VAGUE, _VAGUE_TREND = 5.0, 1.0
_ROUNDS, _STEP = 12, 1.0
_LAGS = 4  # weeks that an error is remembered
_DRAWN_WEEKS = 100.0
_LEAST_EXPECTED = 0.05
_DRAWN_SPREAD = 2000.0  # squared units expected, on which a product's spread is drawn to that of all


@dataclass(frozen=True)
class Prior:
    """mean, sd: (products, regressors)."""

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True)
class Fit:
    """coefficients, variances: (products, regressors). expected: units by row. season: by row.

    weeks: weeks seen by product."""

    coefficients: np.ndarray
    variances: np.ndarray
    expected: np.ndarray
    season: np.ndarray
    weeks: np.ndarray


def vague_prior(panel: WeekPanel) -> Prior:
    """The prior that says nothing."""
    sd = np.array([_VAGUE_TREND if name == TREND else _VAGUE for name in panel.names])
    shape = (len(panel.skus), len(panel.names))
    return Prior(np.zeros(shape), np.broadcast_to(sd, shape))


def fit_products(panel: WeekPanel, prior: Prior) -> Fit:
    """Fit every product of the panel. Deterministic; a product that never sold has the prior's coefficients."""
    ridge = np.einsum("ki,ij->kij", prior.sd**-2.0, np.eye(len(panel.names)))
    beta = prior.mean.copy()
    season, weight = np.ones(len(panel.units)), np.ones(len(panel.units))
    for _ in range(_ROUNDS):
        expected = _expected(panel, beta, season, weight)
        season = _season(panel, expected / season)
        expected = _expected(panel, beta, season, weight)
        weight = 1.0 / (1.0 + _spreads(panel, expected)[panel.sku] * expected)
        expected = _expected(panel, beta, season, weight)
        gram, score = _information(panel, expected, weight)
        pull = np.einsum("kij,kj->ki", ridge, prior.mean - beta)
        step = np.linalg.solve(gram + ridge, (score + pull)[:, :, None])[:, :, 0]
        beta = beta + np.clip(step, -_STEP, _STEP)
    expected = _expected(panel, beta, season, weight)
    covariance = np.linalg.inv(_information(panel, expected, weight)[0] + ridge)
    weeks = np.bincount(np.unique(_cells(panel)) // panel.weeks, minlength=len(panel.skus))
    return Fit(beta, np.einsum("kii->ki", covariance), expected, season, weeks)


def _cells(panel: WeekPanel) -> np.ndarray:
    return panel.sku * panel.weeks + panel.week


def _expected(panel: WeekPanel, beta: np.ndarray, season: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Units expected by row; levels make each pair's weighed sum that of its sales."""
    effect = np.einsum("rk,rk->r", panel.values, beta[panel.sku])
    shape = season * panel.open_share * np.exp(np.clip(effect, -6.0, 6.0))
    total, sold = np.bincount(panel.zone, shape * weight), np.bincount(panel.zone, panel.units * weight)
    return shape * (sold / np.where(total > 0, total, 1.0))[panel.zone]


def _season(panel: WeekPanel, unseasoned: np.ndarray) -> np.ndarray:
    """Season by row from all other products; unseasoned: units expected without any."""
    category, department = panel.category[panel.sku], panel.department[panel.sku]
    own = _cells(panel)
    came_own, usual_own = np.bincount(own, panel.units), np.bincount(own, unseasoned)
    season = np.ones(len(panel.units))
    for group in (np.zeros_like(category), department, category):
        cell = group * panel.weeks + panel.week
        came = np.bincount(cell, panel.units)[cell] - came_own[own]
        usual = np.bincount(cell, unseasoned)[cell] - usual_own[own]
        season = (np.maximum(came, 0.0) + DRAWN * season) / (np.maximum(usual, 0.0) + DRAWN)
    return season


def _spreads(panel: WeekPanel, expected: np.ndarray) -> np.ndarray:
    """Spread by product: variance beyond that of counts over mean^2 (moments), drawn to that of all products."""
    beyond = np.bincount(panel.sku, (panel.units - expected) ** 2 - expected, minlength=len(panel.skus))
    square = np.bincount(panel.sku, expected**2, minlength=len(panel.skus))
    # of all: products weigh alike, for the largest would speak for everybody
    known = square > 0
    ratio = beyond[known] / square[known]
    all_products = (
        max(float(np.average(ratio, weights=np.minimum(square[known], _DRAWN_SPREAD))), 0.0) if len(ratio) else 0.0
    )
    return np.clip((beyond + _DRAWN_SPREAD * all_products) / (square + _DRAWN_SPREAD), 0.0, 5.0)


def _information(panel: WeekPanel, expected: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(information about the coefficients, score) by product: errors and regressors standardised and filtered alike."""
    scale = np.sqrt(expected * weight)
    error = (panel.units - expected) * np.sqrt(weight / np.maximum(expected, _LEAST_EXPECTED))
    coefficients, innovation = _autoregression(panel, error)
    level, error = (_filtered(panel, values, coefficients, innovation) for values in (scale, error))
    rows = np.stack([_filtered(panel, values * scale, coefficients, innovation) for values in panel.values.T], axis=1)
    rows = _without_level(panel, rows, level)
    certain = 1.0 / _inflation(panel, error)
    score = _by_product(panel, rows * error[:, None]) * certain[:, None]
    return _gram(panel, rows) * certain[:, None, None], score


def _autoregression(panel: WeekPanel, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(coefficients of lags 1 ... _LAGS by product, sd of what they leave), by Yule and Walker.

    What a product's own weeks say of its memory is drawn to that of all products, as if these had been seen for
    _DRAWN_WEEKS; below none it never is: levels taken out make errors seem to take turns."""
    count = len(panel.skus)
    rho = np.ones((count, _LAGS + 1))
    square = np.bincount(panel.sku, error**2, minlength=count)
    weeks = np.bincount(panel.sku, minlength=count)
    for lag in range(1, _LAGS + 1):
        product = np.where(_follows(panel, lag), error[lag:] * error[:-lag], 0.0)
        own = np.bincount(panel.sku[lag:], product, minlength=count) / np.maximum(square, 1e-9)
        usual = float(np.average(own, weights=weeks))
        rho[:, lag] = np.maximum((weeks * own + _DRAWN_WEEKS * usual) / (weeks + _DRAWN_WEEKS), 0.0)
    apart = np.abs(np.subtract.outer(np.arange(_LAGS), np.arange(_LAGS)))
    coefficients = np.linalg.solve(rho[:, apart] + 1e-6 * np.eye(_LAGS), rho[:, 1:, None])[:, :, 0]
    left = 1.0 - np.einsum("kl,kl->k", coefficients, rho[:, 1:])
    return coefficients, np.sqrt(np.maximum(left, 0.01))


def _follows(panel: WeekPanel, lag: int) -> np.ndarray:
    """Rows from `lag` on whose row `lag` before is the same pair, as many weeks ago."""
    return (panel.zone[lag:] == panel.zone[:-lag]) & (panel.week[lag:] - panel.week[:-lag] == lag)


def _filtered(panel: WeekPanel, values: np.ndarray, coefficients: np.ndarray, innovation: np.ndarray) -> np.ndarray:
    """Values less what the weeks before say of them, in units of what is left; as they are in a pair's first weeks."""
    left, whole = values.copy(), np.zeros(len(values), dtype=bool)
    for lag in range(1, _LAGS + 1):
        follows = _follows(panel, lag)
        left[lag:] -= np.where(follows, coefficients[panel.sku[lag:], lag - 1] * values[:-lag], 0.0)
        whole[lag:] = follows  # of the last lag alone
    return np.where(whole, left / innovation[panel.sku], values)


def _without_level(panel: WeekPanel, rows: np.ndarray, level: np.ndarray) -> np.ndarray:
    square = np.maximum(np.bincount(panel.zone, level**2), 1e-12)
    columns = [values - (np.bincount(panel.zone, values * level) / square)[panel.zone] * level for values in rows.T]
    return np.stack(columns, axis=1)


def _inflation(panel: WeekPanel, error: np.ndarray) -> np.ndarray:
    """Variance of weeks over that of the negative binomial, by product, at least 1: zones have the same weather."""
    cell, row_cell = np.unique(_cells(panel), return_inverse=True)
    of_cell = cell // panel.weeks
    zones = np.bincount(row_cell)
    square = np.bincount(of_cell, np.bincount(row_cell, error) ** 2 / zones, minlength=len(panel.skus))
    weeks = np.bincount(of_cell, minlength=len(panel.skus))
    return np.maximum(square / np.maximum(weeks - 1.0 - len(panel.names), 1.0), 1.0)


def _by_product(panel: WeekPanel, values: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(panel.sku, column, minlength=len(panel.skus)) for column in values.T], axis=1)


def _gram(panel: WeekPanel, rows: np.ndarray) -> np.ndarray:
    size = rows.shape[1]
    gram = np.zeros((len(panel.skus), size, size))
    for i in range(size):
        for j in range(i, size):
            gram[:, i, j] = gram[:, j, i] = np.bincount(panel.sku, rows[:, i] * rows[:, j], minlength=len(gram))
    return gram
