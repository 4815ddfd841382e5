"""The workspace: environments, secrets and what a client asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from doubles.modal.numbering import Numbering

BUILDER = "2025.06"


class Workspace:
    """One environment, ``main``.

    Attributes:
        secrets: The variables of each secret, by id.
        names: The ids of secrets with a name.
    """

    def __init__(self, number: Numbering) -> None:
        self._number = number
        self.secrets: dict[str, dict[str, str]] = {}
        self.names: dict[str, str] = {}

    def add_secret(self, name: str, variables: dict[str, str]) -> str:
        """Make a secret, as ``modal secret create`` does."""
        secret = self._number("st")
        self.secrets[secret] = dict(variables)
        if name:
            self.names[name] = secret
        return secret

    @rpc("ClientHello")
    async def hello(self, request: object, caller: str) -> api_pb2.ClientHelloResponse:
        """Greet."""
        return api_pb2.ClientHelloResponse(image_builder_version=BUILDER)

    @rpc("EnvironmentGetOrCreate")
    async def environment(
        self, request: api_pb2.EnvironmentGetOrCreateRequest, caller: str
    ) -> api_pb2.EnvironmentGetOrCreateResponse:
        """Return the environment, whatever it is called."""
        settings = api_pb2.EnvironmentSettings(image_builder_version=BUILDER)
        metadata = api_pb2.EnvironmentMetadata(name=request.deployment_name or "main", settings=settings)
        return api_pb2.EnvironmentGetOrCreateResponse(environment_id="en-1", metadata=metadata)

    @rpc("SecretGetOrCreate")
    async def secret(self, request: api_pb2.SecretGetOrCreateRequest, caller: str) -> api_pb2.SecretGetOrCreateResponse:
        """Find a secret by name, or make one of the variables that are sent."""
        name = request.deployment_name
        if name and name in self.names:
            found = self.names[name]
            missing = [key for key in request.required_keys if key not in self.secrets[found]]
            if missing:
                raise refuse(Status.FAILED_PRECONDITION, f"Secret '{name}' is missing key(s): {', '.join(missing)}")
        elif name and request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
            raise refuse(Status.NOT_FOUND, f"Secret '{name}' not found in environment 'main'")
        else:
            found = self.add_secret(name, dict(request.env_dict))
        return api_pb2.SecretGetOrCreateResponse(secret_id=found)
