"""EKS managed node groups on a launch template: their group, and version updates.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_ListNodegroups.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html
https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
"""

from moto.autoscaling import autoscaling_backends
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.eks import urls
from moto.eks.exceptions import (
    InvalidParameterException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.models import EKSBackend
from moto.eks.responses import EKSResponse
from moto.moto_api._internal import mock_random

from patch import add, plain, wrap

NODEGROUP = "{0}/clusters/(?P<name>[^/]+)/node-groups/(?P<nodegroupName>[^/]+)"
urls.url_paths[NODEGROUP + "/update-version$"] = urls.response.dispatch
urls.url_paths["{0}/clusters/(?P<name>[^/]+)/updates/(?P<updateId>[^/]+)$"] = urls.response.dispatch


def scaling(backend):
    return autoscaling_backends[backend.account_id][backend.region_name]


def resolve(backend, spec):
    """The template version that spec names, as (template, version)."""
    ec2 = scaling(backend).ec2_backend
    try:
        if "id" in spec:
            template = ec2.get_launch_template(spec["id"])
        else:
            template = ec2.get_launch_template_by_name(spec.get("name"))
        return template, template.get_version(spec.get("version") or "$Default")
    except EC2ClientError as error:
        raise InvalidParameterException(message=error.message) from None


def set_template(nodegroup, template, version):
    """What DescribeNodegroup answers for a node group on a launch template."""
    nodegroup.launch_template = {"id": template.id, "name": template.name, "version": str(version.number)}
    nodegroup.disk_size = nodegroup.remote_access = None
    if version.image_id:
        nodegroup.ami_type, nodegroup.release_version = "CUSTOM", version.image_id
    if version.instance_type:
        nodegroup.instance_types = None


def copied(version):
    """The data of the template that EKS makes of the user's and launches from."""
    return {key: value for key, value in plain(version.data).items() if value is not None}


def make_group(backend, nodegroup, version):
    groups, size = scaling(backend), nodegroup.scaling_config
    template = groups.ec2_backend.create_launch_template(f"eks-{nodegroup.uuid}", "", copied(version), {})
    name = f"eks-{nodegroup.nodegroup_name}-{nodegroup.uuid}"
    groups.create_auto_scaling_group(
        name=name,
        availability_zones=[],
        desired_capacity=size["desiredSize"],
        max_size=size["maxSize"],
        min_size=size["minSize"],
        launch_config_name=None,
        launch_template={"LaunchTemplateId": template.id, "Version": "1"},
        vpc_zone_identifier=",".join(nodegroup.subnets),
        default_cooldown=None,
        health_check_period=None,
        health_check_type=None,
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=[{"Key": "eks:nodegroup-name", "Value": nodegroup.nodegroup_name, "PropagateAtLaunch": True}],
    )
    nodegroup.resources["autoScalingGroups"] = [{"name": name}]


@wrap(EKSBackend, "create_nodegroup")
def create_nodegroup(original, self, **asked):
    spec = asked.get("launch_template")
    if not spec:
        return original(self, **asked)
    template, version = resolve(self, spec)
    try:
        scaling(self).ec2_backend.describe_subnets(subnet_ids=asked["subnets"])
    except EC2ClientError as error:
        raise InvalidParameterException(message=error.message) from None
    nodegroup = original(self, **asked)
    set_template(nodegroup, template, version)
    # Without an image EKS chooses one by the release version, which is not modelled.
    if version.image_id:
        make_group(self, nodegroup, version)
    return nodegroup


def updates(backend):
    return backend.__dict__.setdefault("domctl_updates", {})


def record(backend, nodegroup, update, finish):
    """Keeps an update for DescribeUpdate. The first read after its start sees it under way."""
    entry = {"of": nodegroup, "answer": update, "finish": finish, "seen": False}
    updates(backend)[update["id"]] = entry
    return entry


def advance(backend, nodegroup):
    """Ends the update that a read has seen under way. Called by the reads that clients poll."""
    for entry in updates(backend).values():
        if entry["of"] is not nodegroup or entry["answer"]["status"] != "InProgress":
            continue
        if entry["seen"]:
            entry["finish"]()
            entry["answer"]["status"], nodegroup.status = "Successful", "ACTIVE"
        entry["seen"] = True


def check_update(nodegroup, spec, version, release):
    if nodegroup.status != "ACTIVE":
        raise ResourceInUseException(message="Nodegroup cannot be updated as it is currently not in Active State")
    if nodegroup.ami_type == "CUSTOM" and (version or release):
        raise InvalidParameterException(message="version and releaseVersion cannot be given with a custom AMI")
    if nodegroup.ami_type == "CUSTOM" and not spec:
        raise InvalidParameterException(message="Launch template details can't be null for Custom ami type node group")
    if spec and not nodegroup.launch_template:
        raise InvalidParameterException(message="The node group was not created with a launch template")


def check_same_template(nodegroup, template):
    if template.id != nodegroup.launch_template["id"]:
        raise InvalidParameterException(message="The node group was created with another launch template")


def replace_nodes(backend, nodegroup, version):
    """EKS gives its own template a version, and ends each node for a new one."""
    groups = scaling(backend)
    for named in nodegroup.resources["autoScalingGroups"]:
        group = groups.autoscaling_groups.get(named["name"])
        if group is None:
            continue
        group.launch_template_version = str(group.ec2_launch_template.create_version(copied(version), "").number)
        group.provided_launch_template_version = group.launch_template_version
        nodes = [state.instance.id for state in group.instance_states]
        groups.ec2_backend.terminate_instances(nodes)
        groups.notify_terminate_instances(nodes)


def start_version_update(backend, nodegroup, spec, version, release):
    check_update(nodegroup, spec, version, release)
    params, target = [{"type": "Version", "value": version}, {"type": "ReleaseVersion", "value": release}], None
    if spec:
        target = resolve(backend, spec)
        check_same_template(nodegroup, target[0])
        params.append({"type": "LaunchTemplateVersion", "value": str(target[1].number)})

    def finish():
        nodegroup.version, nodegroup.modified_at = version or nodegroup.version, utcnow()
        nodegroup.release_version = release or nodegroup.release_version
        if target:
            set_template(nodegroup, *target)
            replace_nodes(backend, nodegroup, target[1])

    nodegroup.status = "UPDATING"
    return record(backend, nodegroup, new_update([p for p in params if p["value"]]), finish)["answer"]


def new_update(params):
    return {
        "id": str(mock_random.uuid4()),
        "status": "InProgress",
        "type": "VersionUpdate",
        "params": params,
        "createdAt": utcnow(),
        "errors": [],
    }


def asked_nodegroup(response):
    return response.eks_backend.describe_nodegroup(
        cluster_name=response._get_param("name"), nodegroup_name=response._get_param("nodegroupName")
    )


@add(EKSResponse)
def update_nodegroup_version(self):
    names = ("launchTemplate", "version", "releaseVersion")
    nodegroup, asked = asked_nodegroup(self), [self._get_param(name) for name in names]
    token = self._get_param("clientRequestToken")
    for entry in updates(self.eks_backend).values():
        if token and entry.get("token") == (token, asked):
            return ActionResult({"update": entry["answer"]})
    update = start_version_update(self.eks_backend, nodegroup, *asked)
    updates(self.eks_backend)[update["id"]]["token"] = (token, asked)
    return ActionResult({"update": dict(update)})


def check_sizes(nodegroup, asked):
    size = {**nodegroup.scaling_config, **plain(asked)}
    if not 0 <= size["minSize"] <= size["desiredSize"] <= size["maxSize"]:
        raise InvalidParameterException(message="desired capacity must lie between minSize and maxSize")


@wrap(EKSResponse, "update_nodegroup_config")
def update_nodegroup_config(original, self):
    nodegroup, token = asked_nodegroup(self), self._get_param("clientRequestToken")
    asked = [plain(self._get_param(name)) for name in ("labels", "taints", "scalingConfig", "updateConfig")]
    for entry in updates(self.eks_backend).values():
        if token and entry.get("token") == (token, asked):
            return ActionResult({"update": entry["answer"]})
    if nodegroup.status != "ACTIVE":
        raise ResourceInUseException(message="Nodegroup cannot be updated as it is currently not in Active State")
    check_sizes(nodegroup, asked[2] or {})
    answer = original(self)
    record(self.eks_backend, nodegroup, answer.result["update"], None)["token"] = (token, asked)
    groups, size = scaling(self.eks_backend), nodegroup.scaling_config
    for named in nodegroup.resources["autoScalingGroups"]:
        if group := groups.autoscaling_groups.get(named["name"]):
            group.min_size, group.max_size = size["minSize"], size["maxSize"]
            group.set_desired_capacity(size["desiredSize"])
    return answer


@wrap(EKSBackend, "list_nodegroups")
def list_nodegroups(original, self, cluster_name, max_results, next_token):
    self.describe_cluster(cluster_name)  # raises for one that is not there
    return original(self, cluster_name, max_results, next_token)


@wrap(EKSResponse, "delete_nodegroup")
def delete_nodegroup(original, self):
    groups, nodegroup = scaling(self.eks_backend), asked_nodegroup(self)
    for named in nodegroup.resources["autoScalingGroups"]:
        if named["name"] in groups.autoscaling_groups:
            groups.delete_auto_scaling_group(named["name"])
    return original(self)


@wrap(EKSResponse, "describe_nodegroup")
def describe_nodegroup(original, self):
    advance(self.eks_backend, asked_nodegroup(self))
    return original(self)


@add(EKSResponse)
def describe_update(self):
    entry = updates(self.eks_backend).get(self._get_param("updateId"))
    if entry is None or entry["of"].cluster_name != self._get_param("name"):
        raise ResourceNotFoundException(message=f"No update found for ID: {self._get_param('updateId')}")
    advance(self.eks_backend, entry["of"])
    return ActionResult({"update": dict(entry["answer"])})
