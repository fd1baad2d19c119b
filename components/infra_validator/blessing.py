"""The InfraBlessing artifact: verdict, report, and the model with its warm-up requests.

Layout and properties are those of TFX's own InfraValidator, so that its Pusher and this project's
read the same blessing: an empty file `INFRA_BLESSED` or `INFRA_NOT_BLESSED`, the model in
`stamped_model`, the properties `blessed` and `has_model`. Beside them: `infra_validation.json`, and
the properties `reason` and `current_model`, the URI of the model that was judged.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tfx.types import Artifact
from tfx.utils import io_utils, path_utils

from rankbeam.components.infra_validator.logic import Verdict
from rankbeam.components.infra_validator.rehearsal import Rehearsal

REPORT_FILE = "infra_validation.json"


def write_blessing(
    blessing: Artifact,
    model_uri: str,
    verdict: Verdict,
    rehearsal: Rehearsal | None,
    version: Path,
) -> None:
    """Fills the artifact; the model goes in where the verdict is good.

    Args:
        blessing: the output artifact.
        model_uri: of the Model artifact that was judged.
        verdict: the outcome.
        rehearsal: what was measured, None where the model could not be served at all.
        version: folder of the model with its warm-up requests.
    """
    report = json.dumps(_report(verdict, rehearsal), indent=2, sort_keys=True) + "\n"
    io_utils.write_string_file(os.path.join(blessing.uri, REPORT_FILE), report)
    if verdict.blessed:
        io_utils.copy_dir(str(version), path_utils.stamped_model_path(blessing.uri))
    # The mark comes last: an artifact that has one is whole.
    mark = "INFRA_BLESSED" if verdict.blessed else "INFRA_NOT_BLESSED"
    io_utils.write_string_file(os.path.join(blessing.uri, mark), "")
    blessing.set_int_custom_property("blessed", int(verdict.blessed))
    blessing.set_int_custom_property("has_model", int(verdict.blessed))
    blessing.set_string_custom_property("reason", verdict.reason)
    blessing.set_string_custom_property("current_model", model_uri)


def _report(verdict: Verdict, rehearsal: Rehearsal | None) -> Mapping[str, object]:
    report: dict[str, object] = {
        "blessed": verdict.blessed,
        "reason": verdict.reason,
        "max_abs_difference": dict(verdict.max_abs_difference),
    }
    if rehearsal is not None:
        report |= {
            "server": rehearsal.server,
            "num_examples": rehearsal.num_examples,
            "latency_of_one_example": {
                "in_process": asdict(rehearsal.in_process_latency),
                "served": asdict(rehearsal.served_latency),
            },
        }
    return report
