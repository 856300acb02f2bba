"""`python -m ferroshap.cli`."""

import sys

from . import main

sys.exit(main())
