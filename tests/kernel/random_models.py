"""Random tree ensembles as canonical arrays, with rows that fall on their thresholds and into their categories.

Not what a library would train: every flag, any covers, any shape that the agreement on the arrays allows.
"""

import numpy as np
from ferroshap import _native
from ferroshap.adapters.arrays import EnsembleArrays

FLAGS = 16  # all combinations of the four
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-45, 1e-40, -1e-40, 1e-35, -1e-35, 2e-35, 1e39, -1e39)
CODES = (-1.0, -0.5, -1e-30, 0.5, 31.0, 31.999, 32.0, 63.0, 64.0, 255.0, 2.0**31, 2.0**32, 2.0**32 + 1, 2.0**64, 1e300)


class Grower:
    """The nodes of one tree; `build` gives them as `ensemble` takes them."""

    def __init__(self, width):
        self.width, self.nodes, self.sets = width, [], []

    def leaf(self, value, cover):
        self.nodes.append({"value": np.broadcast_to(value, self.width), "cover": cover})
        return len(self.nodes) - 1

    def split(self, feature, threshold, cover, *, flags=0, words=None):
        """A node whose children are to be `attach`ed."""
        node = {"feature": feature, "threshold": threshold, "cover": cover, "flags": flags}
        if words is not None:
            node["set"] = len(self.sets)
            self.sets.append(np.asarray(words, np.uint32))
        self.nodes.append(node)
        return len(self.nodes) - 1

    def attach(self, node, left, right):
        self.nodes[node].update(left=left, right=right)


def ensemble(trees, *, n_features, outputs=None, n_outputs=1, **other):
    """`EnsembleArrays` of `Grower`s; `outputs`: the output of each tree, default 0, or -1 where leaves are vectors."""
    width = trees[0].width if trees else 1
    nodes = [node for tree in trees for node in tree.nodes]
    sets = [words for tree in trees for words in tree.sets]
    first_set = np.cumsum([0, *(len(tree.sets) for tree in trees)])

    def column(name, default, dtype):
        return np.array([node.get(name, default) for node in nodes], dtype)

    category_set = [
        node["set"] + first_set[t] if "set" in node else -1 for t, tree in enumerate(trees) for node in tree.nodes
    ]
    fields = {
        "tree_starts": np.cumsum([0, *(len(tree.nodes) for tree in trees)]).astype(np.int64),
        "tree_outputs": np.asarray(
            outputs if outputs is not None else [0 if width == 1 else -1] * len(trees), np.int32
        ),
        "left": column("left", -1, np.int32),
        "right": column("right", -1, np.int32),
        "feature": column("feature", 0, np.int32),
        "threshold": column("threshold", 0.0, np.float64),
        "flags": column("flags", 0, np.uint8),
        "category_set": np.array(category_set, np.int32),
        "set_starts": np.cumsum([0, *map(len, sets)]).astype(np.int64),
        "set_words": np.concatenate([np.zeros(0, np.uint32), *sets]),
        "values": np.array([node.get("value", np.zeros(width)) for node in nodes], np.float64).reshape(-1, width),
        "cover": column("cover", 1.0, np.float64),
        "base": np.zeros(n_outputs),
        "accumulation": "f64-from-base",
        "divisor": 1,
        "round_to_float32": False,
        "flush_tiny": False,
        "truncate_category_first": False,
    }
    return EnsembleArrays(n_features=n_features, n_outputs=n_outputs, **{**fields, **other})


def random_ensemble(
    seed, *, n_trees=6, depth=5, n_features=5, categorical=(), n_outputs=1, vector=False, shape="random", zero_covers=0.0,
    flags=FLAGS, **other,
):  # fmt: skip
    """A random ensemble; `shape` is "random", "full", "chain", "leaf" or "stump"; columns in `categorical` hold codes."""
    random = np.random.default_rng(seed)
    width = n_outputs if vector else 1
    trees = []
    for index in range(n_trees):
        tree = Grower(width)
        of_tree = shape if shape != "random" or index else "leaf"  # a constant tree in every random ensemble
        depth_of_tree = {"leaf": 0, "stump": 1}.get(of_tree, depth)
        _grow(tree, random, depth_of_tree, n_features, categorical, of_tree, zero_covers, flags)
        trees.append(tree)
    outputs = [-1] * n_trees if vector else random.permutation(np.arange(n_trees) % n_outputs)
    base = random.normal(size=n_outputs).astype(np.float32).astype(float)
    return ensemble(trees, n_features=n_features, n_outputs=n_outputs, outputs=outputs, base=base, **other)


def _grow(tree, random, depth, n_features, categorical, shape, zero_covers, flags):
    cover = 0.0 if random.random() < zero_covers else float(random.integers(1, 100))
    stop = shape == "random" and random.random() < 0.25
    if depth == 0 or (stop and tree.nodes):
        return tree.leaf(random.normal(size=tree.width).astype(np.float32), cover)
    feature = int(random.integers(n_features))
    words = random.integers(2**32, size=random.integers(1, 4), dtype=np.uint32) if feature in categorical else None
    node = tree.split(feature, _threshold(random), cover, flags=int(random.integers(flags)), words=words)
    ends = random.integers(2) if shape == "chain" else -1
    children = [
        _grow(tree, random, 0 if side == ends else depth - 1, n_features, categorical, shape, zero_covers, flags)
        for side in range(2)
    ]
    tree.attach(node, *children)
    return node


def _threshold(random):
    if random.random() < 0.1:
        return random.choice(SPECIAL)
    x = random.choice([-1.5, -0.5, 0.1, 0.3, 1.0, 2.5]) if random.random() < 0.7 else random.normal()
    return float(np.float32(x)) if random.random() < 0.5 else x


def rows_for(a, n, seed, dtype=np.float64):
    """(n, f): ordinary numbers, thresholds of the column and their neighbours in both precisions, codes, and `SPECIAL`."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, a.n_features))
    inner = a.left >= 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for g in range(a.n_features):
            mine = inner & (a.feature == g)
            pool = [*SPECIAL, *neighbours(a.threshold[mine & (a.category_set < 0)])]
            if (mine & (a.category_set >= 0)).any():
                pool += [*CODES, *range(0, 100, 3)]
            odd = random.random(n) < 0.5
            x[odd, g] = random.choice(np.array(pool), odd.sum())
        return x.astype(dtype)


def neighbours(thresholds):
    """The numbers themselves and the next ones on both sides, in float32 and in float64."""
    t = np.asarray(thresholds, np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        single = t.astype(np.float32)
        sides = (np.float32(-np.inf), np.float32(np.inf))
        near = [t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf), single, *(np.nextafter(single, s) for s in sides)]
    return np.concatenate([n.astype(np.float64) for n in near])


def core(a):
    """The validated model."""
    return _native.Ensemble(**vars(a))


def explain(plan, a, rows, *, dtype=np.float64, **options):
    """(n, f, o): the values of a plan of `a`."""
    out = np.full((len(rows), a.n_features, a.n_outputs), np.nan, dtype)
    plan.run(rows, out, **options)
    return out
