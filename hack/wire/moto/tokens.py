"""ClientToken: the same call twice is one effect and one answer.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import json

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from patch import plain, wrap

NOT_COMPARED = ("ClientToken", "DryRun")
GONE = ("shutting-down", "terminated")


def fingerprint(params):
    asked = {k: v for k, v in plain(params).items() if k not in NOT_COMPARED}
    return json.dumps(asked, sort_keys=True, default=str)


def mismatch():
    return EC2ClientError(
        "IdempotentParameterMismatch",
        "The request uses the same client token as a previous, but non-identical request.",
    )


def refuse_terminated(answer):
    instances = getattr(answer.result, "instances", None)
    if instances and all(instance.state in GONE for instance in instances):
        raise EC2ClientError(
            "IdempotentInstanceTerminated",
            "The instance that this client token launched has been terminated.",
        )


def answer_once(original, response, action, token):
    # On the backend, so that the tokens go when moto resets it.
    seen = response.ec2_backend.__dict__.setdefault("domctl_tokens", {})
    asked = fingerprint(response.params)
    if (action, token) not in seen:
        seen[action, token] = (asked, original(response))
        return seen[action, token][1]
    before, answer = seen[action, token]
    if before != asked:
        raise mismatch()
    refuse_terminated(answer)
    return answer


def honour(action):
    @wrap(EC2Response, action)
    def run(original, self):
        token = self._get_param("ClientToken")
        if not token or self._get_param("DryRun", False):
            return original(self)
        return answer_once(original, self, action, token)


for name in ("run_instances", "create_launch_template", "create_launch_template_version", "copy_image"):
    honour(name)
