"""How versions are loaded: warm-up and what happens after a failure."""

from dataclasses import dataclass

from rankbeam.serving.settings.checks import require_at_least


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """TensorFlow Serving's flags about loading, with its defaults.

    Attributes:
        warmup_iterations: how often the stored warm-up requests run on a new version; 0 is never.
        max_retries: further attempts at a version that failed, while its files stay the same.
        retry_interval_s: seconds between two of them; not positive means at the next look.
        look_once: whether a base path is read only once, as where `file_system_poll_wait_seconds`
            is 0; further attempts at what was found go on all the same.
    """

    warmup_iterations: int = 1
    max_retries: int = 5
    retry_interval_s: float = 60.0
    look_once: bool = False

    def __post_init__(self) -> None:
        """Refuses negative counts.

        Raises:
            InvalidSetting: there is one.
        """
        require_at_least(0, warmup_iterations=self.warmup_iterations, max_retries=self.max_retries)
