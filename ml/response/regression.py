"""Poisson regression of all products at once: one set of coefficients a product, a level for each of its zones, the
season of its category.

    E[units] = level x open share of the week x season x exp(sum of coefficient x regressor)

Source: pseudo-maximum likelihood with a log link and fixed effects (Hausman, Hall and Griliches 1984; Santos Silva and
Tenreyro 2006, who show why not least squares on logs: zeros, and errors that are not proportional). Weeks weigh as in
the negative binomial, variance mean + spread x mean^2: with Poisson weights a few weeks of large discounts decided, and
80 % of the 90 % intervals of generated companies held the truth. Levels drop out: regressors are centred within the
pair. A library fits one such model at a time and has no season shared by a category; here Newton steps of all products
are a few sums by group.

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
    inflation = np.ones(len(panel.skus))
    for _ in range(_ROUNDS):
        expected = _expected(panel, beta, season, weight)
        season = _season(panel, expected / season)
        expected = _expected(panel, beta, season, weight)
        weight = 1.0 / (1.0 + _spreads(panel, expected)[panel.sku] * expected)
        expected = _expected(panel, beta, season, weight)
        inflation = _inflation(panel, expected, weight)
        scaled = weight / inflation[panel.sku]
        centred = _centred(panel, expected * weight)
        gram = _gram(panel, centred, expected * scaled)
        score = _by_product(panel, centred * (scaled * (panel.units - expected))[:, None])
        pull = np.einsum("kij,kj->ki", ridge, prior.mean - beta)
        step = np.linalg.solve(gram + ridge, (score + pull)[:, :, None])[:, :, 0]
        beta = beta + np.clip(step, -_STEP, _STEP)
    expected = _expected(panel, beta, season, weight)
    covariance = np.linalg.inv(_gram(panel, _centred(panel, expected * weight), expected * scaled) + ridge)
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


def _inflation(panel: WeekPanel, expected: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Variance of weeks over that of the negative binomial, by product, at least 1: zones have the same weather."""
    cell, row_cell = np.unique(_cells(panel), return_inverse=True)
    of_cell = cell // panel.weeks
    residual, usual = np.bincount(row_cell, panel.units - expected), np.bincount(row_cell, expected / weight)
    weeks = np.bincount(of_cell, minlength=len(panel.skus))
    square = np.bincount(of_cell, residual**2 / np.maximum(usual, 0.05), minlength=len(panel.skus))
    return np.maximum(square / np.maximum(weeks - 1.0 - len(panel.names), 1.0), 1.0)


def _centred(panel: WeekPanel, weight: np.ndarray) -> np.ndarray:
    """Regressors less their weighed mean in the pair: levels are estimated along."""
    total = np.bincount(panel.zone, weight)
    total = np.where(total > 0, total, 1.0)
    columns = [values - (np.bincount(panel.zone, values * weight) / total)[panel.zone] for values in panel.values.T]
    return np.stack(columns, axis=1)


def _by_product(panel: WeekPanel, values: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(panel.sku, column, minlength=len(panel.skus)) for column in values.T], axis=1)


def _gram(panel: WeekPanel, centred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    size = centred.shape[1]
    gram = np.zeros((len(panel.skus), size, size))
    for i in range(size):
        weighed = centred[:, i] * weight
        for j in range(i, size):
            gram[:, i, j] = gram[:, j, i] = np.bincount(panel.sku, weighed * centred[:, j], minlength=len(gram))
    return gram
