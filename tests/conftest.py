"""One BLAS thread, as the program itself has it: the matrices are small, and threads wait for each other."""

from __future__ import annotations

import os
import sys

assert "numpy" not in sys.modules, "too late to say so"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
