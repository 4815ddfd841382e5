"""damaged: what Arrow says of a broken file, as one error of ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from vecmill.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def damaged(told: str) -> Iterator[None]:
    """Turn Arrow's errors into a SourceError.

    Args:
        told: Which file is damaged, and where.
    """
    try:
        yield
    except pa.ArrowException as error:
        raise SourceError(f"{told}. Replace the file. ({error})") from error
    except OSError as error:
        # Arrow's own I/O errors are plain; a subclass comes from the file object, such as a lost connection.
        if type(error) is not OSError:
            raise
        raise SourceError(f"{told}. Replace the file. ({error})") from error
