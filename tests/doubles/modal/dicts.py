"""Dicts: keys and values as the client has pickled them; an entry that must be new is put by one caller alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from doubles.modal.numbering import Numbering


class Dicts:
    """All Dicts with a name.

    Attributes:
        dicts: The entries of each, by id.
        names: Their ids.
    """

    def __init__(self, number: Numbering) -> None:
        self._number = number
        self.dicts: dict[str, dict[bytes, bytes]] = {}
        self.names: dict[str, str] = {}

    @rpc("DictGetOrCreate")
    async def create(self, request: api_pb2.DictGetOrCreateRequest, caller: str) -> api_pb2.DictGetOrCreateResponse:
        """Find a Dict by its name, or make it if that is wanted."""
        name = request.deployment_name
        if name not in self.names:
            if request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
                raise refuse(Status.NOT_FOUND, f"Dict '{name}' not found in environment 'main'")
            self.names[name] = self._number("di")
            self.dicts[self.names[name]] = {}
        made = api_pb2.CreationInfo(created_at=time.time())
        metadata = api_pb2.DictMetadata(name=name, creation_info=made)
        return api_pb2.DictGetOrCreateResponse(dict_id=self.names[name], metadata=metadata)

    @rpc("DictUpdate")
    async def update(self, request: api_pb2.DictUpdateRequest, caller: str) -> api_pb2.DictUpdateResponse:
        """Put entries; those that are there already stay, if only new ones are wanted."""
        entries = self._get(request.dict_id)
        if request.if_not_exists and any(entry.key in entries for entry in request.updates):
            return api_pb2.DictUpdateResponse(created=False)
        entries.update({entry.key: entry.value for entry in request.updates})
        return api_pb2.DictUpdateResponse(created=True)

    @rpc("DictGet")
    async def get(self, request: api_pb2.DictGetRequest, caller: str) -> api_pb2.DictGetResponse:
        """Return the value of a key."""
        value = self._get(request.dict_id).get(request.key)
        return api_pb2.DictGetResponse(found=value is not None, value=value)

    @rpc("DictPop")
    async def pop(self, request: api_pb2.DictPopRequest, caller: str) -> api_pb2.DictPopResponse:
        """Remove a key, and return its value."""
        value = self._get(request.dict_id).pop(request.key, None)
        return api_pb2.DictPopResponse(found=value is not None, value=value)

    def _get(self, key: str) -> dict[bytes, bytes]:
        if key not in self.dicts:
            raise refuse(Status.NOT_FOUND, f"Dict {key} not found")
        return self.dicts[key]
