package config

import (
	"cmp"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/schema"
)

// checking holds a configuration against what its parts must be to each other.
type checking struct {
	*reading
	c *Config
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	schemes     = []string{"env", "file", "ssm", "secretsManager", "kubernetes"}
)

func (k checking) all() {
	k.folder("work", k.c.Work, true)
	if k.has("poll") && !k.bad["poll"] && (k.c.Poll < 5*time.Second || k.c.Poll > 24*time.Hour) {
		k.wrong(k.where("poll"), "", "poll is not between 5s and 1d")
	}
	if k.c.Workers < 0 || k.c.Workers > 100 || k.has("workers") && !k.bad["workers"] && k.c.Workers == 0 {
		k.wrong(k.where("workers"), "", "workers is not between 1 and 100")
	}
	k.address("listen.webhooks", k.c.Listen.Webhooks)
	k.address("listen.health", k.c.Listen.Health)
	k.address("listen.page", k.c.Listen.Page)
	for _, name := range schema.Sorted(k.c.Forges) {
		k.forge(schema.JoinPath("forges", name), k.c.Forges[name])
	}
	for _, name := range schema.Sorted(k.c.Repositories) {
		k.repository(schema.JoinPath("repositories", name), k.c.Repositories[name])
	}
	if len(k.c.Deployments) == 0 && !k.bad["deployments"] {
		k.wrong(k.where(""), "state one below deployments", "no deployment is stated, so there is nothing to do")
	}
	for _, name := range schema.Sorted(k.c.Deployments) {
		k.deployment(schema.JoinPath("deployments", name), k.c.Deployments[name])
	}
	k.apart()
	k.page()
	k.replicas(k.c.Replicas)
	k.channels()
	k.logs()
}

// address is what can be listened at.
func (k checking) address(at, text string) {
	if text == "" || k.bad[at] {
		return
	}
	_, port, err := net.SplitHostPort(text)
	if _, failed := strconv.ParseUint(port, 10, 16); err != nil || failed != nil {
		k.wrong(k.where(at), "", "%s is no address to listen at; write it as 127.0.0.1:8080 or :8080", at)
	}
}

func (k checking) has(path string) bool { _, ok := k.at[path]; return ok }

// need asks for a field.
func (k checking) need(at, field, value string) bool {
	if value == "" && !k.bad[at+"."+field] {
		k.wrong(k.where(at+"."+field), "", "%s.%s is not stated", at, field)
	}
	return value != ""
}

func (k checking) oneOf(at, value string, known []string) {
	if value != "" && !slices.Contains(known, value) {
		k.wrong(k.where(at), schema.DidYouMean(value, known), "%s: there is no %q", at, value)
	}
}

// folder is an absolute path: what a service's own folder is differs by how it is started.
func (k checking) folder(at, value string, needed bool) {
	switch {
	case value == "" && needed && !k.bad[at]:
		k.wrong(k.where(at), "", "%s is not stated", at)
	case value != "" && !filepath.IsAbs(value):
		k.wrong(k.where(at), "", "%s: %q is no absolute path", at, value)
	}
}

// file is one that must be there.
func (k checking) file(at, value string, needed bool) {
	if k.folder(at, value, needed); filepath.IsAbs(value) {
		k.leads = append(k.leads, lead{at, "file", value})
	}
}

// reference is where a secret of the controller's own is.
func (k checking) reference(at, value string) {
	scheme, name, _ := strings.Cut(value, ":")
	switch {
	case value == "":
	case scheme == "env" && name != "", scheme == "file" && filepath.IsAbs(name):
		k.leads = append(k.leads, lead{at, scheme, name})
	default: // what stands there may be the secret itself, so it is not shown
		k.wrong(k.where(at), "put the secret there and state where it is, not the secret", "%s is no reference; write env:NAME or file:/path", at)
	}
}

func (k checking) via(at string, v Via) {
	if v.SSH != nil && v.PortForward != nil {
		k.wrong(k.where(at), "", "%s states not just one of ssh and portForward", at)
	}
	if v.PortForward != nil {
		k.need(at+".portForward", "namespace", v.PortForward.Namespace)
	}
	if s := v.SSH; s != nil && k.need(at+".ssh", "address", s.Address) && k.need(at+".ssh", "user", s.User) && k.need(at+".ssh", "key", s.Key) {
		k.reference(at+".ssh.key", s.Key)
		if len(s.HostKeys) == 0 {
			k.wrong(k.where(at+".ssh"), "write them as the server's /etc/ssh/ssh_host_ed25519_key.pub has them", "%s.ssh.hostKeys names no key", at)
		}
	}
}

func (k checking) forge(at string, f Forge) {
	if k.need(at, "kind", f.Kind) {
		k.oneOf(at+".kind", f.Kind, []string{"github", "gitlab", "gitea", "bitbucket"})
	}
	if f.Kind == "gitea" {
		k.need(at, "url", f.URL)
	}
	if f.URL != "" {
		u, err := url.Parse(f.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
			k.wrong(k.where(at+".url"), "", "%s.url is no address; write it as https://HOST", at)
		}
	}
	k.need(at, "token", f.Token)
	k.reference(at+".token", f.Token)
}

func (k checking) repository(at string, r Repository) {
	k.oneOf(at+".forge", r.Forge, schema.Sorted(k.c.Forges))
	if r.Forge != "" && k.need(at, "name", r.Name) && (!strings.Contains(r.Name, "/") || path.Clean(r.Name) != r.Name || path.IsAbs(r.Name)) {
		k.wrong(k.where(at+".name"), "", "%s.name names no repository; write it as in its address, acme/domino", at)
	}
	for field, value := range map[string]string{"password": r.Password, "key": r.Key, "webhook": r.Webhook} {
		k.reference(at+"."+field, value)
	}
	if r.Webhook != "" && r.Forge == "" {
		k.wrong(k.where(at+".webhook"), "state forge, whose form deliveries have", "%s has a webhook and no forge", at)
	}
	k.file(at+".knownHosts", r.KnownHosts, false)
	k.file(at+".ca", r.CA, false)
	if k.need(at, "url", r.URL) {
		k.clone(at, r)
	}
}

// shortForm is how git writes an address of SSH without its scheme.
var shortForm = regexp.MustCompile(`^([A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+):([^:@?# ]+)$`)

// inFull is how an address is written that git's short form states.
func inFull(address string) (hint string) {
	if m := shortForm.FindStringSubmatch(address); m != nil && !strings.HasPrefix(m[3], "//") {
		return "write it as ssh://" + cmp.Or(m[1], "git@") + m[2] + "/" + strings.TrimPrefix(m[3], "/") + ", and state key and knownHosts"
	}
	return ""
}

// clone holds that a repository is fetched from whom it is said to be.
func (k checking) clone(at string, r Repository) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "ssh" && u.Scheme != "file":
		k.wrong(k.where(at+".url"), inFull(r.URL), "%s.url is no address to clone from; write https://HOST/PATH, ssh://USER@HOST/PATH or file:///PATH", at)
		return
	case u.Scheme != "file" && u.Host == "", u.Scheme == "file" && (u.Host != "" || !path.IsAbs(u.Path)):
		k.wrong(k.where(at+".url"), "", "%s.url names no place", at)
	case u.User != nil && u.Scheme != "ssh":
		k.wrong(k.where(at+".url"), "state user, and password as a reference", "%s.url holds a user or a password", at)
	}
	if _, set := u.User.Password(); set && u.Scheme == "ssh" {
		k.wrong(k.where(at+".url"), "state key", "%s.url holds a password", at)
	}
	if u.Scheme == "ssh" {
		k.need(at, "key", r.Key)
		k.need(at, "knownHosts", r.KnownHosts)
	}
	for _, only := range []struct{ field, value, scheme string }{{"password", r.Password, "https"}, {"ca", r.CA, "https"}, {"key", r.Key, "ssh"}, {"knownHosts", r.KnownHosts, "ssh"}} {
		if only.value != "" && u.Scheme != only.scheme {
			k.wrong(k.where(at+"."+only.field), "", "%s.%s is for a repository that is cloned by %s", at, only.field, only.scheme)
		}
	}
}

func (k checking) deployment(at string, d Deployment) {
	if k.need(at, "repository", d.Repository) {
		k.oneOf(at+".repository", d.Repository, schema.Sorted(k.c.Repositories))
	}
	if k.need(at, "branch", d.Branch) && (strings.ContainsAny(d.Branch, " ~^:?*[\\") || strings.HasPrefix(d.Branch, "-") || strings.HasPrefix(d.Branch, "refs/")) {
		k.wrong(k.where(at+".branch"), "", "%s.branch is no branch; write it as main", at)
	}
	if d.Dir != "" && !filepath.IsLocal(filepath.FromSlash(d.Dir)) {
		k.wrong(k.where(at+".dir"), "", "%s.dir is no folder of the tree", at)
	}
	k.watch(at, d)
	k.recording(at, d)
	for i, p := range d.Secrets {
		k.pattern(at, i, p)
	}
	k.rules(at, d)
	switch {
	case !k.need(at, "world", d.World):
	case d.World == "live":
		k.live(at, d)
	case d.World == "sandbox":
		k.box(at, d)
	default:
		k.oneOf(at+".world", d.World, []string{"live", "sandbox"})
	}
}

// pattern names its scheme outright: no pattern is for secrets of any kind.
func (k checking) pattern(at string, i int, p string) {
	scheme, name, _ := strings.Cut(p, ":")
	_, err := path.Match(name, "")
	if !slices.Contains(schemes, scheme) || name == "" || err != nil || strings.Contains(name, "**") {
		k.wrong(k.where(at+".secrets."+strconv.Itoa(i)), "", "%s.secrets: %q is no pattern of references; write it as ssm:/domino/*, of %s", at, p, schema.Listed(schemes, "or"))
	}
}

func (k checking) box(at string, d Deployment) {
	k.file(at+".sandbox", d.Sandbox, true)
	k.folder(at+".state.file", d.State.File, true)
	for field, stated := range map[string]bool{"aws": d.AWS != AWS{}, "mongo": !reflect.ValueOf(d.Mongo).IsZero(), "registries": len(d.Registries) > 0, "state.s3": d.State.S3 != nil, "kubernetes": d.Kubernetes != Kubernetes{}, "domino": d.Domino != Domino{}} {
		if stated {
			k.wrong(k.where(at+"."+field), "", "%s.%s is for the live world", at, field)
		}
	}
}

func (k checking) live(at string, d Deployment) {
	if d.Sandbox != "" {
		k.wrong(k.where(at+".sandbox"), "", "%s.sandbox is for the sandbox", at)
	}
	if k.need(at+".aws", "account", d.AWS.Account) && !accountForm.MatchString(d.AWS.Account) {
		k.wrong(k.where(at+".aws.account"), "", "%s.aws.account is no account; write its 12 digits in quotes", at)
	}
	k.role(at+".aws.role", d.AWS.Role, d.AWS.Account)
	k.role(at+".aws.planRole", d.AWS.PlanRole, d.AWS.Account)
	k.need(at+".aws", "region", d.AWS.Region)
	k.need(at+".mongo", "database", d.Mongo.Database)
	if len(d.Registries) == 0 {
		k.wrong(k.where(at+".registries"), "list the hosts that its images come from: registries: [quay.io]", "%s.registries names no host", at)
	}
	if k.need(at+".mongo", "uri", d.Mongo.URI) {
		k.reference(at+".mongo.uri", d.Mongo.URI)
	}
	k.via(at+".mongo.via", d.Mongo.Via)
	k.domino(at+".domino", d.Domino)
	k.reference(at+".mongo.planURI", d.Mongo.PlanURI)
	if d.AWS.PlanRole != "" && d.AWS.Role == "" {
		k.wrong(k.where(at+".aws.planRole"), "state role, the one that applies", "%s.aws has a role for plans and none for applies", at)
	}
	switch s := d.State; {
	case (s.File == "") == (s.S3 == nil):
		k.wrong(k.where(at+".state"), "", "%s.state states not just one of file and s3", at)
	case s.File != "":
		k.folder(at+".state.file", s.File, true)
	default:
		k.need(at+".state.s3", "bucket", s.S3.Bucket)
	}
}

var roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+$`)

// role is one of the deployment's account: who is asked as another's is refused.
func (k checking) role(at, role, account string) {
	if role == "" {
		return
	}
	m := roleForm.FindStringSubmatch(role)
	switch {
	case m == nil:
		k.wrong(k.where(at), "", "%s is no ARN of a role; write it as arn:aws:iam::ACCOUNT:role/NAME", at)
	case m[1] != account && accountForm.MatchString(account):
		k.wrong(k.where(at), "", "%s is a role of account %s, and the deployment is in %s", at, m[1], account)
	}
}

// apart holds that no two deployments share records, or a sandbox.
func (k checking) apart() {
	seen := map[string]string{}
	for _, name := range schema.Sorted(k.c.Deployments) {
		d := k.c.Deployments[name]
		places := map[string]string{"state": filepath.Clean(d.State.File), "sandbox": filepath.Clean(d.Sandbox)}
		if s := d.State.S3; s != nil {
			places["state"] = "s3://" + s.Bucket + "/" + strings.Trim(s.Prefix, "/")
		}
		for _, field := range schema.Sorted(places) {
			at, here := places[field], schema.JoinPath("deployments", name, field)
			if at == "." || at == "s3:///" {
				continue
			}
			if other := seen[at]; other != "" {
				k.wrong(k.where(here), "give each its own", "%s is the one of %s", here, other)
			}
			seen[at] = here
		}
	}
}
