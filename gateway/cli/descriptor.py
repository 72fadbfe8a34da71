"""`descriptor`: print the module descriptor."""

from __future__ import annotations

import click

from gateway.doctor.module_descriptor import module_descriptor_json


@click.command()
def descriptor() -> None:
    """Print the module descriptor of this version, for Okapi or for an application of Eureka.

    \b
    Example:
      circulation-gateway descriptor > ModuleDescriptor.json
      curl -d @ModuleDescriptor.json -H "Content-Type: application/json" http://okapi:9130/_/proxy/modules
    """
    click.echo(module_descriptor_json(), nl=False)
