"""Images that are baked: their volumes, copies, launch permissions, deprecation and end.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageAttribute.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImageDeprecation.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
"""

import datetime

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError, UnvailableAMIIdError
from moto.ec2.models.amis import Ami
from moto.ec2.responses import EC2Response

from patch import add, plain, wrap


def image_of(response):
    backend, image_id = response.ec2_backend, response._get_param("ImageId")
    if image_id in backend.deleted_amis:
        raise UnvailableAMIIdError(image_id)
    if image_id not in backend.amis:
        raise InvalidAMIIdError([image_id])
    return backend.amis[image_id]


def tags_for(response, kind):
    specs = response._get_param("TagSpecifications", [])
    return {tag["Key"]: tag["Value"] for spec in specs if spec["ResourceType"] == kind for tag in spec["Tags"]}


mappings = Ami.block_device_mappings.fget


def block_device_mappings(self):
    """moto's, with what CreateImage was asked to change: DeleteOnTermination alone."""
    found = mappings(self)
    for mapping in found:
        if mapping["DeviceName"] in getattr(self, "domctl_deleted", []):
            mapping["Ebs"]["DeleteOnTermination"] = True
    return found


Ami.block_device_mappings = property(block_device_mappings)


@wrap(EC2Response, "create_image")
def create_image(original, self):
    if not self._get_param("DryRun", False):
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if instance.state not in ("running", "stopped"):
            raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance.id}' is not in a state from which it can be imaged.")
    answer = original(self)
    asked = plain(self._get_param("BlockDeviceMappings", []))
    image = self.ec2_backend.amis[answer.result["ImageId"]]
    image.domctl_deleted = [m["DeviceName"] for m in asked if m.get("Ebs", {}).get("DeleteOnTermination")]
    return answer


@wrap(EC2Response, "copy_image")
def copy_image(original, self):
    answer = original(self)
    image = self.ec2_backend.amis[answer.result["ImageId"]]
    image.add_tags(tags_for(self, "image"))
    image.ebs_snapshot.add_tags(tags_for(self, "snapshot"))
    if key := self._get_param("KmsKeyId"):
        image.ebs_snapshot.kms_key_id, image.ebs_snapshot.encrypted = key, True
    image.source_image_id, image.source_image_region = self._get_param("SourceImageId"), self._get_param("SourceRegion")
    image.domctl_deleted = [image.root_device_name]
    return answer


@wrap(EC2Response, "describe_image_attribute")
def describe_image_attribute(original, self):
    image_of(self)
    return original(self)


@wrap(EC2Response, "modify_image_attribute")
def modify_image_attribute(original, self):
    if not self._get_param("DryRun", False):
        image_of(self)
    return original(self)


@add(EC2Response)
def enable_image_deprecation(self):
    self.error_on_dryrun()
    image, at = image_of(self), self._get_param("DeprecateAt")
    if not isinstance(at, datetime.datetime):
        at = datetime.datetime.fromisoformat(at)
    at = at.replace(tzinfo=None)
    if at < utcnow().replace(tzinfo=None) - datetime.timedelta(minutes=1):
        raise EC2ClientError("InvalidParameterValue", "The date and time must be in the future.")
    at += datetime.timedelta(seconds=30)
    image.deprecation_time = at.strftime("%Y-%m-%dT%H:%M:00.000Z")
    return ActionResult({"Return": True})


@add(EC2Response)
def disable_image_deprecation(self):
    self.error_on_dryrun()
    image_of(self).deprecation_time = None
    return ActionResult({"Return": True})


@wrap(EC2Response, "deregister_image")
def deregister_image(original, self):
    image = None if self._get_param("DryRun", False) else image_of(self)
    answer = original(self)
    if self._get_param("DeleteAssociatedSnapshots", False):
        self.ec2_backend.delete_snapshot(image.ebs_snapshot.id)
        answer.result["DeleteSnapshotResults"] = [{"SnapshotId": image.ebs_snapshot.id, "ReturnCode": "success"}]
    return answer
