"""How fast is a pushed model served, against the bare SavedModel and against other servers?

All sides answer the same requests of real eval rows, in one run and in turn; the load is a process
of its own, and a sample of every side's answers is held against the scores in process. What each
side is and how to read the figures: README.md. Run: `python benchmarks/serving.py`.
"""

import sys
from pathlib import Path

# A script finds its own folder first, where `transform.py` and others have common names.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.serving_load.run import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__))
