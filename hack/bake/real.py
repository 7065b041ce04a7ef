"""Makes moto's instances real: what EC2 and SSM say of one is what its machine did.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
"""

import copy
import datetime
import os
import subprocess
import threading
import time
import traceback

from moto.core.types import Base64EncodedString
from moto.ec2 import ec2_backends
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance, InstanceBackend, StateReason
from moto.ec2.responses import EC2Response
from moto.ssm.exceptions import SSMException
from moto.ssm.models import SimpleSystemManagerBackend

from machine import Host, Machine
from patch import wrap

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
MOST_STDOUT, MOST_STDERR = 24000, 8000
CUT = "--output truncated--"


def install(folder, engines):
    host = Host(folder, engines)
    instances(host)
    images(host)
    commands()


def turn(instance, state):
    instance._state.name, instance._state.code = state, CODES[state]


def order(instance, work, then):
    """Does work in the machine's thread. moto is at the final state at once: until then it is pending."""

    def run():
        try:
            work()
            turn(instance, then)
        except Exception as failure:
            traceback.print_exc()
            instance.domctl_machine.halt(hard=True)
            instance.state_reason = StateReason(f"Server.InternalError: {failure}", "Server.InternalError")
            turn(instance, "terminated")

    instance.domctl_machine.orders.submit(run)


def instances(host):
    @wrap(InstanceBackend, "run_instances")
    def run_instances(original, self, image_id, count, user_data, security_group_names, **asked):
        reservation = original(self, image_id, count, user_data, security_group_names, **asked)
        for instance in reservation.instances:
            pair = self.key_pairs.get(instance.key_name)
            disk = getattr(self.amis.get(instance.image_id), "domctl_disk", None)
            machine = Machine(host, instance.id, disk, [pair.public_key.strip()] if pair else [])
            instance.domctl_machine = machine
            address(instance, machine.ip)
            turn(instance, "pending")
            order(instance, machine.boot, "running")
        return reservation

    def turned(verb, on_the_way, done, work):
        @wrap(Instance, verb)
        def act(original, self):
            if self.state in (on_the_way, done):
                return copy.copy(self._state)
            before = original(self)
            turn(self, on_the_way)
            order(self, lambda: work(self.domctl_machine), done)
            return before

    turned("start", "pending", "running", Machine.boot)
    turned("stop", "stopping", "stopped", Machine.halt)
    turned("terminate", "shutting-down", "terminated", Machine.destroy)

    @wrap(Instance, "reboot")
    def reboot(original, self):
        machine = self.domctl_machine
        order(self, lambda: (machine.halt(), machine.boot()), "running")

    @wrap(EC2Response, "get_console_output")
    def get_console_output(original, self):
        answer = original(self)
        machine = self.ec2_backend.get_instance(answer.result["InstanceId"]).domctl_machine
        answer.result["Output"] = Base64EncodedString.from_raw_string(machine.console)
        return answer


def address(instance, ip):
    """moto takes no address outside the subnet, so it is set afterwards; there is no public one."""
    nic = instance.nics[0]
    nic.private_ip_address, nic.private_ip_addresses = ip, [{"Primary": True, "PrivateIpAddress": ip}]
    nic.public_ip, nic.public_ip_auto_assign = None, False


def images(host):
    @wrap(EC2Backend, "create_image")
    def create_image(original, self, instance_id, name, description, tag_specifications):
        image = original(self, instance_id, name, description, tag_specifications=tag_specifications)
        instance, image.state = self.get_instance(instance_id), "pending"
        machine, running = instance.domctl_machine, instance.state == "running"

        def save():
            try:
                if running:
                    machine.halt()
                machine.save(f"{host.folder}/images/{image.id}")
                image.domctl_disk, image.state = f"{host.folder}/images/{image.id}", "available"
            except Exception:
                traceback.print_exc()
                image.state = "failed"
            if running:
                machine.boot()

        machine.orders.submit(save)
        return image

    @wrap(EC2Backend, "copy_image")
    def copy_image(original, self, source_image_id, source_region, **asked):
        image = original(self, source_image_id, source_region, **asked)
        # No one writes to an image's disk, so a copy is the same folder.
        source = ec2_backends[self.account_id][source_region].amis.get(source_image_id)
        image.domctl_disk = getattr(source, "domctl_disk", None)
        return image


def commands():
    @wrap(SimpleSystemManagerBackend, "send_command")
    def send_command(original, self, **asked):
        if asked["document_name"] != "AWS-RunShellScript":
            raise SSMException("InvalidDocument", "")
        command = original(self, **asked)
        backend = ec2_backends[self.account_id][self.region_name]
        for invocation in command.invocations:
            under_way(invocation, "Pending")
            machine = backend.get_instance(invocation["InstanceId"]).domctl_machine
            threading.Thread(target=run_command, args=(command, machine, invocation), daemon=True).start()
        return command


def under_way(invocation, status):
    invocation.update(Status=status, StatusDetails=status, ResponseCode=-1, ExecutionStartDateTime="", ExecutionElapsedTime="", ExecutionEndDateTime="")


def run_command(command, machine, invocation):
    """Runs a command on its machine as the agent does, and ends it at its timeout."""
    asked, at = command.parameters, f"{machine.at}/ssm/{command.command_id}"
    os.makedirs(at)
    with open(f"{at}/_script.sh", "w") as f:
        f.write("\n".join(asked.get("commands", [])) + "\n")
    under_way(invocation, "InProgress")
    began = time.monotonic()
    invocation["ExecutionStartDateTime"] = stamp()
    with open(f"{at}/stdout", "wb") as out, open(f"{at}/stderr", "wb") as err:
        argv = machine.inside(["/bin/sh", f"{at}/_script.sh"])
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd="/", start_new_session=True)
        try:
            code, status, details = process.wait(int(asked.get("executionTimeout", ["3600"])[0])), "Failed", "Failed"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            code, status, details = 137, "TimedOut", "ExecutionTimedOut"
    if code == 0:
        status = details = "Success"
    invocation.update(
        StandardOutputContent=output(f"{at}/stdout", MOST_STDOUT),
        StandardErrorContent=output(f"{at}/stderr", MOST_STDERR),
        ResponseCode=code if code >= 0 else 128 - code,
        ExecutionEndDateTime=stamp(),
        ExecutionElapsedTime=f"PT{time.monotonic() - began:.3f}S",
        StatusDetails=details,
        Status=status,
    )


def output(name, most):
    """What the agent keeps of a command's output: the remark counts within the limit."""
    with open(name, "rb") as f:
        text = f.read(most)
    return (text if len(text) < most else text[: most - len(CUT)] + CUT.encode()).decode("utf-8", "replace")


def stamp():
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
