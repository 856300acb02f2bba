"""Makes the folders of `tests/` importable by the tests, `oracle` above all."""

import signal

# A shell without job control starts what runs in the background with SIGINT ignored, and Python leaves it so: the tests that
# send it, in this process and in children of it, need it to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
