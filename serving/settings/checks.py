"""How a setting is refused: the field, the rule and the value, and later the file and line."""

from rankbeam.transform.errors import ConfigError


class InvalidSetting(ConfigError):
    """A setting breaks a rule, wherever it came from.

    Attributes:
        field: the setting's name as the user writes it.
        occurrence: which of the fields of that name it is, from 0.
    """

    def __init__(self, message: str, field: str, occurrence: int = 0) -> None:
        super().__init__(message)
        self.field = field
        self.occurrence = occurrence


def require(holds: bool, field: str, rule: str, value: object) -> None:
    """Refuses a value unless the rule holds.

    Raises:
        InvalidSetting: it does not.
    """
    if not holds:
        raise InvalidSetting(f"{field} must {rule}; got {value}", field)


def require_at_least(minimum: float, **values: float) -> None:
    """Refuses the first value below the minimum; keywords are the settings' names.

    Raises:
        InvalidSetting: there is one.
    """
    for field, value in values.items():
        require(value >= minimum, field, f"be >= {minimum}", value)
