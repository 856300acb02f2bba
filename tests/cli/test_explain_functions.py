"""`ferroshap explain --kernel module:function`: values of the library, and every failure of the user's code in one line."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ferroshap import KernelExplainer

CODE = """
import time
import numpy as np

def price(X):
    return X["a"].to_numpy() * X["b"].to_numpy() + 2.0 * (X["c"] == "u").to_numpy() + X["d"].to_numpy()

def two(X):
    return np.column_stack([price(X), -price(X)])

def twelve(X):
    return np.prod(np.asarray(X)[:, ::2] + 1.5, axis=1) + np.tanh(np.asarray(X) @ np.arange(12))

def chance(X):
    return 1 / (1 + np.exp(-price(X)))

def raises(X):
    raise RuntimeError("no such\\nprice")

def raises_for_mixtures(X):
    if len(X) > 50:
        raise RuntimeError("too many")
    return np.zeros(len(X)) + X["a"].to_numpy()

def short(X):
    return np.zeros(3)

def text(X):
    return np.array(["a"] * len(X))

def leaves(X):
    raise SystemExit(0)

def undefined(X):
    return np.where(X["d"] == 2, np.nan, price(X))

def huge(X):
    return price(X) * 1e300

def sleeps(X):
    open("called", "w").close()
    try:
        time.sleep(60)
    except BaseException:
        pass
    return np.zeros(len(X))

class Model:
    def predict(self, X):
        return price(X)

model = Model()
"""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    random = np.random.default_rng(5)
    n = 60
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "d": random.integers(0, 3, n),
            "a": random.normal(size=n),
            "b": random.normal(size=n),
            "c": pd.Categorical(random.choice(["u", "v", "w"], n)),
        }
    )


@pytest.fixture
def folder(table, tmp_path):
    """A working directory with the module, the rows, and ten background rows in another order of columns, with weights."""
    (tmp_path / "shop.py").write_text(CODE)
    (tmp_path / "fails.py").write_text("import os\nraise OSError('no licence')\n")
    (tmp_path / "lacks.py").write_text("import a_module_that_is_not_there\n")
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=7)
    table[["a", "b", "c", "d"]][:10].assign(weight=np.arange(10.0)).to_parquet(tmp_path / "few.parquet")
    return tmp_path


@pytest.fixture
def explain(ferroshap, folder):
    def run(function, *options, data="rows.parquet"):
        given = ["--background", "few.parquet", "--weights", "weight", "-o", "out/shap.parquet"]
        (folder / "out").mkdir(exist_ok=True)
        return ferroshap("explain", "--kernel", function, *given, *options, data, cwd=folder)

    return run


def written(folder):
    return pd.read_parquet(folder / "out" / "shap.parquet")


def the_explainer(folder, table, function, **options):
    code: dict = {}
    exec(CODE, code)
    few = pd.read_parquet(folder / "few.parquet")
    return KernelExplainer(code[function], few[["a", "b", "c", "d"]], weights=few["weight"].to_numpy(), **options)


def failing(done, folder, code, *said):
    assert done.returncode == code, done.stderr
    assert list((folder / "out").iterdir()) == []
    line = done.stderr.splitlines()[-1]
    for words in said:
        assert words in line


def test_values_are_those_of_the_library(explain, folder, table):
    done = explain("shop:price", "--keep", "id", "--dtype", "float64")
    assert done.returncode == 0, done.stderr
    result, explainer = written(folder), the_explainer(folder, table, "price")
    assert list(result.columns) == ["id", "shap_a", "shap_b", "shap_c", "shap_d", "base_value"]
    np.testing.assert_array_equal(result["id"], table["id"])
    np.testing.assert_array_equal(result.filter(like="shap_"), explainer.shap_values(table[["a", "b", "c", "d"]]))
    assert (result["base_value"] == explainer.expected_value).all()
    assert "60 rows × 4 features" in done.stderr
    assert "exact" in done.stderr


def test_values_have_the_same_bits_in_batches(explain, folder):
    whole = explain("shop:price", "--dtype", "float64")
    assert whole.returncode == 0, whole.stderr
    one = written(folder)
    done = explain("shop:price", "--dtype", "float64", "--max-memory", "40KiB", "--threads", 1, "--overwrite")
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(one, written(folder), check_exact=True)


def test_several_outputs_have_their_names(explain, folder):
    assert explain("shop:two", "--output-names", "up,down").returncode == 0
    names = list(written(folder).columns)
    assert names[:2] + names[4:5] + names[-2:] == [
        "shap_up__a",
        "shap_up__b",
        "shap_down__a",
        "base_value_up",
        "base_value_down",
    ]
    assert explain("shop:two", "--overwrite").returncode == 0
    np.testing.assert_array_equal(written(folder)["shap_0__a"], -written(folder)["shap_1__a"])


def test_a_method_and_a_link_are_explained(explain, folder, table):
    assert explain("shop:model.predict", "--dtype", "float64").returncode == 0
    want = the_explainer(folder, table, "price").shap_values(table[["a", "b", "c", "d"]])
    np.testing.assert_array_equal(written(folder).filter(like="shap_"), want)
    assert explain("shop:chance", "--link", "logit", "--dtype", "float64", "--overwrite").returncode == 0
    want = the_explainer(folder, table, "chance", link="logit").shap_values(table[["a", "b", "c", "d"]])
    np.testing.assert_array_equal(written(folder).filter(like="shap_"), want)


@pytest.fixture
def wide(folder):
    """Twelve columns of numbers: too many coalitions for a small budget."""
    rows = pd.DataFrame(np.random.default_rng(2).normal(size=(20, 12))).rename(columns=lambda at: f"x{at}")
    rows.to_parquet(folder / "wide.parquet")
    return rows


def test_standard_errors_are_columns_and_fall_with_the_budget(ferroshap, folder, wide):
    largest = []
    for options in (["--nsamples", 100], ["--max-evals", 20 * 1600]):
        given = ["--background", "wide.parquet", "--rows-as", "numpy", "--seed", 3, "--standard-errors"]
        done = ferroshap(
            "explain", "--kernel", "shop:twelve", *given, *options, "wide.parquet", "-o", "w", "--overwrite", cwd=folder
        )
        assert done.returncode == 0, done.stderr
        result = pd.read_parquet(folder / "w")
        errors = result.filter(like="standard_error_").to_numpy()
        assert errors.shape == (20, 12)
        stored = {key.decode(): value.decode() for key, value in pq.read_metadata(folder / "w").metadata.items()}
        assert np.float32(stored["ferroshap.largest_standard_error"]) == errors.max()
        assert stored["ferroshap.exact_rows"] == "0"
        largest.append(errors.max())
    assert largest[0] > 2 * largest[1] > 0


def test_rows_that_do_not_reach_the_tolerance_are_told(ferroshap, folder, wide):
    given = ["--background", "wide.parquet", "--rows-as", "numpy", "--nsamples", 50, "--tol", 1e-4]
    done = ferroshap("explain", "--kernel", "shop:twelve", *given, "wide.parquet", "-o", "w", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "did not reach tol=0.0001" in done.stderr
    assert pq.read_metadata(folder / "w").metadata[b"ferroshap.converged_rows"] == b"0"


def test_the_file_says_where_the_values_come_from(explain, folder):
    assert explain("shop:price", "--features", "d,c,b,a", "--seed", 4).returncode == 0
    metadata = pq.read_metadata(folder / "out" / "shap.parquet").metadata
    stored = {key.decode(): value.decode() for key, value in metadata.items()}
    assert stored["ferroshap.function"] == "shop:price"
    assert stored["ferroshap.algorithm"] == "kernel"
    assert stored["ferroshap.output_space"] == "model output"
    assert json.loads(stored["ferroshap.feature_names"]) == ["d", "c", "b", "a"]
    assert stored["ferroshap.exact_rows"] == "60"
    assert int(stored["ferroshap.evaluations"]) > 0
    assert stored["ferroshap.background_rows"] == "10"
    assert stored["ferroshap.background_sha256"] == hashlib.sha256((folder / "few.parquet").read_bytes()).hexdigest()
    options = json.loads(stored["ferroshap.options"])
    assert (options["kernel"], options["seed"], options["weights"]) == ("shop:price", 4, "weight")


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "numpy"])
def test_the_function_gets_rows_of_the_kind_that_is_named(ferroshap, folder, table, kind):
    (folder / "kinds.py").write_text(
        "import numpy as np\n"
        "def kind(X):\n"
        f"    assert type(X).__module__.partition('.')[0] == {kind!r}, type(X)\n"
        "    return np.ones(len(X))\n"
    )
    table[["a", "b", "d"]].to_parquet(folder / "numbers.parquet")
    given = ["--background", "numbers.parquet", "--rows-as", kind, "numbers.parquet", "-o", "o"]
    done = ferroshap("explain", "--kernel", "kinds:kind", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (pd.read_parquet(folder / "o").filter(like="shap_") == 0).all(axis=None)


def test_the_index_of_a_frame_is_no_feature(ferroshap, folder, table):
    table.assign(id=table["id"] ** 2).set_index("id").to_parquet(
        folder / "indexed.parquet"
    )  # no range, which takes no column
    given = ["--background", "indexed.parquet", "indexed.parquet", "-o", "o", "--keep", "id"]
    done = ferroshap("explain", "--kernel", "shop:price", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    schema = pq.read_schema(folder / "o")
    assert schema.names == ["id", "shap_d", "shap_a", "shap_b", "shap_c", "base_value"]


def test_no_rows_give_an_empty_file(explain, folder, table):
    table[:0].to_parquet(folder / "none.parquet")
    done = explain("shop:price", data="none.parquet")
    assert done.returncode == 0, done.stderr
    assert written(folder).shape == (0, 5)


@pytest.mark.parametrize(
    ("function", "code", "said"),
    [
        ("shop", 2, "expected a module and its function, such as shop:predict"),
        ("shop.py:price", 2, "such as shop:price"),
        ("nowhere:price", 3, "there is no module 'nowhere'"),
        ("shop.deep:price", 3, "'shop.deep'"),
        ("shop:prise", 3, "'shop' has no 'prise' for --kernel; did you mean 'price'?"),
        ("shop:model", 3, "of type Model; expected a function of rows; did you mean shop:model.predict?"),
        ("fails:x", 3, "importing 'fails' for --kernel raised OSError: no licence"),
        ("lacks:x", 3, "importing 'lacks' for --kernel raised ModuleNotFoundError: No module named 'a_module"),
        ("shop:raises", 3, "shop:raises raised RuntimeError: no such · price"),
        ("shop:raises_for_mixtures", 3, "shop:raises_for_mixtures raised RuntimeError: too many"),
        ("shop:leaves", 3, "shop:leaves raised SystemExit"),
        ("shop:short", 3, "shop:short was given 9 rows and returned the shape (3,)"),
        ("shop:text", 3, "shop:text returned values of the dtype <U1"),
        ("shop:undefined", 3, "or pass nan_policy='propagate' (--nan-policy propagate)"),
        ("shop:huge", 2, "beyond the range of float32"),
    ],
)
def test_every_failure_of_the_function_is_told_in_a_line(explain, folder, function, code, said):
    failing(explain(function), folder, code, said)


def test_where_the_function_raised_is_shown_without_what_called_it(explain):
    said = explain("shop:raises").stderr
    assert 'shop.py", line' in said
    assert "ferroshap/" not in said


def test_answers_that_are_not_finite_may_be_nan(explain, folder, table):
    done = explain("shop:undefined", "--nan-policy", "propagate")
    assert done.returncode == 0, done.stderr
    assert written(folder)["shap_a"].isna().all()  # the background has such rows too


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--approximate"], 2, "--approximate is for model files, not for --kernel"),
        (["--model-output", "raw"], 2, "--model-output is for model files"),
        (["--missing", "1"], 2, "--missing is for model files"),
        (["--nsamples", "10", "--max-evals", "10"], 2, "pass one of them"),
        (["--nsamples", "1"], 2, "at least 2"),
        (["--tol", "3"], 2, "between 0 and 1"),
        (["--features", "a,b,e"], 4, "background few.parquet"),
        (["--features", "a,a"], 4, "'a' twice"),
        (["--weights", "note"], 4, "no column 'note' for the weights"),
        (["--weights", "c"], 4, "weights are numbers"),
        (["--output-names", "up,down"], 2, "output_names has 2 names"),
        (["--keep", "shap_a"], 4, "no column 'shap_a' to keep"),
        (["--rows-as", "numpy"], 4, "the column 'c' has dtype"),
        (["--background", "none.parquet"], 4, "none.parquet cannot be read"),
        (["--max-memory", "10"], 2, "--max-memory"),
    ],
)
def test_every_wrong_option_is_told_in_a_line(explain, folder, options, code, said):
    failing(explain("shop:price", *options), folder, code, said)


def test_a_row_file_without_a_column_is_refused(explain, folder, table):
    table.drop(columns="b").to_parquet(folder / "short.parquet")
    failing(explain("shop:price", data="short.parquet"), folder, 4, "that are missing", "- b")


def test_an_empty_background_is_refused(ferroshap, folder, table):
    table[:0].to_parquet(folder / "none.parquet")
    done = ferroshap(
        "explain", "--kernel", "shop:price", "--background", "none.parquet", "rows.parquet", "-o", "o", cwd=folder
    )
    assert done.returncode == 4, done.stderr
    assert "the background none.parquet" in done.stderr


def test_a_function_needs_a_background_and_no_model_file(ferroshap, explain, folder):
    done = ferroshap("explain", "--kernel", "shop:price", "rows.parquet", "-o", "o", cwd=folder)
    assert done.returncode == 2
    assert "name a Parquet file of them with --background" in done.stderr
    done = explain("shop:price", "rows.parquet")
    assert done.returncode == 2
    assert "with --kernel there is no model file" in done.stderr


def test_options_of_functions_are_not_for_model_files(ferroshap, model, data, out):
    for option in (["--nsamples", 10], ["--standard-errors"], ["--link", "identity"]):
        done = ferroshap("explain", model, data, "-o", out, *option)
        assert done.returncode == 2
        assert f"{option[0]} is for --kernel MODULE:FUNCTION" in done.stderr


def test_the_output_is_none_of_the_inputs(ferroshap, folder):
    before = (folder / "few.parquet").read_bytes()
    given = ["--background", "few.parquet", "rows.parquet", "-o", "few.parquet", "--overwrite"]
    assert ferroshap("explain", "--kernel", "shop:price", *given, cwd=folder).returncode == 2
    assert (folder / "few.parquet").read_bytes() == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_though_the_function_catches_everything(folder, number, code):
    given = ["--background", "few.parquet", "--weights", "weight", "rows.parquet", "-o", "out/shap.parquet"]
    (folder / "out").mkdir()
    command = [sys.executable, "-m", "ferroshap.cli", "explain", "--kernel", "shop:sleeps", *given]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder)
    while not (folder / "called").exists():
        time.sleep(0.01)
        assert running.poll() is None
    time.sleep(0.3)
    running.send_signal(number)
    sent = time.monotonic()
    said = running.communicate(timeout=20)[1]
    assert (running.returncode, "Traceback" in said) == (code, False), said
    assert time.monotonic() - sent < 5
    assert list((folder / "out").iterdir()) == []


def test_progress_counts_rows_over_all_batches(folder, table, monkeypatch):
    from ferroshap.cli import app, kernel

    counts = [0]

    def remember(total):
        from contextlib import nullcontext

        return nullcontext(lambda rows: counts.append(counts[-1] + rows))

    monkeypatch.setattr(kernel, "progress", remember)
    monkeypatch.chdir(folder)
    path = list(sys.path)
    given = ["--background", "few.parquet", "--weights", "weight", "rows.parquet", "-o", "o", "--max-memory", "60KiB"]
    assert app.run(["explain", "--kernel", "shop:price", *given]) == 0
    assert counts[-1] == len(table)
    assert all(one <= other for one, other in pairwise(counts))
    assert sys.path == path
    sys.modules.pop("shop")
