"""Systems Manager's view of instances: which are online, and which take a command. None is run.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
"""

from moto.core.responses import ActionResult
from moto.ec2 import ec2_backends
from moto.ssm.exceptions import SSMException
from moto.ssm.models import Command, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from patch import add, wrap


def instances(account, region):
    for reservation in ec2_backends[account][region].all_reservations():
        yield from reservation.instances


@add(SimpleSystemManagerResponse)
def describe_instance_information(self):
    wanted = [v for f in self._get_param("Filters", []) if f["Key"] == "InstanceIds" for v in f["Values"]]
    online = {"running": "Online", "stopped": "ConnectionLost"}
    return ActionResult(
        {
            "InstanceInformationList": [
                {"InstanceId": i.id, "PingStatus": online[i.state], "ResourceType": "EC2Instance", "PlatformType": "Linux"}
                for i in instances(self.current_account, self.region)
                if i.state in online and (not wanted or i.id in wanted)
            ]
        }
    )


@wrap(SimpleSystemManagerBackend, "send_command")
def send_command(original, self, **asked):
    running = [i.id for i in instances(self.account_id, self.region_name) if i.state == "running"]
    for instance_id in asked.get("instance_ids", []):
        if instance_id not in running:
            raise SSMException("InvalidInstanceId", f"Instances [[{instance_id}]] not in a valid state for account {self.account_id}")
    return original(self, **asked)


@wrap(Command, "_get_instance_ids_from_targets")
def targeted(original, self):
    # moto takes no targets for every instance.
    return original(self) if self.targets else []
