"""Deployment files of a config whose runs push to a bucket."""

from pathlib import Path

import pytest

from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.deployment import deployment_plan
from rankbeam.serving.manifests.stores import BucketStore
from rankbeam.transform.errors import ConfigError
from tests.pipeline.config.examples import write_config

_PUSH = "name: shop\npush: {destination: 's3://models/shop'}\n"
_STORE = "serving: {deployment: {model_store: {kind: bucket, uri: 's3://models/shop'}}}\n"


def test_bucket_must_be_where_servers_look(tmp_path: Path) -> None:
    loaded = load_config(write_config(tmp_path, "name: shop\n", _PUSH))
    with pytest.raises(ConfigError, match=r"kind must be bucket .*; got claim and s3://models"):
        deployment_plan(loaded)
    loaded = load_config(write_config(tmp_path, "name: shop\n", _PUSH + _STORE))
    assert isinstance(deployment_plan(loaded).deployment.model_store, BucketStore)
