"""Which image an instance may start from, image names that are taken, pages of images.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import sys

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidAMIIdError,
    MalformedAMIIdError,
    MissingParameterError,
    UnvailableAMIIdError,
)
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from pages import page
from patch import wrap


def check_image(backend, image_id):
    """Raises what RunInstances answers for an image it cannot start."""
    if not image_id:
        raise MissingParameterError("ImageId")
    if image_id.startswith("resolve:ssm:"):
        return
    if not image_id.startswith("ami-"):
        raise MalformedAMIIdError([image_id])
    if image_id in backend.deleted_amis:
        raise UnvailableAMIIdError(image_id)
    if image_id not in backend.amis:
        raise InvalidAMIIdError(image_id)
    if backend.amis[image_id].state != "available":
        raise UnvailableAMIIdError(image_id)


@wrap(EC2Response, "run_instances")
def run_instances(original, self):
    image_id = self._get_param("ImageId")
    template = self._get_param("LaunchTemplate", {})
    if template and not image_id:
        image_id = self.ec2_backend._get_template_from_args(template).image_id
    check_image(self.ec2_backend, image_id)
    return original(self)


def check_name(backend, name):
    for image in backend.amis.values():
        if image.name == name and image.owner_id == backend.account_id:
            raise EC2ClientError(
                "InvalidAMIName.Duplicate",
                f"AMI name {name} is already in use by AMI {image.id}",
            )


@wrap(EC2Backend, "create_image")
def create_image(original, self, instance_id, name, description, tag_specifications):
    check_name(self, name)
    # moto raises on a specification of type snapshot, which the API page allows.
    of_image = [spec for spec in tag_specifications if spec["ResourceType"] != "snapshot"]
    image = original(self, instance_id, name, description, tag_specifications=of_image)
    for spec in tag_specifications:
        if spec["ResourceType"] == "snapshot":
            image.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for tag in spec["Tags"]})
    return image


@wrap(EC2Backend, "register_image")
def register_image(original, self, name=None, description=None):
    check_name(self, name)
    return original(self, name, description)


@wrap(EC2Response, "register_image")
def register_with_architecture(original, self):
    answer = original(self)
    # moto forgets it; "Default: For Amazon EBS-backed AMIs, i386."
    self.ec2_backend.amis[answer.result["ImageId"]].architecture = self._get_param("Architecture", "i386")
    return answer


@wrap(EC2Response, "describe_images")
def describe_images(original, self):
    # "You cannot specify this parameter and the image IDs in the same call."
    if self._get_param("ImageIds") and self._get_param("MaxResults"):
        raise EC2ClientError("InvalidParameterCombination", "The parameter imageIds cannot be used with the parameter maxResults")
    return page(original, self, "Images", size=sys.maxsize)
