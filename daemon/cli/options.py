"""The options that verbs share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Default: $YEMOTD_CONFIG, ./config.toml, /etc/yemotd/config.toml.",
        readable=False,  # or typer would end it with 64, which says that the call is wrong
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
