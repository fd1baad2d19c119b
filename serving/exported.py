"""What an exported model says about itself, in `assets.extra/rankbeam.json` beside the SavedModel.

The trainer writes the file; TensorFlow Serving ignores it.
"""

import json
from pathlib import Path

EXPORTED_PATH = Path("assets.extra") / "rankbeam.json"


def transform_hash(version_path: Path) -> str:
    """The hash of the transform inside a version's graph; "" where the model does not say."""
    try:
        found = json.loads((version_path / EXPORTED_PATH).read_text())["transform_digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
