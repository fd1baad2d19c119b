"""A model's digest: what a check or a push adds does not count."""

from pathlib import Path

from rankbeam.components.serving_checks.model_digest import model_digest
from rankbeam.serving.content import content_digest


def test_model_digest_leaves_out_what_checks_and_pushes_add(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    extra = tmp_path / "assets.extra"
    extra.mkdir()
    (extra / "rankbeam.json").write_text("{}")
    bare = content_digest(tmp_path)
    assert model_digest(tmp_path) == bare
    (extra / "tf_serving_warmup_requests").write_bytes(b"warm")
    (extra / "rankbeam_push.json").write_text("{}")
    assert model_digest(tmp_path) == bare != content_digest(tmp_path)
    (extra / "rankbeam.json").write_text("{ }")
    assert model_digest(tmp_path) != bare
