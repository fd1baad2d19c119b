"""The model to compare with: the latest blessed one that is not the candidate itself."""

from collections.abc import Iterable, Mapping
from typing import Any

from tfx.components.evaluator import constants
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio
from tfx.utils import path_utils

CANDIDATE = "candidate"
MODEL = "model"
BLESSING = "model_blessing"


class LatestBlessedOtherModel(ResolverStrategy):
    """Resolves the baseline of an Evaluator.

    The stock strategy answers with the candidate itself as soon as the candidate is blessed, so
    that a second run of an unchanged pipeline would evaluate again, a model against itself. This
    one leaves the candidate out: the baseline then depends on the models blessed *before*, the
    same in both runs, and the Evaluator stays cached.

    Use::

        Resolver(
            strategy_class=LatestBlessedOtherModel,
            candidate=trainer.outputs["model"],
            model=Channel(type=Model),
            model_blessing=Channel(type=ModelBlessing),
        ).outputs["model"]
    """

    def resolve_artifacts(
        self,
        store: object,
        input_dict: Mapping[str, list[Any]],
    ) -> dict[str, list[Any]]:
        """Each channel's answer; no model and no blessing where there is no baseline.

        "Latest" is by blessing, not by training: a model trained long ago and blessed again
        yesterday is what yesterday's run pushed. A model whose files are gone is skipped.

        Args:
            store: Not needed.
            input_dict: The artifacts of the channels candidate, model and model_blessing.
        """
        candidates = input_dict.get(CANDIDATE, [])
        excluded = {model.id for model in candidates}
        models = {model.id: model for model in input_dict.get(MODEL, [])}
        for blessing in _latest_first(input_dict.get(BLESSING, [])):
            model_id = blessing.get_int_custom_property(
                constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
            )
            model = models.get(model_id)
            if model is not None and model_id not in excluded and _has_files(model):
                return {CANDIDATE: candidates, MODEL: [model], BLESSING: [blessing]}
        return {CANDIDATE: candidates, MODEL: [], BLESSING: []}


def _latest_first(blessings: Iterable[Any]) -> list[Any]:
    blessed = [
        blessing
        for blessing in blessings
        if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
        == constants.BLESSED_VALUE
    ]
    return sorted(blessed, key=lambda blessing: blessing.id, reverse=True)


def _has_files(model: Any) -> bool:
    return bool(fileio.exists(path_utils.serving_model_dir(model.uri)))
