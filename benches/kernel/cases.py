"""Models, rows and backgrounds: trees on synthetic and real columns, whose exact values Tree SHAP knows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ferroshap
import numpy as np
import shap
import xgboost
from data import DATA, Data
from engines import train_xgboost, trained
from sklearn.datasets import load_breast_cancer, load_digits

from .readings import Counted, Floats, check

SEED = 20_260_101
ROWS = 20_000
TREES = {"trees": 100, "depth": 6}


@dataclass(frozen=True)
class Case:
    """A model of 100 trees of depth 6 and rows, float64 arrays of float32 numbers, that it was not trained on.

    booster
        XGBoost's own, with one thread; its callback is `callback`.
    """

    name: str
    booster: xgboost.Booster
    trees: ferroshap.TreeEnsemble
    rows: Floats
    background: Floats

    def predict(self, rows: Floats) -> Floats:
        """The float64 sum of the leaves: the game whose exact values `truth` has."""
        return self.trees.predict(rows, dtype="float64", threads=1)

    def callback(self) -> Counted:
        """XGBoost's own prediction by its fastest way, timed."""
        return Counted(self.booster.inplace_predict)

    def truth(self) -> Floats:
        """Exact interventional values of the rows, checked against shap's."""
        values = ferroshap.TreeExplainer(self.trees, self.background, threads=1).shap_values(self.rows)
        peer = shap.TreeExplainer(self.booster, shap.maskers.Independent(self.background, len(self.background)))
        gap = np.abs(values - peer.shap_values(self.rows, check_additivity=False)).max() / np.abs(values).max()
        check(gap, 1e-5, f"{self.name}: exact values apart from shap's")
        return values


def case(name: str, n: int, b: int) -> Case:
    """`n` rows against `b` background rows of these data."""
    data = data_of(name)
    path = trained(train_xgboost, TREES, data, f"xgboost-{xgboost.__version__}", ".ubj")
    return _case(name, path, data, n, b)


def classifier(name: str, n: int, b: int) -> Case:
    """The same of a model of probabilities."""
    data = data_of(name)
    path = trained(train_classifier, TREES, data, f"xgboost-{xgboost.__version__}", ".ubj")
    return _case(name, path, data, n, b)


def train_classifier(kind: dict[str, int], data: Data, path: Path) -> None:
    settings = {"max_depth": kind["depth"], "eta": 0.1, "objective": "binary:logistic", "nthread": 2, "seed": 1}
    answers = xgboost.DMatrix(data.X, data.y > np.median(data.y))
    xgboost.train(settings, answers, num_boost_round=kind["trees"]).save_model(path)


def _case(name: str, path: Path, data: Data, n: int, b: int) -> Case:
    booster = xgboost.Booster({"nthread": 1}, model_file=path)
    rows = data.rows.astype(np.float64)
    return Case(name, booster, ferroshap.load_model(path), rows[:n], rows[-b:])


@cache
def data_of(name: str) -> Data:
    """By name: `synthetic20` has 20 columns; others as in `DATA`, or scikit-learn's."""
    if name.startswith("synthetic"):
        return synthetic(int(name.removeprefix("synthetic")))
    if name == "discrete14":
        return DATA["discrete14"](ROWS)
    return OTHERS[name]()


def synthetic(columns: int) -> Data:
    """Normal columns; the answer bends with each, and crosses pairs and triples of them."""
    rng = np.random.default_rng([SEED, columns])
    X = rng.standard_normal((ROWS + 1000, columns), dtype=np.float32)
    y = np.sin(X) @ (rng.normal(size=columns) / np.sqrt(1 + np.arange(columns) / 10))
    for _ in range(columns // 2):
        one, two, three = rng.choice(columns, 3, replace=False)
        y += rng.normal() * X[:, one] * (X[:, two] > 0) + rng.normal() * (X[:, one] > 0) * X[:, two] * np.sign(
            X[:, three]
        )
    y += rng.normal(0, 0.2, len(X))
    return Data(X[:ROWS], y[:ROWS].astype(np.float32), X[ROWS:])


def skewed14() -> Data:
    """14 columns of 2 to 16 whole numbers, the k-th as frequent as k^-1.5, as categories of people are: most rows share most of
    their values. The answer is a table look-up in each column and in pairs.
    """
    rng = np.random.default_rng(SEED)
    sizes = (2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16)
    n = ROWS + 1000
    X = np.empty((n, len(sizes)), np.float32)
    y = rng.normal(0, 0.5, n)
    for at, size in enumerate(sizes):
        shares = np.arange(1.0, size + 1) ** -1.5
        X[:, at] = rng.choice(size, n, p=shares / shares.sum())
    whole = X.astype(np.intp)
    for at, size in enumerate(sizes):
        y += rng.normal(size=size)[whole[:, at]]
        y += rng.normal(size=(size, sizes[at - 1]))[whole[:, at], whole[:, at - 1]]
    return Data(X[:ROWS], y[:ROWS].astype(np.float32), X[ROWS:])


def of_scikit_learn(load: Callable[..., tuple[Floats, Floats]]) -> Data:
    """The rows of a data set, shuffled: the last 150 to explain, the others to train on."""
    X, y = load(return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(X))
    X, y = X[order].astype(np.float32), y[order].astype(np.float32)
    return Data(X[:-150], y[:-150], X[-150:])


OTHERS: dict[str, Callable[[], Data]] = {
    "skewed14": skewed14,
    "cancer30": lambda: of_scikit_learn(load_breast_cancer),
    "digits64": lambda: of_scikit_learn(load_digits),
}
