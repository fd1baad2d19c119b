"""Writing a simulated marketplace on a user's behalf: its errors as a user reads them."""

from pathlib import Path

from rankbeam.pipeline.runs.interruption import interruptible
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import WrittenMarketplace, write
from rankbeam.transform.errors import DataError, EnvironmentFault


def write_marketplace(spec: MarketplaceSpec, folder: Path) -> WrittenMarketplace:
    """Write the log and its truth to `folder`, whole or not at all.

    Raises:
        DataError: The folder holds something else.
        EnvironmentFault: The folder cannot be written.
        Interrupted: A signal asked to end; what was half written is removed.
    """
    try:
        with interruptible():
            return write(spec, folder)
    except ValueError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise EnvironmentFault(f"folder must be writable; got {folder}: {error}") from None
