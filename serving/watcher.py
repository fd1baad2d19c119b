"""The thread that looks for new versions and for a changed model config file.

It stands behind the threads that answer requests: without that, a load made one request in twenty
three times slower where there are two cores.
"""

import logging
import threading
import time
from collections.abc import Callable

from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.priority import step_back
from rankbeam.serving.servable import start_pools
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.model_config import read_models
from rankbeam.serving.status import Refusal
from rankbeam.transform.errors import ConfigError

_log = logging.getLogger(__name__)

# Between two attempts where no time between them is asked for.
_LEAST_RETRY_S = 0.1

Reload = Callable[[tuple[ModelSettings, ...]], None]


class Watcher:
    """Polls from `start` to `stop`.

    Args:
        registry: looks at its base paths when told to.
        options: how often to look, and at which config file.
        reload: puts a changed list of models in force.
        on_look: called after each look.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        options: ServerOptions,
        *,
        reload: Reload,
        on_look: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._options = options
        self._reload = reload
        self._on_look = on_look
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="version-watcher", daemon=True)
        self._read_at = time.monotonic()
        self._refused = ""

    def start(self) -> None:
        """Begins with a first look, in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Looks no more; waits for a load under way, which cannot be cut short."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        # TensorFlow starts its threads with the first session, and they are there for requests:
        # they must not inherit this thread's place.
        start_pools(self._options.session)
        step_back()
        while not self._stopping.is_set():
            try:
                self._look()
            except Exception:  # a server whose watcher has ended would never serve a new version
                _log.exception("looking for new versions failed unexpectedly")
            waits = [wait for wait in (self._poll_wait_s, self._config_wait_s) if wait is not None]
            if not waits:
                return
            self._stopping.wait(min(waits))

    def _look(self) -> None:
        self._read_config()
        self._registry.poll()
        self._on_look()

    @property
    def _poll_wait_s(self) -> float | None:
        """Until the registry is asked again, where it still has something to do."""
        options = self._options
        if options.poll_wait_s > 0:
            return options.poll_wait_s
        # TensorFlow Serving's 0: it looks once. What it found and could not load is tried again.
        if options.loading.max_retries == 0:
            return None
        return max(_LEAST_RETRY_S, options.loading.retry_interval_s)

    @property
    def _config_wait_s(self) -> float | None:
        options = self._options
        if options.model_config_file is None or options.model_config_poll_s <= 0:
            return None
        return options.model_config_poll_s

    def _read_config(self) -> None:
        file, wait_s = self._options.model_config_file, self._config_wait_s
        if file is None or wait_s is None or time.monotonic() - self._read_at < wait_s:
            return
        self._read_at = time.monotonic()
        try:
            models = read_models(file)
            if models != self._registry.settings():
                self._reload(models)
                _log.info("serving the models of the changed %s", file)
            self._refused = ""
        except (ConfigError, Refusal) as error:  # what is served goes on
            if str(error) != self._refused:
                _log.error("%s is not put in force: %s", file, error)
            self._refused = str(error)
