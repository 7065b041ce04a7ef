"""DryRun on the EC2 actions that moto carries out in spite of it.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
"""

import inspect

from botocore import xform_name
from moto.core.utils import get_service_model
from moto.ec2.responses import EC2Response

from patch import wrap


def unchecked():
    actions = {xform_name(name) for name in get_service_model("ec2").operation_names}
    for name, function in inspect.getmembers(EC2Response, inspect.isfunction):
        if name in actions and "error_on_dryrun" not in function.__code__.co_names:
            yield name


for action in list(unchecked()):

    @wrap(EC2Response, action)
    def check_first(original, self):
        self.error_on_dryrun()
        return original(self)
