// Package wiretest starts the independent servers that domctl is tested
// against: MongoDB (a mongod, else mongo-java-server), AWS (moto with the
// additions in hack/wire/moto), docker-registry, kube-apiserver and Gitea, and
// proxies that make connections fail, and count calls. It is test support:
// nothing that ships imports it.
//
// hack/wire/install.sh installs the servers. Tests that need them carry the
// build tag wire and run with
//
//	DOMCTL_WIRE=1 go test -tags wire ./...
//
// where a server that is not installed fails the test; without DOMCTL_WIRE=1
// it skips it and says how to install.
//
// Mongo, AWS, Kube and Forge are one server per test process, kept apart by a
// database name, an account, a namespace and users of the test's own; NewMongo,
// NewAWS and NewRegistry start one for the test alone, which it may stop, kill and
// restart.
// Every server listens on loopback and dies with the test process, also when
// that is killed. The package works on Linux only.
package wiretest
