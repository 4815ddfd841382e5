"""The option of commands that embed queries with a dataset's model."""

from __future__ import annotations

import click

model_option = click.option(
    "--model", metavar="DIR", help="Where the dataset's model is, if it is a folder, and not where it was."
)
