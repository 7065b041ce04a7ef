"""Auto Scaling: scaling activities, and launches that EC2 has no instance for.

How many instances EC2 has for a group, and what it lacks then, stands in two tags of the
group, which the tests put there: moto has no capacity and no quota.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
"""

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from patch import wrap
from refresh import asked_group

SAYS = {
    "InsufficientInstanceCapacity": "We currently do not have sufficient g5.2xlarge capacity in the Availability Zone you requested. Launching EC2 instance failed.",
    "VcpuLimitExceeded": "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 8 allows. Launching EC2 instance failed.",
}


def activities(group):
    return group.__dict__.setdefault("domctl_activities", [])


def note(group, status, message=None):
    entry = {"ActivityId": str(mock_random.uuid4()), "AutoScalingGroupName": group.name, "Cause": "a difference between desired and actual capacity",
             "Description": "Launching a new EC2 instance", "StartTime": utcnow(), "EndTime": utcnow(), "StatusCode": status, "Progress": 100}
    if message:
        entry["StatusMessage"] = message
    activities(group).insert(0, entry)


def tag(group, key):
    return next((tag["Value"] for tag in group.tags if tag["Key"] == key), None)


@wrap(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
def replace_autoscaling_group_instances(original, self, count_needed, propagated_tags):
    room, count = tag(self, "domctl-wire:room"), count_needed
    if room is not None:
        count = min(count, max(0, int(room) - len(self.active_instances())))
    if count:
        original(self, count, propagated_tags)
        for _ in range(count):
            note(self, "Successful")
    if count < count_needed:
        note(self, "Failed", SAYS[tag(self, "domctl-wire:lacks")])


@wrap(AutoScalingResponse, "describe_scaling_activities")
def describe_scaling_activities(original, self):
    found = activities(asked_group(self))
    start, size = int(self._get_param("NextToken") or 0), int(self._get_param("MaxRecords") or 100)
    answer = {"Activities": found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return ActionResult(answer)
