//go:build wire

package main

import (
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/wiretest"
)

// hostile are options of a URI that ask for what domctl must not do.
const hostile = "&readPreference=secondary&readConcernLevel=local&w=0&journal=false&retryWrites=true&timeoutMS=1&maxStalenessSeconds=90"

// newSet is a deployment on a replica set, by a URI that asks for the worst.
func newSet(t *testing.T) (*faulty, *wiretest.MongoSet) {
	t.Helper()
	a, dir := onWire(t)
	set := wiretest.NewMongoSet(t)
	t.Setenv("DOMCTL_MONGO_URI", set.URI+hostile)
	f := &faulty{Acme: a, t: t, dir: dir}
	f.edit("mongo: {database:", `mongo: {replicaSet: "rs0", database:`)
	return f, set
}

// took are the writes that a whole apply makes.
func took(t *testing.T) []string {
	t.Helper()
	f, set := newSet(t)
	f.healed()
	return sortedWrites(set)
}

func sortedWrites(set *wiretest.MongoSet) []string {
	writes := set.Took()
	slices.Sort(writes)
	return writes
}

// TestFaultMongoFailsOver: the primary changes at a write that took effect or
// was refused, while others are under way. The apply looks, and goes on by itself.
func TestFaultMongoFailsOver(t *testing.T) {
	whole := took(t)
	unconfirmed := func(code int, name string) bson.D {
		return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}, {Key: "nModified", Value: 1},
			{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: serversText}}}}
	}
	for name, answer := range map[string]bson.D{
		"refused":       wiretest.Refusal(10107, "NotWritablePrimary"),
		"stepped down":  wiretest.Refusal(189, "PrimarySteppedDown"),
		"interrupted":   wiretest.Refusal(11602, "InterruptedDueToReplStateChange"),
		"not confirmed": unconfirmed(64, "WriteConcernTimeout"),
		"state changed": unconfirmed(10107, "NotWritablePrimary"),
		"cut":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			f, set := newSet(t)
			for _, command := range []string{"update", "insert"} {
				set.FailOver(command, name != "refused", answer)
			}
			out := domctl(t, 0, "apply", f.dir, "--auto-approve")
			f.failedOver(set, out, whole)
		})
	}
}

const serversText = "canary of the server's text"

// TestFaultMongoLostBeforeTheWrite: nothing was written, and only the time until
// it could no longer land tells that from a lost answer.
func TestFaultMongoLostBeforeTheWrite(t *testing.T) {
	whole := took(t)
	f, set := newSet(t)
	set.FailOver("update", false, nil)
	set.FailOver("insert", false, nil)
	out := domctl(t, 1, "apply", f.dir, "--auto-approve")
	f.says(out, "DC317", "left no effect", "the connection broke; whether the server did it is open", "domctl apply "+f.dir+" --resume ")
	f.resumed()
	f.failedOver(set, out, whole)
}

// failedOver holds that a failover came, and that each write took effect once.
func (f *faulty) failedOver(set *wiretest.MongoSet, out string, whole []string) {
	f.t.Helper()
	if !set.Failed() {
		f.t.Error("nothing failed over")
	}
	if strings.Contains(out, serversText) {
		f.t.Errorf("the server's text is shown:\n%s", out)
	}
	f.nothing()
	if got := sortedWrites(set); !slices.Equal(got, whole) {
		f.t.Errorf("these writes took effect:\n%s\nwant each once:\n%s", strings.Join(got, "\n"), strings.Join(whole, "\n"))
	}
}

// TestFaultMongoFailsOverAtARead: the driver asks the new primary, and the plan
// is the same.
func TestFaultMongoFailsOverAtARead(t *testing.T) {
	f, set := newSet(t)
	set.FailOver("find", false, wiretest.Refusal(10107, "NotWritablePrimary"))
	out := domctl(t, 2, "plan", f.dir, "--detailed-exitcode")
	if !set.Failed() || len(set.Took()) > 0 {
		t.Errorf("failed over: %v, wrote %v", set.Failed(), set.Took())
	}
	f.says(out, "hardwareTiers.small  update")
	f.healed()
}

// TestFaultAnotherReplicaSet: who answers is not who the files name.
func TestFaultAnotherReplicaSet(t *testing.T) {
	f, _ := newSet(t)
	f.edit(`replicaSet: "rs0"`, `replicaSet: "rs1"`)
	f.fails("DC602", "rs0", "rs1")
}
