"""The paths that an answer can take, and what each is held against.

====================================  ==========================================  ============
path                                  held against                                must be
====================================  ==========================================  ============
transform_features in process         the training transform                      equal in bits
transform_features over gRPC          the training transform                      equal in bits
SIGNATURE in process, one by one      SIGNATURE in process, in batches            within limit
SIGNATURE over gRPC                   SIGNATURE in process, in batches            within limit
raw_tensors over gRPC                 SIGNATURE in process, in batches            within limit
SIGNATURE over REST                   SIGNATURE in process, in batches            within limit
====================================  ==========================================  ============

Scores are held to the limit where an example's numbers are within the range of the real ones, or
where both sides run the same kernels on the same batch; `rankbeam.components.parity.logic.within`
says why.

The raw tensors are made of the columns as training parses them; rows that they cannot say are sent
as missing, so that batches stay the same, and do not count.
"""

import numpy as np

from rankbeam.components.parity.local_side import RAW_TENSORS, TRANSFORM_FEATURES, Local
from rankbeam.components.parity.logic import Answers, Mask, PathAnswers
from rankbeam.components.parity.served_side import Served

_TRAINING = "the training transform"


def paths_of(local: Local, served: Served | None, signature: str) -> list[PathAnswers]:
    """Every path with its reference; the server's paths where it was asked."""
    every = np.ones(len(local.said), dtype=bool)
    batched = f"{signature} in process"
    # The embedded server runs this very TensorFlow.
    alike = every if served is not None and served.server == "embedded" else local.tame

    def features(path: str, found: Answers) -> PathAnswers:
        return PathAnswers(path, _TRAINING, local.training, found, every, local.tame, exact=True)

    def scores(path: str, found: Answers, asked: Mask) -> PathAnswers:
        return PathAnswers(path, batched, local.scores, found, asked, local.tame, exact=False)

    paths = [
        features(f"{TRANSFORM_FEATURES} in process", local.features),
        scores(f"{signature} in process, one by one", local.alone, local.tame),
    ]
    if served is not None:
        paths += [
            features(f"{TRANSFORM_FEATURES} over gRPC", served.features),
            scores(f"{signature} over gRPC", served.scores, alike),
            scores(f"{RAW_TENSORS} over gRPC", served.from_tensors, alike & local.said),
            scores(f"{signature} over REST", served.rest, alike),
        ]
    return paths
