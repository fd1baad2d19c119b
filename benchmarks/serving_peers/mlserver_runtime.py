"""MLServer: a runtime for the SavedModel; Open Inference Protocol over gRPC with raw contents."""

import asyncio

from mlserver import MLModel
from mlserver.types import Datatype, InferenceRequest, InferenceResponse, ResponseOutput, TensorData

from benchmarks.serving_peers.scorer import Scorer


class Ranker(MLModel):
    """One BYTES tensor of serialized tf.Examples in, one FP32 tensor (B, outputs) out."""

    async def load(self) -> bool:
        """Loads the model."""
        self._scorer = Scorer(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Scores the examples, off the event loop."""
        examples = [bytes(example) for example in payload.inputs[0].data]
        scores = await asyncio.to_thread(self._scorer.scores, examples)
        output = ResponseOutput(
            name="scores",
            shape=list(scores.shape),
            datatype=Datatype.FP32,
            data=TensorData(root=scores.ravel().tolist()),
        )
        return InferenceResponse(model_name=self.name, outputs=[output])
