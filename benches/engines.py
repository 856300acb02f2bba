"""The peers: each trains its models, kept in build/bench/, and explains rows in its fastest way with one thread."""

import hashlib
import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import shap
import sklearn
import xgboost
from data import Data
from sklearn.ensemble import RandomForestRegressor

FOLDER = Path(__file__).parent.parent / "build" / "bench"
TRAINING_THREADS = 2  # of training alone; models do not depend on it


@dataclass(frozen=True)
class Peer:
    """A trained model seen from its own side.

    `model` is what ferroshap is given, `contributions()` what is timed: `(n, f + 1)`, the base value last, for the
    peer's rows; or interaction values, `(n, f, f)`. `raw` is the peer's own raw predictions `(n,)` of those rows. With
    `background` rows the values are interventional.
    """

    name: str
    model: Any
    contributions: Callable[[], np.ndarray]
    raw: np.ndarray
    interactions: bool = False
    background: np.ndarray | None = None


def xgboost_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    path = trained(train_xgboost, kind, data, f"xgboost-{xgboost.__version__}", ".ubj")
    booster = xgboost.Booster({"nthread": 1}, model_file=path)
    rows = xgboost.DMatrix(data.rows[:n], nthread=1)
    raw = booster.predict(rows, output_margin=True)
    return Peer(f"XGBoost {xgboost.__version__}", path, lambda: booster.predict(rows, pred_contribs=True), raw)


def xgboost_interactions_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    values = xgboost_peer(kind, data, n)
    booster = xgboost.Booster({"nthread": 1}, model_file=values.model)
    rows = xgboost.DMatrix(data.rows[:n], nthread=1)

    def contributions() -> np.ndarray:
        return booster.predict(rows, pred_interactions=True)[:, :-1, :-1]

    return Peer(f"{values.name}, interactions", values.model, contributions, values.raw, interactions=True)


def train_xgboost(kind: dict[str, int], data: Data, path: Path) -> None:
    settings = {"max_depth": kind["depth"], "eta": 0.1, "nthread": TRAINING_THREADS, "seed": 1}
    xgboost.train(settings, xgboost.DMatrix(data.X, data.y), num_boost_round=kind["trees"]).save_model(path)


def lightgbm_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    path = trained(train_lightgbm, kind, data, f"lightgbm-{lightgbm.__version__}", ".txt")
    booster = lightgbm.Booster(model_file=path)
    rows = data.rows[:n]
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    name = f"LightGBM {lightgbm.__version__}"
    return Peer(name, path, lambda: booster.predict(rows, pred_contrib=True, num_threads=1), raw)


def train_lightgbm(kind: dict[str, int], data: Data, path: Path) -> None:
    settings = {"num_leaves": kind["leaves"], "num_threads": TRAINING_THREADS, "seed": 1, "verbose": -1}
    settings |= {"deterministic": True, "force_row_wise": True}
    lightgbm.train(settings, lightgbm.Dataset(data.X, data.y), num_boost_round=kind["trees"]).save_model(path)


def shap_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    path = trained(train_forest, kind, data, f"forest-{sklearn.__version__}", ".pickle")
    forest = pickle.loads(path.read_bytes()).set_params(n_jobs=1)
    rows = data.rows[:n]
    explainer = shap.TreeExplainer(forest, feature_perturbation="tree_path_dependent")

    def contributions() -> np.ndarray:
        values = explainer.shap_values(rows, check_additivity=False)
        return np.column_stack([values, np.full(len(values), explainer.expected_value)])

    return Peer(f"shap {shap.__version__}", forest, contributions, forest.predict(rows))


def shap_interactions_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    values = shap_peer(kind, data, n)
    explainer = shap.TreeExplainer(values.model, feature_perturbation="tree_path_dependent")

    def contributions() -> np.ndarray:
        return explainer.shap_interaction_values(data.rows[:n])

    return Peer(f"{values.name}, interactions", values.model, contributions, values.raw, interactions=True)


def shap_interventional_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    values = xgboost_peer(kind, data, n)
    booster = xgboost.Booster({"nthread": 1}, model_file=values.model)
    background = data.X[: kind["background"]]
    explainer = shap.TreeExplainer(booster, background, feature_perturbation="interventional")

    def contributions() -> np.ndarray:
        found = explainer.shap_values(data.rows[:n], check_additivity=False)
        return np.column_stack([found, np.full(n, explainer.expected_value)])

    return Peer(
        f"shap {shap.__version__}, interventional", values.model, contributions, values.raw, background=background
    )


def woodelf_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    sides = woodelf_sides(kind, data, n)
    base = float(sides.booster.predict(xgboost.DMatrix(sides.background.to_numpy()), output_margin=True).mean())

    def contributions() -> np.ndarray:
        found = sides.explainer().shap_values(sides.rows, verbose=False)
        return np.column_stack([found, np.full(n, base)])

    return sides.peer("", contributions)


def woodelf_interactions_peer(kind: dict[str, int], data: Data, n: int) -> Peer:
    sides = woodelf_sides(kind, data, n)

    def contributions() -> np.ndarray:
        return sides.explainer().shap_interaction_values(sides.rows, verbose=False)

    return sides.peer(", interactions", contributions, interactions=True)


@dataclass(frozen=True)
class WoodelfSides:
    """What woodelf is given: a booster, and data frames of rows and background."""

    values: Peer
    booster: xgboost.Booster
    background: Any
    rows: Any

    def explainer(self) -> Any:
        from woodelf import WoodelfExplainer

        return WoodelfExplainer(self.booster, self.background)

    def peer(self, what: str, contributions: Callable[[], np.ndarray], *, interactions: bool = False) -> Peer:
        return Peer(
            f"woodelf {version('woodelf_explainer')}{what}",
            self.values.model,
            contributions,
            self.values.raw,
            interactions=interactions,
            background=self.background.to_numpy(),
        )


def woodelf_sides(kind: dict[str, int], data: Data, n: int) -> WoodelfSides:
    import pandas as pd

    values = xgboost_peer(kind, data, n)
    booster = xgboost.Booster({"nthread": 1}, model_file=values.model)
    background, rows = (pd.DataFrame(part) for part in (data.X[: kind["background"]], data.rows[:n]))
    for frame in (background, rows):
        frame.columns = [f"f{at}" for at in frame.columns]
    return WoodelfSides(values, booster, background, rows)


def train_forest(kind: dict[str, int], data: Data, path: Path) -> None:
    forest = RandomForestRegressor(
        kind["trees"], max_depth=kind["depth"], max_features=0.4, n_jobs=TRAINING_THREADS, random_state=1
    )
    path.write_bytes(pickle.dumps(forest.fit(data.X, data.y)))


ENGINES = {
    "xgboost": xgboost_peer,
    "lightgbm": lightgbm_peer,
    "shap": shap_peer,
    "xgboost-interactions": xgboost_interactions_peer,
    "shap-interactions": shap_interactions_peer,
    "shap-interventional": shap_interventional_peer,
    "woodelf": woodelf_peer,
    "woodelf-interactions": woodelf_interactions_peer,
}


def trained(
    train: Callable[[dict[str, int], Data, Path], None], kind: dict[str, int], data: Data, library: str, suffix: str
) -> Path:
    """The path of the model; trains it first unless it is kept from a run with the same trainer, size and data."""
    digest = hashlib.sha256((inspect.getsource(train) + repr(kind)).encode() + data.X.tobytes() + data.y.tobytes())
    path = FOLDER / f"{library}-{digest.hexdigest()[:16]}{suffix}"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"part-{path.name}")
        train(kind, data, part)
        part.rename(path)
    return path
