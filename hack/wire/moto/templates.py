"""Launch template versions: inheritance, numbers, deletion, pages.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
"""

import sys

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidLaunchTemplateVersionNotFound
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.responses import EC2Response
from moto.ec2.utils import parse_user_data

from images import check_image
from pages import page
from patch import add, plain, wrap


@wrap(LaunchTemplate, "create_version")
def create_version(original, self, data, description):
    version = original(self, data, description)
    # moto numbers by the length of the list, which would give a deleted number again.
    version.number = self.__dict__.get("domctl_last_number", 0) + 1
    self.domctl_last_number = version.number
    return version


@wrap(LaunchTemplate, "get_version")
def get_version(original, self, num):
    if str(num).lower() in ("$latest", "$default"):
        return original(self, num)
    for version in self.versions:
        if str(version.number) == str(num):
            return version
    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=num)


@wrap(LaunchTemplate, "default_version")
def default_version(_, self):
    return self.get_version(self.default_version_number)


def named_template(response):
    backend, template_id = response.ec2_backend, response._get_param("LaunchTemplateId")
    if template_id:
        return backend.get_launch_template(template_id)
    return backend.get_launch_template_by_name(response._get_param("LaunchTemplateName"))


def inherited(source):
    """The source's data. "Snapshots applied to the block device mapping are ignored"."""
    data = {key: value for key, value in plain(source.data).items() if value is not None}
    for mapping in data.get("BlockDeviceMappings", []):
        mapping.get("Ebs", {}).pop("SnapshotId", None)
    return data


def warn(response, answer, image_id):
    """The Warning of a template that names an image which cannot start."""
    try:
        if image_id:
            check_image(response.ec2_backend, image_id)
    except EC2ClientError as error:
        answer.result["Warning"] = {"Errors": [{"Code": error.code, "Message": error.message}]}
    return answer


@wrap(EC2Response, "create_launch_template_version")
def create_launch_template_version(original, self):
    source = self._get_param("SourceVersion")
    data = inherited(named_template(self).get_version(source)) if source else {}
    stated = plain(self._get_param("LaunchTemplateData", {}))
    if "UserData" in stated:
        # moto leaves a version's user data unparsed, and a group of that version then fails.
        stated["UserData"] = parse_user_data(stated["UserData"])
    self.params["LaunchTemplateData"] = data = {**data, **stated}
    return warn(self, original(self), data.get("ImageId"))


@wrap(EC2Response, "create_launch_template")
def create_launch_template(original, self):
    answer = original(self)
    template = self.ec2_backend.get_launch_template(answer.result["LaunchTemplate"]["LaunchTemplateId"])
    data = template.versions[0].data
    # moto writes the template's own tags into its data, where AWS has those of instances only.
    specs = [s for s in data.pop("TagSpecifications", []) if s["ResourceType"] != "launch-template"]
    if specs:
        data["TagSpecifications"] = specs
    return warn(self, answer, data.get("ImageId"))


def refusal(template, number):
    if number == str(template.default_version_number):
        return "unexpectedError", f"Version {number} is the default version and cannot be deleted."
    if number not in [str(version.number) for version in template.versions]:
        return "launchTemplateVersionDoesNotExist", f"Version {number} does not exist."
    return None


@add(EC2Response)
def delete_launch_template_versions(self):
    self.error_on_dryrun()
    template, deleted, kept = named_template(self), [], []
    for number in [str(n) for n in self._get_param("Versions", [])]:
        item = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": number}
        if error := refusal(template, number):
            kept.append({**item, "ResponseError": dict(zip(("Code", "Message"), error))})
            continue
        template.versions.remove(template.get_version(number))
        deleted.append(item)
    return ActionResult(
        {
            "SuccessfullyDeletedLaunchTemplateVersions": deleted,
            "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
        }
    )


@wrap(EC2Response, "describe_launch_templates")
def describe_launch_templates(original, self):
    return page(original, self, "LaunchTemplates")


@wrap(EC2Response, "describe_launch_template_versions")
def describe_launch_template_versions(original, self):
    least = int(self.params.pop("MinVersion", 1))
    most = int(self.params.pop("MaxVersion", sys.maxsize))
    return page(original, self, "LaunchTemplateVersions", lambda v: least <= v["VersionNumber"] <= most)
