"""Gives every test an account of its own on one server.

An access key id AKIAWIRE followed by twelve digits belongs to the account of those
digits. moto knows further accounts by the keys it issued, which takes calls to IAM first.
"""

import re

from moto.iam import models as iam

from patch import wrap

KEY = re.compile(r"AKIAWIRE([0-9]{12})")


@wrap(iam, "get_account_id_from")
def get_account_id_from(original, access_key):
    match = KEY.fullmatch(access_key or "")
    return match.group(1) if match else original(access_key)
