"""User: whose token it is, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doubles.hub.fault import Fault
from doubles.hub.request import Answer

if TYPE_CHECKING:
    from doubles.hub.double import HubDouble
    from doubles.hub.request import Request


@dataclass(frozen=True)
class User:
    """A user, as one of his tokens shows him.

    Attributes:
        name: Also the namespace that is his.
        orgs: Organisations that he may write to.
        role: ``write`` or ``read``.
    """

    name: str
    orgs: tuple[str, ...] = ()
    role: str = "write"

    def owns(self, namespace: str) -> bool:
        """Whether repos can be his there."""
        return namespace in {self.name, *self.orgs}


def whoami(hub: HubDouble, request: Request) -> Answer:
    """Describe the user."""
    user = known(hub, request)
    orgs: list[dict[str, Any]] = [{"name": name, "type": "org", "roleInOrg": "write"} for name in user.orgs]
    access = {"type": "access_token", "accessToken": {"displayName": "test", "role": user.role}}
    return Answer.json({"type": "user", "name": user.name, "orgs": orgs, "auth": access})


def known(hub: HubDouble, request: Request) -> User:
    """Return the user of a request."""
    if request.token not in hub.users:
        raise Fault(401, "", "Invalid credentials in Authorization header")
    return hub.users[request.token]


def writer(hub: HubDouble, request: Request, repo_id: str) -> User:
    """Return the user, if he may write to a repo."""
    user = known(hub, request)
    if user.role != "write" or not user.owns(repo_id.partition("/")[0]):
        raise Fault(403, "", f"You don't have the rights to write to {repo_id} with this token")
    return user
