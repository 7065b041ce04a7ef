"""Auto Scaling: tags of groups are checked as AWS does.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateOrUpdateTags.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteTags.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Tag.html
"""

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse

from patch import plain, wrap


def checked(backend, tags):
    for tag in tags:
        if tag.get("ResourceType") != "auto-scaling-group":
            raise ValidationError("Tag ResourceType must be 'auto-scaling-group'")
        if tag.get("ResourceId") not in backend.autoscaling_groups:
            raise ValidationError(f"AutoScalingGroup name not found - {tag.get('ResourceId')}")
        if not 0 < len(tag.get("Key", "")) <= 128 or len(tag.get("Value") or "") > 256:
            raise ValidationError("Tag keys have 1 to 128 characters, values at most 256")
        if tag["Key"].startswith("aws:"):
            raise ValidationError("Tag keys must not begin with aws:")
    return tags


@wrap(AutoScalingBackend, "create_or_update_tags")
def create_or_update_tags(original, self, tags):
    original(self, [{"PropagateAtLaunch": True, **tag} for tag in plain(checked(self, tags))])


@wrap(AutoScalingResponse, "delete_tags")
def delete_tags(original, self):
    checked(self.autoscaling_backend, self._get_params().get("Tags", []))
    return original(self)
