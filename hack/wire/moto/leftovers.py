"""What an interrupted bake leaves: pages of it, and which deletes are refused.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html
"""

import sys

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.responses import EC2Response

from pages import page
from patch import wrap


def paged(action, key):
    @wrap(EC2Response, action)
    def describe(original, self):
        return page(original, self, key, size=sys.maxsize)


paged("describe_volumes", "Volumes")
paged("describe_security_groups", "SecurityGroups")
paged("describe_snapshots", "Snapshots")


@wrap(SecurityGroupBackend, "delete_security_group")
def delete_security_group(original, self, name=None, group_id=None):
    for reservation in self.all_reservations():
        for instance in reservation.instances:
            groups = [group.id for group in instance.security_groups]
            if instance.state != "terminated" and group_id in groups:
                raise DependencyViolationError(f"resource {group_id} has a dependent object")
    return original(self, name, group_id)


@wrap(EC2Response, "delete_key_pair")
def delete_key_pair(original, self):
    # moto knows the name alone; either may be given.
    for pair in self.ec2_backend.key_pairs.values():
        if pair.id == self._get_param("KeyPairId"):
            self.params["KeyName"] = pair.key_name
    return original(self)
