"""Reads from a request which call it is: account, service, action, parameters."""

import io
import json
import re
from urllib.parse import parse_qsl

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from moto.core.routing import NotFound, get_service_router
from moto.iam import models as iam
from moto.sts.models import sts_backends

SCOPE = re.compile(r"Credential=([^/]+)/[0-9]+/([^/]+)/([^/]+)/")
ROUTED = ("eks", "s3")


def describe(environ):
    key, region, service = scope(environ)
    action, parameters = asked(environ, service)
    return {
        "account": iam.get_account_id_from(key) if key else DEFAULT_ACCOUNT_ID,
        "region": region,
        "service": service,
        "role": role(key),
        "action": action,
        "parameters": parameters,
    }


def scope(environ):
    match = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return match.groups() if match else ("", "", "")


def role(key):
    """The role that a key was given for, of the account of calls that STS answered."""
    for backends in list(sts_backends.values()):
        for backend in list(backends.values()):
            if session := backend.get_assumed_role_from_access_key(key):
                return session.role_arn
    return ""


def asked(environ, service):
    if service in ROUTED:
        return routed(environ, service)
    body = text(environ)
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.split(".")[-1], parsed(body)
    form = dict(parse_qsl(body or environ.get("QUERY_STRING", ""), keep_blank_values=True))
    form.pop("Version", None)
    return form.pop("Action", ""), form


def routed(environ, service):
    """A REST call: its action by method and path, as the service's model has them."""
    try:
        operation, parameters = get_service_router(service).match(Request(environ.copy()))
    except (NotFound, NotImplementedError):
        return "", {}
    parameters = {**parameters, **dict(parse_qsl(environ.get("QUERY_STRING", "")))}
    for header in ("If-Match", "If-None-Match"):
        if value := environ.get("HTTP_" + header.upper().replace("-", "_")):
            parameters[header] = value
    if service == "eks":
        parameters.update(parsed(text(environ)))
    return operation.name, parameters


def text(environ):
    body = environ["wsgi.input"]
    return body.getvalue().decode("utf-8", "replace") if isinstance(body, io.BytesIO) else ""


def parsed(body):
    try:
        return json.loads(body or "{}")
    except ValueError:
        return {}
