#!/usr/bin/env python3
"""Writes schema/instance_types.txt from a release of moto.

moto ships what AWS's DescribeInstanceTypes answered when it was released.

    pip download --no-deps moto==5.2.5
    hack/instance_types.py moto-5.2.5-py3-none-any.whl > schema/instance_types.txt

The table is committed: neither the build nor `make generate` needs Python.
"""

import gzip
import json
import sys
import zipfile

ANSWERS = "moto/ec2/resources/instance_types.json.gz"


def row(t):
    gpus = t.get("GpuInfo", {}).get("Gpus", [])
    return [
        t["InstanceType"],
        t["VCpuInfo"]["DefaultVCpus"],
        t["MemoryInfo"]["SizeInMiB"],
        sum(g.get("Count", 0) for g in gpus),
        gpus[0]["Name"] if gpus else "-",
        ",".join(sorted(t["ProcessorInfo"]["SupportedArchitectures"])),
    ]


def main(path):
    wheel = zipfile.ZipFile(path)
    release = path.rsplit("/", 1)[-1].split("-")[1]
    date = "%04d-%02d-%02d" % wheel.getinfo(ANSWERS).date_time[:3]
    print("# EC2 instance types: name, vCPUs, memory in MiB, GPUs, GPU, architectures; separated by tabs.")
    print(f"# Written by hack/instance_types.py from AWS's answers, as moto {release} of {date} has them.")
    types = json.loads(gzip.decompress(wheel.read(ANSWERS)))
    for name in sorted(types):
        print(*row(types[name]), sep="\t")


main(sys.argv[1])
