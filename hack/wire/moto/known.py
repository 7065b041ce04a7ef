"""Images and a snapshot that every account finds, with ids that a test can know before.

What a group launches must exist, and EC2 chooses the ids of what is made.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/finding-an-ami.html (shared images have an owner)
"""

from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend, Snapshot

from patch import wrap

IMAGES = [f"ami-0000000000000000{last}" for last in "abcd"]
SNAPSHOT = "snap-0123456789abcdef0"
OWNER = "099720109477"


@wrap(AmiBackend, "_load_amis")
def _load_amis(original, self):
    original(self)
    for ami_id in IMAGES:
        self.amis[ami_id] = Ami(self, ami_id, name=f"known-{ami_id}", owner_id=OWNER, architecture="x86_64", public=True)


@wrap(EBSBackend, "get_snapshot")
def get_snapshot(original, self, snapshot_id):
    if snapshot_id == SNAPSHOT and snapshot_id not in self.snapshots:
        volume = self.create_volume(size=15, zone_name=f"{self.region_name}a")
        self.snapshots[snapshot_id] = Snapshot(self, snapshot_id, volume, "known", owner_id=OWNER)
    return original(self, snapshot_id)
