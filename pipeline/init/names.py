"""What the name of a column gives away, and names that a config accepts."""

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")

CLICKS = {"click", "clicks", "clicked", "clk", "tap", "tapped"}
VISITS = {"visit", "visited", "view", "viewed", "open", "opened"}
CONVERSIONS = {
    *("conversion", "converted", "convert", "cvr", "purchase", "purchased", "buy", "bought"),
    *("order", "ordered", "install", "installed", "signup", "subscribe", "subscribed", "lead"),
    *("cart", "like", "liked", "favorite", "share", "shared", "follow", "followed", "paid"),
}
VERDICTS = {"label", "target", "outcome", "response", "class", "y"}
OUTCOMES = CLICKS | VISITS | CONVERSIONS | VERDICTS

# A count or a rate of past clicks is an input, however much its name sounds like an outcome.
COUNTS = {
    *("avg", "count", "counts", "ctr", "day", "days", "freq", "hist", "history", "last", "mean"),
    *("n", "num", "number", "past", "prev", "previous", "rate", "ratio", "recent", "since", "sum"),
    *("time", "timestamp", "total", "type", "id", "rank", "prob", "probability", "weight"),
}
PROPENSITIES = {"propensity", "propensities", "pscore", "prob", "probability", "logprob"}
USERS = {
    *("user", "users", "uid", "visitor", "customer", "member", "account", "cookie", "person"),
    *("client", "household", "subscriber", "player", "shopper"),
}
IDENTIFIERS = {"id", "ids", "uid", "uuid", "guid", "key", "sku", "asin", "isbn", "hash"}
TIMES = {
    *("timestamp", "time", "datetime", "date", "ts", "epoch", "at", "day", "dt"),
    *("utc", "unixtime", "created", "occurred"),
}
# When something else happened than the impression.
ATTRIBUTES = {
    *("birth", "birthday", "dob", "signup", "registered", "registration", "joined", "first"),
    *("expiry", "expires", "start", "end", "release", "released", "launch", "launched"),
}
CODES = {
    *("code", "type", "category", "class", "kind", "group", "segment", "level", "position", "slot"),
    *("hour", "weekday", "dow", "month", "zip", "zipcode", "region", "country", "device", "os"),
    *("channel", "campaign", "placement", "brand", "store", "market", "language", "version"),
}


def tokens(name: str) -> set[str]:
    """Lower-case words of a name: `userId`, `user-id` and `USER_ID` are {user, id}."""
    return {word.lower() for word in _SEPARATORS.split(_CAMEL.sub("_", name)) if word}


def is_outcome(name: str) -> bool:
    """Whether a column of this name is likely to be an outcome of an impression."""
    words = tokens(name)
    return bool(words & OUTCOMES) and not words & COUNTS


def is_user(name: str) -> bool:
    """Whether a column of this name is likely to identify who saw the impression."""
    words = tokens(name)
    # user_age is a property of a user; user_id and visitor are the user.
    return bool(words & USERS) and words <= USERS | IDENTIFIERS


def identifier(name: str, taken: set[str]) -> str:
    """A name of letters, digits and underscores that is not among `taken`."""
    text = _SEPARATORS.sub("_", name).strip("_") or "column"
    if not text[0].isalpha():
        text = f"column_{text}"
    unique, count = text, 2
    while unique in taken:
        unique, count = f"{text}_{count}", count + 1
    return unique


def pipeline_name(text: str) -> str:
    """A pipeline's name: lower-case, beginning with a letter."""
    name = _SEPARATORS.sub("_", text).strip("_").lower()
    return name if name[:1].isalpha() else f"pipeline_{name}".rstrip("_")
