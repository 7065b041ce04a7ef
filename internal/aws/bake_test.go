package aws

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// sent are the forms of the calls of an action.
func (f *fake) sent(action string) (forms []url.Values) {
	for _, q := range f.requests() {
		if q.action == action {
			forms = append(forms, q.form)
		}
	}
	return forms
}

func holds(t *testing.T, form url.Values, want map[string]string) {
	t.Helper()
	for name, v := range want {
		if got := form.Get(name); got != v {
			t.Errorf("%s is %q, want %q", name, got, v)
		}
	}
}

func TestWhatIsLaunched(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		return http.StatusOK, result(q, `<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>`)
	})
	n := port.NewInstance{Token: "apply-1/step-1", Image: "ami-1", Type: "m5.xlarge", Subnet: "subnet-1", Groups: []string{"sg-1"}, Profile: "baker", Key: "k",
		RootDevice: "/dev/xvda", RootGiB: 200, RootType: "gp3", Tags: map[string]string{"domctl:apply": "a"}}
	if id, err := f.open(Config{}).RunInstance(t.Context(), n); id != "i-1" || err != nil {
		t.Fatal(id, err)
	}
	form := f.sent("RunInstances")[0]
	holds(t, form, map[string]string{
		"MinCount": "1", "MaxCount": "1", "ClientToken": "apply-1/step-1", "MetadataOptions.HttpTokens": "required", "MetadataOptions.HttpPutResponseHopLimit": "1",
		"SubnetId": "subnet-1", "SecurityGroupId.1": "sg-1", "IamInstanceProfile.Name": "baker", "KeyName": "k", "UserData": "",
		"BlockDeviceMapping.1.DeviceName": "/dev/xvda", "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true", "BlockDeviceMapping.1.Ebs.VolumeSize": "200",
		"BlockDeviceMapping.1.Ebs.VolumeType": "gp3", "TagSpecification.1.ResourceType": "instance", "TagSpecification.2.ResourceType": "volume",
		"TagSpecification.2.Tag.1.Key": "domctl:apply", "TagSpecification.2.Tag.1.Value": "a",
	})
	if _, err := f.open(Config{}).RunInstance(t.Context(), port.NewInstance{Image: "ami-1", Type: "m5.xlarge"}); err != nil {
		t.Fatal(err)
	}
	if form := f.sent("RunInstances")[1]; form.Has("BlockDeviceMapping.1.DeviceName") || form.Has("TagSpecification.1.ResourceType") || form.Has("IamInstanceProfile.Name") {
		t.Errorf("sent %v", form)
	}
}

func TestEveryVolumeOfAnImageGoesWithItsInstance(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		if q.action == "DescribeInstances" {
			disk := func(name string) string {
				return `<item><deviceName>` + name + `</deviceName><ebs><volumeId>vol</volumeId><deleteOnTermination>false</deleteOnTermination></ebs></item>`
			}
			return http.StatusOK, result(q, `<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><blockDeviceMapping>`+
				disk("/dev/xvdb")+disk("/dev/xvda")+`</blockDeviceMapping></item></instancesSet></item></reservationSet>`)
		}
		return http.StatusOK, result(q, `<imageId>ami-2</imageId>`)
	})
	id, err := f.open(Config{}).CreateImage(t.Context(), port.NewImage{Instance: "i-1", Name: "baked", Tags: map[string]string{"a": "b"}})
	if id != "ami-2" || err != nil {
		t.Fatal(id, err)
	}
	holds(t, f.sent("CreateImage")[0], map[string]string{
		"BlockDeviceMapping.1.DeviceName": "/dev/xvda", "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true", "BlockDeviceMapping.1.Ebs.VolumeSize": "",
		"BlockDeviceMapping.2.DeviceName": "/dev/xvdb", "BlockDeviceMapping.2.Ebs.DeleteOnTermination": "true", "NoReboot": "",
		"TagSpecification.1.ResourceType": "image", "TagSpecification.2.ResourceType": "snapshot",
	})
}

func TestSharingNamesAccountsAlone(t *testing.T) {
	f := startFake(t, func(q request) (int, string) { return http.StatusOK, result(q, "") })
	c := f.open(Config{})
	if err := c.ModifyLaunchPermission(t.Context(), "ami-1", []string{"111122223333"}, []string{"444455556666"}); err != nil {
		t.Fatal(err)
	}
	holds(t, f.sent("ModifyImageAttribute")[0], map[string]string{"LaunchPermission.Add.1.UserId": "111122223333", "LaunchPermission.Remove.1.UserId": "444455556666"})
	for _, who := range []string{"all", "", "amazon"} {
		if err := c.ModifyLaunchPermission(t.Context(), "ami-1", []string{who}, nil); err == nil || !strings.Contains(err.Error(), "makes no image public") {
			t.Errorf("%q: %v", who, err)
		}
	}
	if n := len(f.requests()); n != 1 {
		t.Errorf("%d calls were sent", n)
	}
}

// TestConsoleWithoutTheLatest: only instances on Nitro have it.
func TestConsoleWithoutTheLatest(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		if q.form.Get("Latest") == "true" {
			return http.StatusBadRequest, refusal(q, "UnsupportedOperation", "not for this type")
		}
		return http.StatusOK, result(q, `<instanceId>i-1</instanceId><output>aGVsbG8=</output>`)
	})
	if text, err := f.open(Config{}).GetConsoleOutput(t.Context(), "i-1"); text != "hello" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestSnapshotsThatStay(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		return http.StatusOK, result(q, `<return>true</return><deleteSnapshotResultSet><item><snapshotId>snap-1</snapshotId><returnCode>success</returnCode></item>`+
			`<item><snapshotId>snap-2</snapshotId><returnCode>skipped</returnCode></item></deleteSnapshotResultSet>`)
	})
	left, err := f.open(Config{}).DeregisterImage(t.Context(), "ami-1")
	if err != nil || len(left) != 1 || left[0] != "snap-2" {
		t.Errorf("%v, %v", left, err)
	}
	holds(t, f.sent("DeregisterImage")[0], map[string]string{"DeleteAssociatedSnapshots": "true"})
}

// TestAnotherRegion is where the call goes, and what its error says.
func TestAnotherRegion(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		return http.StatusBadRequest, refusal(q, "InvalidAMIID.NotFound", "no such image")
	})
	_, err := f.open(Config{}).In("eu-west-1").CopyImage(t.Context(), port.ImageCopy{Token: "t", Source: "ami-1", SourceRegion: "us-west-2", Name: "copy", Key: "alias/nodes"})
	if err == nil || !strings.HasPrefix(err.Error(), "AWS ec2:CopyImage in eu-west-1: InvalidAMIID.NotFound") {
		t.Errorf("%v", err)
	}
	holds(t, f.sent("CopyImage")[0], map[string]string{"SourceRegion": "us-west-2", "SourceImageId": "ami-1", "ClientToken": "t", "Name": "copy", "Encrypted": "true", "KmsKeyId": "alias/nodes"})
}

func TestStateReasons(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		return http.StatusOK, result(q, `<imagesSet><item><imageId>ami-1</imageId><imageState>failed</imageState><stateReason><code>Server.InternalError</code><message>no space</message></stateReason></item>`+
			`<item><imageId>ami-2</imageId><stateReason><code>Client.X</code><message>Client.X: said</message></stateReason></item></imagesSet>`)
	})
	found, err := f.open(Config{}).DescribeImages(t.Context(), port.ImageQuery{})
	if err != nil || len(found) != 2 || found[0].Reason != "Server.InternalError: no space" || found[1].Reason != "Client.X: said" {
		t.Errorf("%+v, %v", found, err)
	}
}
