"""One line per node on what it found or made, read from its output artifacts."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from rankbeam.components.baseline.note import read_note
from rankbeam.components.data_gate.report import read_report
from rankbeam.components.evaluator.report import read_evaluation
from rankbeam.components.example_gen.counts import counts_from_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.components.infra_validator.blessing import REPORT_FILE
from rankbeam.components.parity.certificate import read_certificate
from rankbeam.pipeline.runners.observer import Artifacts, NodeResult
from rankbeam.trainer.run_fn import HISTORY_FILE
from rankbeam.transform.layout import read_vocabularies


def meaning_of(result: NodeResult) -> str:
    """What `result` means to a reader; empty for nodes that need no words."""
    describe = _DESCRIBERS.get(result.node)
    return describe(result.outputs) if describe is not None else ""


def pushed_version(result: NodeResult) -> int | None:
    """The version that the Pusher left at the destination; None for any other node."""
    if result.node != "Pusher" or not result.outputs:
        return None
    return int(result.outputs["pushed_model"][0].get_string_custom_property("pushed_version"))


def _uri(outputs: Artifacts, name: str) -> str:
    return str(outputs[name][0].uri)


def _examples(outputs: Artifacts) -> str:
    [examples] = outputs["examples"]
    counts = counts_from_json(examples.get_string_custom_property(COUNTS_PROPERTY))
    total = sum(split.rows for split in counts.values())
    parts = ", ".join(f"{split.rows:,} {name}" for name, split in counts.items())
    return f"{total:,} rows ({parts})"


def _statistics(outputs: Artifacts) -> str:
    splits = json.loads(outputs["statistics"][0].split_names)
    return f"statistics of {' and '.join(splits)}"


def _schema(outputs: Artifacts) -> str:
    text = next(Path(_uri(outputs, "schema")).glob("*.pbtxt")).read_text(encoding="utf-8")
    columns = sum(line.startswith("feature {") for line in text.splitlines())
    return f"{columns} columns"


def _gate(outputs: Artifacts) -> str:
    report = read_report(_uri(outputs, "verdict"))
    rates = [
        f"{label} {positives / split.rows:.2%}"
        for name, split in report.splits.items()
        if name == "train"
        for label, positives in split.positives.items()
    ]
    findings = f"{len(report.allowed)} findings allowed" if report.allowed else "no anomalies"
    return f"passed, {findings}; train rates: {', '.join(rates)}"


def _transform(outputs: Artifacts) -> str:
    vocabularies = read_vocabularies(_uri(outputs, "transform_graph"))
    values = sum(len(vocabulary) for vocabulary in vocabularies.values())
    return f"{len(vocabularies)} vocabularies with {values:,} values"


def _trainer(outputs: Artifacts) -> str:
    path = Path(_uri(outputs, "model_run")) / HISTORY_FILE
    history = json.loads(path.read_text(encoding="utf-8"))
    kept = history["epochs"][history["kept_epoch"] - 1]
    return (
        f"{history['parameters']:,} weights, epoch {kept['epoch']} of {len(history['epochs'])} "
        f"kept, eval loss {kept['eval_loss']:.4f}"
    )


def _baseline(outputs: Artifacts) -> str:
    record = read_note(_uri(outputs, "baseline"))
    if record is None:
        return "no blessed model to compare with"
    return f"compare with version {record.version}"


def _evaluator(outputs: Artifacts) -> str:
    evaluation = read_evaluation(_uri(outputs, "evaluation"), _uri(outputs, "blessing"))
    parts = [
        f"{output.name} AUC {output.overall.metrics['auc']:.4f}"
        for output in evaluation.outputs
        if output.overall is not None and "auc" in output.overall.metrics
    ]
    verdict = "BLESSED" if evaluation.blessed else "NOT BLESSED"
    return f"{', '.join(parts)}; {verdict}"


def _infra(outputs: Artifacts) -> str:
    report = json.loads((Path(_uri(outputs, "blessing")) / REPORT_FILE).read_text(encoding="utf-8"))
    if not report["blessed"]:
        return f"NOT BLESSED: {report['reason']}"
    worst = max(report["max_abs_difference"].values())
    served = report["latency_of_one_example"]["served"]
    return (
        f"{report['server']} server, {report['num_examples']} examples equal within {worst:.1e}, "
        f"p50 {served['p50_ms']:.1f} ms; BLESSED"
    )


def _parity(outputs: Artifacts) -> str:
    certificate = read_certificate(_uri(outputs, "certificate"))
    if not certificate.passed:
        return f"NOT CERTIFIED: {certificate.reason}"
    kinds = sum(count > 0 for count in certificate.kinds.values())
    worst = max(path.largest for path in certificate.paths)
    return (
        f"{certificate.examples:,} examples of {kinds} kinds, {len(certificate.paths)} paths equal "
        f"within {worst:.1e}; CERTIFIED"
    )


def _pusher(outputs: Artifacts) -> str:
    [pushed] = outputs["pushed_model"]
    version = pushed.get_string_custom_property("pushed_version")
    new = "new" if pushed.get_int_custom_property("is_new") else "there already"
    return f"version {version}, {new}"


_DESCRIBERS: Mapping[str, Callable[[Artifacts], str]] = {
    "ExampleGen": _examples,
    "StatisticsGen": _statistics,
    "SchemaGen": _schema,
    "ImportSchemaGen": _schema,
    "SchemaContract": _schema,
    "DataGate": _gate,
    "Transform": _transform,
    "Trainer": _trainer,
    "Baseline": _baseline,
    "Evaluator": _evaluator,
    "InfraValidator": _infra,
    "ParityCheck": _parity,
    "Pusher": _pusher,
}
