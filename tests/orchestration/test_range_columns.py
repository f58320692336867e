"""Every column of the lists about customers, range and what is watched is explained where people read it."""

import polars as pl
import pytest

from ml.customers.contract import ACCURACY_SCHEMA, NEXT_PRODUCTS_SCHEMA
from ml.range.assortment import ASSORTMENT_SCHEMA
from ml.range.clusters import CLUSTERS_SCHEMA
from ml.range.hits import HITS_SCHEMA
from ml.range.regions import LEAD_SCHEMA, OPPORTUNITY_SCHEMA
from ml.watch.feedback import FEEDBACK_SCHEMA
from orchestration.publishing.columns import meaning

SCHEMAS = (
    NEXT_PRODUCTS_SCHEMA,
    ACCURACY_SCHEMA,
    CLUSTERS_SCHEMA,
    ASSORTMENT_SCHEMA,
    OPPORTUNITY_SCHEMA,
    LEAD_SCHEMA,
    HITS_SCHEMA,
    FEEDBACK_SCHEMA,
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: list(schema)[1])
def test_every_column_is_explained(schema: pl.Schema) -> None:
    assert [name for name in schema if meaning(name) is None] == []
