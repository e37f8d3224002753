"""Refuses query parameters that an address does not take: a misspelt one would be ignored without a word."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.routing import APIRoute

from src.app.api.core.problems import ApiProblem

MAX_NAME = 64  # characters of a name that are repeated


def refuse_unknown(request: Request) -> None:
    """Raise `ApiProblem` if the query has a parameter that the route does not take; a dependency of the routers."""
    route = request.scope["route"]
    known = [field.alias for field in route.dependant.query_params] if isinstance(route, APIRoute) else []
    unknown = next((name for name in request.query_params if name not in known), None)
    if unknown is not None:
        raise ApiProblem("invalid-request", describe_unknown(unknown, known))


def describe_unknown(name: str, known: Sequence[str]) -> str:
    """Return the sentences that name an unknown parameter and those that can be meant."""
    listed = [f"`{parameter}`" for parameter in known]
    accepted = " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:]))) or "no parameters"
    return f"There is no query parameter `{name[:MAX_NAME]}` here. This address takes {accepted}."
