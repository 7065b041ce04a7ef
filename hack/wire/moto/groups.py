"""Auto Scaling groups: what they launch from is checked, kept and reported as AWS does.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateLaunchConfiguration.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteLaunchConfiguration.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-launch-template.html
"""

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.ec2.exceptions import EC2ClientError

from images import check_image
from patch import wrap

SOURCES = ("launch_config_name", "launch_template", "mixed_instances_policy")
FIELDS = ("launch_config", "launch_configuration_name", "ec2_launch_template", "mixed_instances_policy")


def template_spec(asked):
    policy = asked.get("mixed_instances_policy") or {}
    return asked.get("launch_template") or policy.get("LaunchTemplate", {}).get("LaunchTemplateSpecification") or {}


def find_version(ec2, spec):
    if "LaunchTemplateId" in spec:
        template = ec2.get_launch_template(spec["LaunchTemplateId"])
    else:
        template = ec2.get_launch_template_by_name(spec["LaunchTemplateName"])
    return template.get_version(spec.get("Version") or "$Default")


def check_source(backend, asked):
    name, spec = asked.get("launch_config_name"), template_spec(asked)
    if name and name not in backend.launch_configurations:
        raise ValidationError(f"Launch configuration name not found - {name}")
    # Neither or both of id and name is refused by moto itself.
    if ("LaunchTemplateId" in spec) == ("LaunchTemplateName" in spec):
        return
    try:
        check_image(backend.ec2_backend, find_version(backend.ec2_backend, spec).image_id)
    except EC2ClientError as error:
        raise ValidationError(f"You must use a valid fully-formed launch template. {error.message}") from None


@wrap(AutoScalingBackend, "create_auto_scaling_group")
def create_auto_scaling_group(original, self, **asked):
    if asked["name"] in self.autoscaling_groups:
        raise AutoscalingClientError("AlreadyExists", f"A group with the name {asked['name']} already exists")
    check_source(self, asked)
    return original(self, **asked)


def launch_source(group):
    return {field: getattr(group, field, None) for field in FIELDS}


def set_source(group, source):
    for field in FIELDS:
        setattr(group, field, source.get(field))


def check_sizes(group, asked):
    """Of the sizes after the call; without a desired capacity the bounds take it along."""
    least, most, desired = (asked.get(size) for size in ("min_size", "max_size", "desired_capacity"))
    least = group.min_size if least is None else least
    most = group.max_size if most is None else most
    if least > most:
        raise ValidationError(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if desired is not None and not least <= desired <= most:
        raise ValidationError(f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}")


@wrap(AutoScalingBackend, "update_auto_scaling_group")
def update_auto_scaling_group(original, self, **asked):
    check_source(self, asked)
    group = self.autoscaling_groups.get(asked["name"])
    if group is None:
        return original(self, **asked)
    check_sizes(group, asked)
    before, stated = launch_source(group), any(asked.get(source) for source in SOURCES)
    if stated:
        # A group launches from one source: a new one takes the place of the former.
        set_source(group, {})
    try:
        answer = original(self, **asked)
    except Exception:
        set_source(group, before)
        raise
    if not stated:
        # moto drops a mixed instances policy at an update that does not state it again.
        set_source(group, before)
    return answer


@wrap(AutoScalingBackend, "create_launch_configuration")
def create_launch_configuration(original, self, name, image_id, *args, **kwargs):
    if name in self.launch_configurations:
        raise AutoscalingClientError("AlreadyExists", f"A launch configuration already exists with the name {name}")
    try:
        if image_id:
            check_image(self.ec2_backend, image_id)
    except EC2ClientError as error:
        raise ValidationError(f"AMI {image_id} is invalid: {error.message}") from None
    return original(self, name, image_id, *args, **kwargs)


@wrap(AutoScalingBackend, "delete_launch_configuration")
def delete_launch_configuration(original, self, launch_configuration_name):
    if launch_configuration_name not in self.launch_configurations:
        raise ValidationError(f"Launch configuration name not found - {launch_configuration_name}")
    for group in self.autoscaling_groups.values():
        if getattr(group, "launch_configuration_name", None) == launch_configuration_name:
            raise AutoscalingClientError("ResourceInUse", f"{launch_configuration_name} is attached to {group.name}")
    return original(self, launch_configuration_name)


def group_template(group):
    """The group's template, with the version as it was given; none when a policy holds it."""
    template = group.ec2_launch_template
    if template is None or group.mixed_instances_policy:
        return None
    version = getattr(group, "provided_launch_template_version", None)
    return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": version}


FakeAutoScalingGroup.launch_template = property(group_template)


def launched_from(group):
    """What an instance launched at this moment comes from; the group may move on."""
    template = group.ec2_launch_template
    if template is None:
        return {"configuration": getattr(group, "launch_configuration_name", None)}
    number = template.get_version(group.launch_template_version).number
    spec = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": str(number)}
    return {"template": spec}


@wrap(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
def replace_autoscaling_group_instances(original, self, count_needed, propagated_tags):
    before = set(self.instance_states)
    original(self, count_needed, propagated_tags)
    for state in set(self.instance_states) - before:
        state.instance.domctl_launched_from = launched_from(self)


def launch_fact(name):
    return property(lambda state: getattr(state.instance, "domctl_launched_from", {}).get(name))


InstanceState.launch_template = launch_fact("template")
InstanceState.launch_configuration_name = launch_fact("configuration")
