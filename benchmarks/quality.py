"""How much of what can be learnt does the default model learn?

For each seed a marketplace is simulated, and the real DAG runs on it up to the Trainer, twice: as
`simulator/offers.yaml` says (ESMM), and with the same network learning conversions from clicked
rows only, the classic way that ESMM was made against (Ma et al., 2018, section 2.2). The exported
models then score the eval split, the last fifth in time, and the simulator's truth judges:

- click: AUC against the clicks, over the AUC of the true probabilities on the same rows;
- conversion given a click, over *all* impressions, most of which were never clicked: AUC and log
  loss against the true probability.

    python benchmarks/quality.py [--impressions 500000] [--seeds 7 8 9]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rankbeam  # noqa: F401 - chooses the Keras version before TensorFlow is imported

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.dag import build_nodes, build_pipeline
from rankbeam.pipeline.embedded import embedded_config
from rankbeam.pipeline.runners.local import LocalRunner
from rankbeam.pipeline.runners.observer import NodeResult
from rankbeam.simulator import oracle
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import WrittenMarketplace, write
from rankbeam.trainer.specs import StructureSpec

_ID = "impression_id"
_BATCH_ROWS = 4_096
# The click task must not train the layers that it shares with the conversion task.
_NEXT_TO_NOTHING = 1e-12

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """A model's probabilities on the eval split, aligned with the log's ids."""

    ids: npt.NDArray[np.int64]
    click: Floats
    conversion: Floats


@dataclass(frozen=True)
class Row:
    """One seed's figures."""

    seed: int
    bayes_click_auc: float
    click_auc: float
    esmm: tuple[float, float]
    clicked_only: tuple[float, float]
    bayes: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Share of the Bayes-optimal click AUC that the model reaches."""
        return self.click_auc / self.bayes_click_auc


class _Listener:
    """Keeps the last outputs of every node."""

    def __init__(self) -> None:
        self.outputs: dict[str, Any] = {}

    def started(self, node: str) -> None:
        """Say which node runs."""
        sys.stderr.write(f"  {node}\n")

    def ended(self, result: NodeResult) -> None:
        """Keep what it made."""
        self.outputs[result.node] = result.outputs


def esmm_config() -> RankbeamConfig:
    """The default config, with the ids kept that join rows to their truth."""
    config = load_config(embedded_config()).config
    return config.model_copy(update={"data": config.data.model_copy(update={"keep": (_ID,)})})


def clicked_only_config(config: RankbeamConfig) -> RankbeamConfig:
    """The same network; conversions are learnt from clicked rows, and clicks teach it nothing."""
    click = config.tasks["click"].model_copy(update={"weight": _NEXT_TO_NOTHING})
    structure = StructureSpec(kind="independent")
    return config.model_copy(
        update={
            "tasks": {**config.tasks, "click": click},
            "model": config.model.model_copy(update={"structure": structure}),
        }
    )


def train(config: RankbeamConfig, market: WrittenMarketplace, folder: Path) -> Scores:
    """Run the DAG up to the Trainer and score the eval split with what it exported."""
    nodes = build_nodes(config, market.directory, str(folder / "pushed"))
    names = [node.id for node in nodes]
    listener = _Listener()
    pipeline = build_pipeline(
        config,
        nodes[: names.index("Trainer") + 1],
        str(folder / "artifacts"),
        str(folder / "metadata.sqlite"),
    )
    LocalRunner(listener).run(pipeline)
    examples = listener.outputs["ExampleGen"]["examples"][0].uri
    model = listener.outputs["Trainer"]["model"][0].uri
    return _score(f"{model}/Format-Serving", f"{examples}/Split-eval/*")


def _score(model: str, pattern: str) -> Scores:
    signature = tf.saved_model.load(model).signatures["serving_default"]
    parts = list(_scored_batches(signature, pattern))
    ids, click, conversion = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Scores(ids, click, conversion)


def _scored_batches(signature: Any, pattern: str) -> Iterator[tuple[Any, Any, Any]]:
    spec = {_ID: tf.io.FixedLenFeature([], tf.int64)}
    for file in sorted(tf.io.gfile.glob(pattern)):
        compression = "GZIP" if file.endswith(".gz") else ""
        for batch in tf.data.TFRecordDataset(file, compression).batch(_BATCH_ROWS):
            answer = signature(examples=batch)
            ids = tf.io.parse_example(batch, spec)[_ID].numpy()
            yield (
                ids,
                answer["click"].numpy().reshape(-1).astype(np.float64),
                answer["conversion"].numpy().reshape(-1).astype(np.float64),
            )


def measure(seed: int, impressions: int, folder: Path) -> Row:
    """All figures of one seed."""
    market = write(MarketplaceSpec(impressions=impressions, seed=seed), folder / "market")
    config = esmm_config()
    esmm = train(config, market, folder)
    clicked = train(clicked_only_config(config), market, folder)
    truth = oracle.align_truth(esmm.ids, market.read_truth())
    log = oracle.align_truth(esmm.ids, market.read_log().select([_ID, "click"]))
    clicks = log.column("click").to_numpy()
    p_click = truth.column("p_click").to_numpy()
    p_conversion = truth.column("p_conversion_given_click").to_numpy()

    def judged(scores: Floats) -> tuple[float, float]:
        return oracle.auc(p_conversion, scores), oracle.log_loss(p_conversion, scores)

    return Row(
        seed=seed,
        bayes_click_auc=oracle.auc(clicks, p_click),
        click_auc=oracle.auc(clicks, esmm.click),
        esmm=judged(esmm.conversion),
        clicked_only=judged(clicked.conversion),
        bayes=judged(p_conversion),
    )


def main() -> None:
    """Measure every seed and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--impressions", type=int, default=500_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    options = parser.parse_args()
    print("CVR: AUC / log loss over all impressions, against the true probability\n")
    print("| seed | click AUC | Bayes | ratio | ESMM's CVR | clicked rows only | Bayes |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="rankbeam-quality-") as folder:
            row = measure(seed, options.impressions, Path(folder))
        pairs = (f"{auc:.4f} / {loss:.4f}" for auc, loss in (row.esmm, row.clicked_only, row.bayes))
        print(
            f"| {seed} | {row.click_auc:.4f} | {row.bayes_click_auc:.4f} | {row.ratio:.4f} | "
            f"{' | '.join(pairs)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
