"""Listings of a bucket, in pages, and answers of which only some fields are asked for."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from tests.gcs.store import Store

_MOST = 1000


def list_page(store: Store, bucket: str, query: Mapping[str, str], most: int) -> dict[str, Any]:
    """A page of a listing.

    Args:
        store: The buckets.
        bucket: Which of them.
        query: The request's parameters.
        most: Most entries of a page.
    """
    objects = store.bucket(bucket)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = base64.b64decode(query.get("pageToken", "")).decode()
    size = min(most, int(query.get("maxResults", _MOST)))
    entries = sorted(
        {_entry(name, prefix, delimiter) for name in objects if name.startswith(prefix)},
        key=str.encode,
    )
    rest = [entry for entry in entries if entry.encode() > after.encode()]
    page: dict[str, Any] = {"kind": "storage#objects"}
    names = [e for e in rest[:size] if not _is_prefix(e, prefix, delimiter)]
    prefixes = [e for e in rest[:size] if _is_prefix(e, prefix, delimiter)]
    if names:
        page["items"] = [objects[name].resource() for name in names]
    if prefixes:
        page["prefixes"] = prefixes
    if rest[size:]:
        page["nextPageToken"] = base64.b64encode(rest[:size][-1].encode()).decode()
    return page


def _entry(name: str, prefix: str, delimiter: str) -> str:
    """What stands for an object: its name or, where it is below a delimiter, the part up to it."""
    end = name.find(delimiter, len(prefix)) if delimiter else -1
    return name if end < 0 else name[: end + len(delimiter)]


def _is_prefix(entry: str, prefix: str, delimiter: str) -> bool:
    return bool(delimiter) and entry[len(prefix) :].endswith(delimiter)


def only_fields(document: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """The fields of a document that a request names, as `items/name,nextPageToken`."""
    if fields is None:
        return document
    kept: dict[str, Any] = {}
    for name, group, single in re.findall(r"(\w+)(?:\(([^)]*)\)|/(\w+))?(?:,|$)", fields):
        if name not in document:
            continue
        inner = group or single
        value = document[name]
        kept[name] = [only_fields(each, inner) for each in value] if inner else value
    return kept
