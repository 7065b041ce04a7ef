"""Auto Scaling: instance refreshes, and the end of single instances.

A refresh replaces one batch of instances at each read of it after the first, which sees
it begun; a batch is what MinHealthyPercentage lets go, and an instance's replacement
serves at once.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DesiredConfiguration.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html
"""

import contextlib
import time

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from groups import FIELDS, check_source, launched_from
from patch import add, plain, wrap

PATIENCE = 3600  # seconds, for what is protected or suspended
LIVE = ("Pending", "InProgress", "Baking", "Cancelling")
VERSIONS = ("launch_template_version", "provided_launch_template_version")


def asked_group(response):
    name = response._get_param("AutoScalingGroupName")
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - {name}")
    return group


def refreshes(group):
    return group.__dict__.setdefault("domctl_refreshes", [])


def live(group):
    return next((entry for entry in refreshes(group) if entry["answer"]["Status"] in LIVE), None)


def check_preferences(asked):
    least, most = asked.get("MinHealthyPercentage", 90), asked.get("MaxHealthyPercentage", 100)
    if not 0 <= least <= 100 or not 100 <= most <= 200:
        raise ValidationError(f"Healthy percentages {least} and {most} are not within 0-100 and 100-200")
    if most - least > 100:
        raise ValidationError("The difference between MinHealthyPercentage and MaxHealthyPercentage must not be greater than 100")
    points = asked.get("CheckpointPercentages") or []
    if points != sorted(set(points)) or any(not 1 <= point <= 100 for point in points):
        raise ValidationError(f"CheckpointPercentages {points} must be unique and ascending, from 1 to 100")
    for name, known in (("ScaleInProtectedInstances", "Refresh"), ("StandbyInstances", "Terminate")):
        if asked.get(name) not in (None, "", "Wait", "Ignore", known):
            raise ValidationError(f"{name} cannot be {asked[name]}")


def source(desired):
    """The desired configuration in the words of an update of the group."""
    return {"launch_template": desired.get("LaunchTemplate"), "mixed_instances_policy": desired.get("MixedInstancesPolicy")}


@contextlib.contextmanager
def launching(backend, group, desired):
    """The group as if it stated the desired configuration; none leaves it as it is."""
    kept = {field: getattr(group, field, None) for field in FIELDS + VERSIONS}
    if desired:
        group._set_launch_configuration(None, desired.get("LaunchTemplate"), desired.get("MixedInstancesPolicy"))
    try:
        yield
    finally:
        for field, value in kept.items():
            setattr(group, field, value)


@add(AutoScalingResponse)
def start_instance_refresh(self):
    group, backend = asked_group(self), self.autoscaling_backend
    asked = plain(self._get_param("Preferences")) or {}
    desired = plain(self._get_param("DesiredConfiguration")) or {}
    if live(group):
        raise AutoscalingClientError("InstanceRefreshInProgress", "An instance refresh is already in progress and blocks the execution of this one.")
    check_preferences(asked)
    check_source(backend, {**source(desired), "name": group.name})
    with launching(backend, group, desired):
        target = launched_from(group)
    old = [state for state in group.instance_states if not left(asked, state, target)]
    answer = {"InstanceRefreshId": str(mock_random.uuid4()), "AutoScalingGroupName": group.name, "Status": "InProgress", "StartTime": utcnow(),
              "PercentageComplete": 0, "InstancesToUpdate": len(old), "Preferences": asked}
    if desired:
        answer["DesiredConfiguration"] = desired
    refreshes(group).insert(0, {"answer": answer, "old": old, "total": len(old), "desired": desired, "seen": False, "points": list(asked.get("CheckpointPercentages") or []),
                                "until": time.time() + PATIENCE, "resumes": 0})
    return ActionResult({"InstanceRefreshId": answer["InstanceRefreshId"]})


def left(asked, state, target):
    """Whether a refresh is to leave an instance."""
    if state.protected_from_scale_in and asked.get("ScaleInProtectedInstances") == "Ignore":
        return True
    if state.lifecycle_state == "Standby" and asked.get("StandbyInstances") == "Ignore":
        return True
    return bool(asked.get("SkipMatching")) and getattr(state.instance, "domctl_launched_from", None) == target


def waits(asked, state):
    if state.protected_from_scale_in and asked.get("ScaleInProtectedInstances") != "Refresh":
        return True
    return state.lifecycle_state == "Standby" and asked.get("StandbyInstances") != "Terminate"


def end(entry, status, reason=None):
    entry["answer"].update(Status=status, EndTime=utcnow(), InstancesToUpdate=len(entry["old"]))
    if reason:
        entry["answer"]["StatusReason"] = reason


def batch(group, asked):
    kept = -(-group.desired_capacity * asked.get("MinHealthyPercentage", 90) // 100)
    return max(1, group.desired_capacity - kept)


def replace(backend, group, entry):
    """Replaces a batch; false when nothing may be replaced."""
    asked = entry["answer"]["Preferences"]
    suspended = {process["ProcessName"] for process in group.suspended_processes}
    free = [state for state in entry["old"] if not waits(asked, state)][: batch(group, asked)]
    if entry["points"]:
        done = entry["total"] - len(entry["old"])
        free = free[: -(-entry["total"] * entry["points"][0] // 100) - done]
    if suspended & {"Launch", "Terminate", "InstanceRefresh"} or not free:
        return False
    desired = entry["desired"] if entry["answer"]["Status"] == "InProgress" else None
    with launching(backend, group, desired):
        for state in free:
            entry["old"].remove(state)
            backend.terminate_instance(state.instance.id, False)
    return True


def advance(backend, group):
    """What a read that sees the refresh under way brings on."""
    entry = live(group)
    if entry is None or time.time() < entry["resumes"]:
        return
    if not entry["seen"]:
        entry["seen"] = True
        return
    if entry["answer"]["Status"] == "Cancelling":
        return end(entry, "Cancelled", "Cancelled due to user request.")
    # What others ended in the meantime is replaced already.
    entry["old"] = [state for state in entry["old"] if state in group.instance_states]
    moved = replace(backend, group, entry)
    done = entry["total"] - len(entry["old"])
    entry["answer"].update(InstancesToUpdate=len(entry["old"]), PercentageComplete=100 * done // entry["total"] if entry["total"] else 100)
    if entry["points"] and 100 * done >= entry["total"] * entry["points"][0] and entry["points"][0] < 100:
        entry["points"].pop(0)
        if entry["points"]:
            entry["resumes"] = time.time() + entry["answer"]["Preferences"].get("CheckpointDelay", 3600)
            return
        entry["old"] = []
    if not entry["old"]:
        finish(backend, group, entry)
    elif not moved and time.time() > entry["until"]:
        end(entry, "Failed", "Instances were not let go of in time.")


def finish(backend, group, entry):
    if entry["desired"]:
        backend.update_auto_scaling_group(name=group.name, **update(entry["desired"]))
    entry["answer"]["PercentageComplete"] = 100
    end(entry, "Successful")


def update(desired):
    rest = ("availability_zones", "desired_capacity", "max_size", "min_size", "launch_config_name", "vpc_zone_identifier", "health_check_period", "health_check_type")
    return {**dict.fromkeys(rest), **source(desired)}


@add(AutoScalingResponse)
def describe_instance_refreshes(self):
    group = asked_group(self)
    advance(self.autoscaling_backend, group)
    wanted = self._get_param("InstanceRefreshIds") or []
    found = [entry["answer"] for entry in refreshes(group) if not wanted or entry["answer"]["InstanceRefreshId"] in wanted]
    start, size = int(self._get_param("NextToken") or 0), int(self._get_param("MaxRecords") or 50)
    answer = {"InstanceRefreshes": found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return ActionResult(answer)


def in_progress(group):
    entry = live(group)
    if entry is None or entry["answer"]["Status"] not in ("Pending", "InProgress", "Baking"):
        raise AutoscalingClientError("ActiveInstanceRefreshNotFound", "No in progress or pending instance refresh found for the Auto Scaling group.")
    return entry


@add(AutoScalingResponse)
def cancel_instance_refresh(self):
    entry = in_progress(asked_group(self))
    entry["answer"]["Status"], entry["seen"] = "Cancelling", False
    return ActionResult({"InstanceRefreshId": entry["answer"]["InstanceRefreshId"]})


@wrap(AutoScalingBackend, "terminate_instance")
def terminate_instance(original, self, instance_id, should_decrement):
    for group in self.autoscaling_groups.values():
        if instance_id in [state.instance.id for state in group.instance_states]:
            break
    else:
        raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
    if should_decrement and group.desired_capacity - 1 < group.min_size:
        raise ValidationError(
            f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement will "
            "violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size."
        )
    return original(self, instance_id, should_decrement)


