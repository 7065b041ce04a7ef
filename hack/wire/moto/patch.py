"""Changes attributes of moto's classes in place.

The classes themselves stay: other modules of moto hold them by name. What is set is
a plain function, since moto finds the actions of a service with inspect.isfunction.
"""

import functools


def wrap(owner, name):
    """Replaces owner.name by the decorated function, which gets the original first."""
    original = getattr(owner, name)

    def install(function):
        @functools.wraps(original)
        def call(*args, **kwargs):
            return function(original, *args, **kwargs)

        setattr(owner, name, call)
        return function

    return install


def add(owner):
    """Sets the decorated function on owner; refuses one that moto already has."""

    def install(function):
        if hasattr(owner, function.__name__):
            raise AttributeError(f"moto has {owner.__name__}.{function.__name__} already")
        setattr(owner, function.__name__, function)
        return function

    return install


def plain(value):
    """A deep copy of parsed parameters, in dicts and lists, with the names AWS gives them."""
    if hasattr(value, "original_dict"):
        value = value.original_dict()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
