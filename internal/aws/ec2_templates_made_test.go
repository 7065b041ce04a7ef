package aws

import (
	"encoding/json"
	"errors"
	"testing"

	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// TestTemplateOf: all that a launch configuration says is said by the template.
func TestTemplateOf(t *testing.T) {
	l := astypes.LaunchConfiguration{
		LaunchConfigurationName: new("lc"), ImageId: new("ami-1"), InstanceType: new("p3.2xlarge"), KeyName: new("ops"), KernelId: new(""), RamdiskId: new(""),
		UserData: new("c2VjcmV0"), EbsOptimized: new(true), IamInstanceProfile: new("nodes"), InstanceMonitoring: &astypes.InstanceMonitoring{Enabled: new(false)},
		MetadataOptions:  &astypes.InstanceMetadataOptions{HttpTokens: "required", HttpPutResponseHopLimit: new(int32(2)), HttpEndpoint: "enabled"},
		PlacementTenancy: new("dedicated"), SecurityGroups: []string{"sg-1", "default"}, SpotPrice: new("0.9"),
		BlockDeviceMappings: []astypes.BlockDeviceMapping{
			{DeviceName: new("/dev/xvda"), Ebs: &astypes.Ebs{SnapshotId: new("snap-1"), VolumeSize: new(int32(100)), VolumeType: new("gp3"), Iops: new(int32(3000)), Throughput: new(int32(125)), DeleteOnTermination: new(true)}},
			{DeviceName: new("/dev/sdb"), VirtualName: new("ephemeral0")}, {DeviceName: new("/dev/sdc"), NoDevice: new(true)},
		},
	}
	d, err := templateOf(l, port.NewLaunchTemplate{Image: "ami-2", Root: "/dev/xvda"})
	if err != nil {
		t.Fatal(err)
	}
	got := schema.JSON(stated(plainly(t, d))).Text
	const want = `{"BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"Iops":3000,"Throughput":125,"VolumeSize":100,"VolumeType":"gp3"}},` +
		`{"DeviceName":"/dev/sdb","VirtualName":"ephemeral0"},{"DeviceName":"/dev/sdc","NoDevice":""}],"EbsOptimized":true,"IamInstanceProfile":{"Name":"nodes"},"ImageId":"ami-2",` +
		`"InstanceMarketOptions":{"MarketType":"spot","SpotOptions":{"MaxPrice":"0.9"}},"InstanceType":"p3.2xlarge","KeyName":"ops",` +
		`"MetadataOptions":{"HttpEndpoint":"enabled","HttpPutResponseHopLimit":2,"HttpTokens":"required"},"Monitoring":{"Enabled":false},"Placement":{"Tenancy":"dedicated"},` +
		`"SecurityGroupIds":["sg-1"],"SecurityGroups":["default"],"UserData":"c2VjcmV0"}`
	if got != want {
		t.Errorf("template is\n%s\nwant\n%s", got, want)
	}
	l.AssociatePublicIpAddress, l.IamInstanceProfile, l.SpotPrice = new(true), new("arn:aws:iam::1:instance-profile/nodes"), nil
	if d, _ = templateOf(l, port.NewLaunchTemplate{}); len(d.SecurityGroupIds)+len(d.SecurityGroups) > 0 || len(d.NetworkInterfaces[0].Groups) != 2 || str(d.IamInstanceProfile.Arn) == "" ||
		str(d.ImageId) != "ami-1" || str(d.BlockDeviceMappings[0].Ebs.SnapshotId) != "snap-1" || d.InstanceMarketOptions != nil {
		t.Errorf("template is %+v", d)
	}
	l.ClassicLinkVPCId = new("vpc-1")
	if _, err = templateOf(l, port.NewLaunchTemplate{Configuration: "lc"}); !errors.Is(err, port.ErrState) {
		t.Errorf("EC2-Classic: %v, want ErrState", err)
	}
}

func plainly(t *testing.T, v any) (plain any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
