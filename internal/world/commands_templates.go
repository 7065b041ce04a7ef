package world

import (
	"fmt"

	"domctl.dev/applier"
)

// createTemplateCommand makes a launch template of a launch configuration. What is between
// holds user data, as in copyCommand. The variable keeps the id for the steps that name it.
func createTemplateCommand(m applier.Manual) string {
	s, token := m.Step, applier.Token(m.Apply, m.Step.ID)
	edit := `{ImageId: $image, InstanceType, KeyName, KernelId, RamDiskId: .RamdiskId, UserData, EbsOptimized, Monitoring: .InstanceMonitoring, MetadataOptions,
	IamInstanceProfile: (if .IamInstanceProfile // "" | startswith("arn:") then {Arn: .IamInstanceProfile} elif .IamInstanceProfile // "" != "" then {Name: .IamInstanceProfile} else null end),
	Placement: (if .PlacementTenancy // "" != "" then {Tenancy: .PlacementTenancy} else null end),
	InstanceMarketOptions: (if .SpotPrice // "" != "" then {MarketType: "spot", SpotOptions: {MaxPrice: .SpotPrice}} else null end),
	NetworkInterfaces: (if .AssociatePublicIpAddress == null then null else [{DeviceIndex: 0, AssociatePublicIpAddress, Groups: .SecurityGroups}] end),
	SecurityGroupIds: (if .AssociatePublicIpAddress == null then [.SecurityGroups[]? | select(startswith("sg-"))] else null end),
	SecurityGroups: (if .AssociatePublicIpAddress == null then [.SecurityGroups[]? | select(startswith("sg-") | not)] else null end),
	BlockDeviceMappings: [.BlockDeviceMappings[]? | if .DeviceName == $root then del(.Ebs.SnapshotId) else . end | if .NoDevice then .NoDevice = "" else del(.NoDevice) end]
} | with_entries(select(.value != null and .value != "" and .value != []))`
	return fmt.Sprintf(`made=$(umask 077; mktemp)
trap 'rm -f "$made"' EXIT
trap 'exit 1' HUP INT TERM
aws autoscaling describe-launch-configurations --launch-configuration-names %s --query 'LaunchConfigurations[0]' --output json |
    jq --arg image %s --arg root %s %s > "$made"
%s=$(aws ec2 create-launch-template --launch-template-name %s --client-token %s --version-description %s --launch-template-data "file://$made" --query LaunchTemplate.LaunchTemplateId --output text)
rm "$made"`, sh(s.Args["from"].Str()), shellValue(m, s.Writes["image"]), sh(s.Args["root"].Str()), sh(edit), m.Names[s.ID], sh(s.Object.ID()), sh(token), sh("domctl "+token))
}

func deleteTemplateCommand(m applier.Manual) string {
	return "aws ec2 delete-launch-template --launch-template-id " + sh(m.Step.Object.ID())
}
