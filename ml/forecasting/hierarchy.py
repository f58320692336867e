"""The levels that series are summed to, and the cells in which all levels meet.

What belongs here: which level nests in which. What does not: forecasts of levels (models/dynamic_regression.py,
models/day_effects.py), drawing the series towards them (reconciliation.py), the published table (hierarchy_table.py).
"""

from dataclasses import dataclass

import numpy as np

PARENTS = {  # level -> the level above, whose effects of the calendar it is drawn to
    "total": "total",
    "region": "total",
    "location": "region",
    "department": "total",
    "region_department": "department",
    "location_department": "region_department",
}
CELLS = ("location_department", "region_department", "department", "total")  # the finest with few enough groups serves
MAX_CELLS = 1000


@dataclass(frozen=True)
class Hierarchy:
    """The cells that series are summed to, and the levels over them.

    cell_of: cell of each series. levels: for each level, coarse first, the group of each cell.
    """

    cell_of: np.ndarray
    levels: dict[str, np.ndarray]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.levels["total"])


def hierarchy_of(codes: dict[str, np.ndarray]) -> Hierarchy:
    """The finest cells of at most MAX_CELLS groups, and every level that they nest in."""
    cell = next(name for name in CELLS if int(codes[name].max(initial=0)) < MAX_CELLS)
    cell_of = codes[cell]
    _, member = np.unique(cell_of, return_index=True)
    levels = {}
    for name in PARENTS:
        of_cell = codes[name][member]
        if name == cell or np.array_equal(of_cell[cell_of], codes[name]):
            levels[name] = of_cell
    return Hierarchy(cell_of, levels)
