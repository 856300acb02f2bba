"""The table that the models of this folder are trained on."""

import numpy as np
import pandas as pd

random = np.random.default_rng(31)
N = 240
X = random.normal(size=(N, 5))
HOLED = np.where(random.random(X.shape) < 0.12, np.nan, X)
Y = X[:, 0] + np.sin(2 * X[:, 1]) * X[:, 2] + 0.1 * random.normal(size=N)
TWO, THREE = (Y > 0).astype(int), np.digitize(Y, [-0.5, 0.5])
COUNTS = random.poisson(np.exp(np.clip(Y, -2, 2)))
SEVERAL = np.column_stack([Y, 3 - 2 * Y, Y**2])

CODES = np.column_stack([random.integers(0, 8, N), random.integers(0, 40, N)])
FRAME = pd.DataFrame(
    {
        "x": HOLED[:, 0],
        "colour": pd.Categorical.from_codes(CODES[:, 0], [f"colour {i}" for i in range(8)]),
        "w": X[:, 1],
        "shop": pd.Categorical(10 * CODES[:, 1]),
    }
)
EFFECT = np.array([0, 2, -1, 1, -2, 3, 0, 1])[CODES[:, 0]] + np.sin(CODES[:, 1]) + X[:, 0]
AS_CODES = np.column_stack([HOLED[:, 0], CODES[:, 0], X[:, 1], FRAME["shop"].cat.codes]).astype(float)
