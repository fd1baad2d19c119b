"""The gate before a push: what each validator must have said. Pure."""

from dataclasses import dataclass

from rankbeam.transform.errors import GateError

BLESSED = "blessed"
NOT_REQUIRED = "not required"


@dataclass(frozen=True, slots=True)
class Blessing:
    """What one validator's artifact says, from every place where it says it.

    Attributes:
        uri: where the artifact is.
        property: its `blessed` property, None where it has none.
        good_mark: whether the file that marks a good verdict is there.
        bad_mark: whether the file that marks a bad verdict is there.
        reason: the validator's own words, if it left any.
        model_uri: the model it judged, empty where it does not say.
    """

    uri: str
    property: int | None
    good_mark: bool
    bad_mark: bool
    reason: str = ""
    model_uri: str = ""


def pass_gate(validator: str, blessing: Blessing | None, required: bool, model_uri: str) -> str:
    """Lets a model pass one validator's gate, or raises; returns what to put on record.

    Args:
        validator: the validator's name, for the message.
        blessing: its artifact, None where the run has none.
        required: whether the push spec requires it; where not, a bad verdict lets pass too.
        model_uri: the model that is to be pushed.

    Raises:
        GateError: the model does not pass; the message says why and where to look.
    """
    objection = _objection(validator, blessing, model_uri)
    if objection is None:
        return BLESSED
    if required:
        raise GateError(objection)
    return NOT_REQUIRED


def _objection(validator: str, blessing: Blessing | None, model_uri: str) -> str | None:
    """Why the gate stays shut.

    The verdict must be there, good in every place where it is written, in one at least, and about
    this very model.
    """
    if blessing is None:
        return f"push needs the {validator}'s blessing; the run has none"
    if blessing.bad_mark or blessing.property not in (None, 1):
        why = f": {blessing.reason}" if blessing.reason else ""
        return f"model is not blessed by the {validator}{why} (see {blessing.uri})"
    if blessing.property is None and not blessing.good_mark:
        return f"push needs the {validator}'s verdict; {blessing.uri} holds none"
    if blessing.model_uri and blessing.model_uri.rstrip("/") != model_uri.rstrip("/"):
        return (
            f"the {validator}'s blessing must be for the model {model_uri}; "
            f"got one for {blessing.model_uri} (see {blessing.uri})"
        )
    return None
