"""Makes the folders of `tests/` importable by the tests, `oracle` above all."""
