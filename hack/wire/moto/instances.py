"""Instances: the key they need, the states they are started and stopped in, their client token, host keys on the console.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import base64
import hashlib

from moto.core.types import Base64EncodedString
from moto.ec2 import utils
from moto.ec2.exceptions import EC2ClientError, InvalidKeyPairNameError
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses import EC2Response

from patch import wrap

@wrap(InstanceBackend, "run_instances")
def run_instances(original, self, image_id, count, user_data, security_group_names, **kwargs):
    key = kwargs.get("key_name")
    if key and key not in self.key_pairs:
        raise InvalidKeyPairNameError({key})
    return original(self, image_id, count, user_data, security_group_names, **kwargs)


utils.filter_dict_attribute_mapping["client-token"] = "client_token"


def turned(verb, *allowed):
    @wrap(InstanceBackend, f"{verb}_instances")
    def turn(original, self, instance_ids):
        for instance in self.get_multi_instances_by_id(instance_ids):
            if instance.state not in allowed:
                raise EC2ClientError(
                    "IncorrectInstanceState",
                    f"The instance '{instance.id}' is not in a state from which it can be {verb}ed.",
                )
        return original(self, instance_ids)


turned("start", "stopped", "running")
turned("stop", "running", "stopped")


def host_key(instance_id):
    """A public key as ssh writes it: RFC 4253, 6.6, and RFC 8709, 4. Nobody has the private one."""
    fields = [b"ssh-ed25519", hashlib.sha256(instance_id.encode()).digest()]
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return "ssh-ed25519 " + base64.b64encode(blob).decode() + " root@" + instance_id


@wrap(EC2Response, "get_console_output")
def get_console_output(original, self):
    answer = original(self)
    # As cloud-init ends a first boot.
    lines = ["-----BEGIN SSH HOST KEY KEYS-----", host_key(answer.result["InstanceId"]), "-----END SSH HOST KEY KEYS-----", ""]
    answer.result["Output"] = Base64EncodedString.from_raw_string("\r\n".join(lines))
    return answer
