"""Products that are cut are those that are not."""

from __future__ import annotations

import numpy as np
import pytest

from fsmlearn import products
from fsmlearn.products import Product, summed, times


@pytest.mark.parametrize("rows", [0, 1, 6, 7, 12, 20])
@pytest.mark.parametrize("size", [1, 6, 100])
def test_tall_products_in_pieces(rows: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(rows)
    n, h, m = 5, 4, 3
    monkeypatch.setattr(products, "FEWEST", 1)
    tall, weights, out = rng.normal(size=(rows, n)), rng.normal(size=(n, h)), np.full((rows, h), np.nan)
    monkeypatch.setattr(products, "SMALL", size * n * h)
    times(tall, weights, out)
    np.testing.assert_allclose(out, tall @ weights, atol=1e-12)
    for values in (rng.normal(size=(rows, h)), rng.normal(size=(2, rows, h))):
        left = rng.normal(size=(rows, m)).T
        monkeypatch.setattr(products, "SMALL", size * m * h)
        np.testing.assert_allclose(summed(left, values), left @ values, atol=1e-12)
        np.testing.assert_allclose(summed(left.copy(), values), left @ values, atol=1e-12)


def test_products_of_few_rows_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SMALL", 20 * 99)
    assert products._pieces(1000, 20) == (1000, 0)
    monkeypatch.setattr(products, "SMALL", 20 * 100)
    assert products._pieces(1000, 20) == (100, 1000)
    assert products._pieces(1050, 20) == (100, 1000)
    assert products._pieces(100, 20) == (100, 0)


@pytest.mark.parametrize("small", [10**6, products.STEP * 6 * 8 - 1, 10])
@pytest.mark.parametrize("blocks", [(), (3,)])
def test_a_step_in_halves(small: int, blocks: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(products, "SMALL", small)
    weights = rng.normal(size=(*blocks, 6, 8))
    product = Product(weights, np.full((*blocks, 9, 8), np.nan))
    for n in (9, 4, 1):
        rows = rng.normal(size=(*blocks, n, 6))
        np.testing.assert_allclose(product(rows), rows @ weights, atol=1e-12)
