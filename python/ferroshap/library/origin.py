"""Where a `TreeEnsemble` was read from, and the way back to the model of its library."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferroshap.errors import OptionError


@dataclass(frozen=True)
class Origin:
    """A model of a training library, and how it was read.

    source
        The live model, the absolute path of a model file, or the bytes of one: a reference, no copy.
    family
        `"XGBoost"`, `"LightGBM"`, `"CatBoost"` or `"scikit-learn"`.
    iteration_range, missing, without_init
        As `load_model` was given them.
    """

    source: Any
    family: str
    iteration_range: Any = None
    missing: float | None = None
    without_init: bool = False

    @classmethod
    def of(cls, source: Any, family: str, **options: Any) -> "Origin | None":
        """The origin of a model read from `source`; None for bytes that are no file of the library, or may still change."""
        if isinstance(source, str | os.PathLike):
            return cls(Path(source).absolute(), family, **options)
        if isinstance(source, bytearray | memoryview) or (isinstance(source, bytes) and not _reads(family, source)):
            return None
        return cls(source, family, **options)

    def model(self) -> Any:
        """The live model, loaded by its library where there is only a file.

        Raises `OptionError` if the file is none of the library's own, is gone, or the library is not installed.
        """
        if self.without_init:
            raise OptionError(
                "no comparison with the library itself: the model was read with without_init=True, and scikit-learn has no "
                "prediction without the init estimator; check_additivity=True compares with ferroshap's own prediction"
            )
        if not isinstance(self.source, Path | bytes):
            return self.source
        try:
            data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        except OSError as error:
            raise OptionError(f"no comparison with the library itself: the model file is gone: {error}") from error
        if not _reads(self.family, data):
            raise not_at_hand(self.family)
        try:
            return LOADERS[self.family](data)
        except ImportError as error:
            raise OptionError(
                f"no comparison with the library itself: {self.family} has to be installed to load the model: pip install "
                f"{self.family.lower()}"
            ) from error
        except Exception as error:
            raise OptionError(
                f"no comparison with the library itself: the {self.family} that is installed cannot load the model: "
                f"{str(error)[:300] or type(error).__name__}"
            ) from error


def not_at_hand(what: str) -> OptionError:
    """The error where there is no model of the library to ask."""
    return OptionError(
        f"no comparison with the library itself: its own model is not at hand ({what}). It is for live models and for the model "
        "files of XGBoost, LightGBM and CatBoost; copies and pickles of an explainer, saved files and skops files have none. "
        "Pass the live model; or check_additivity=True, which compares with ferroshap's own prediction"
    )


def _reads(family: str, data: bytes) -> bool:
    """Whether the library itself reads the bytes, as against a saved file, a skops file or a pickle."""
    return family in LOADERS and data[:64].lstrip()[:1] in {b"{", b"t"}


def _xgboost(data: bytes) -> Any:
    import xgboost

    if b"Config" in data[:64]:  # a memory snapshot
        booster = xgboost.Booster()
        booster.__setstate__({"handle": bytearray(data)})
        return booster
    return xgboost.Booster(model_file=bytearray(data))


def _lightgbm(data: bytes) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=data.decode())


def _catboost(data: bytes) -> Any:
    import catboost

    with tempfile.TemporaryDirectory() as folder:  # CatBoost reads JSON from files only
        path = Path(folder) / "model.json"
        path.write_bytes(data)
        return catboost.CatBoost().load_model(str(path), format="json")


LOADERS: dict[str, Callable[[bytes], Any]] = {"XGBoost": _xgboost, "LightGBM": _lightgbm, "CatBoost": _catboost}
