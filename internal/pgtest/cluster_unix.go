//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// Cluster is a Patroni cluster of three PostgreSQL servers and one etcd server, on loopback.
// Each commit waits for a synchronous standby, and a dead leader's standby takes over by
// itself. It is for one test at a time.
type Cluster struct {
	folder  string
	etcd    string // its client address
	members []*member
}

// member is one node: Patroni and the server that it keeps.
type member struct {
	name, data       string
	postgres, health string // addresses
	patroni          *exec.Cmd
}

const (
	clusterSize = 3
	// clusterTimeout bounds a wait for the cluster. A leader's lease of 5 s has to end first.
	clusterTimeout = 2 * time.Minute
)

// patroniConfig is a member's configuration. See "YAML Configuration Settings" in Patroni's
// documentation. The times are as short as Patroni takes them.
var patroniConfig = template.Must(template.New("").Parse(`
scope: smsplus
name: {{.Name}}
etcd3: {host: {{.Etcd}}}
restapi: {listen: {{.Health}}, connect_address: {{.Health}}}
bootstrap:
  dcs:
    ttl: 5
    loop_wait: 1
    retry_timeout: 2
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql: {use_pg_rewind: true, parameters: {max_connections: 100, wal_keep_size: 256MB}}
  initdb: [{encoding: UTF8}, {locale: C}, {auth: trust}]
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
postgresql:
  listen: {{.Postgres}}
  connect_address: {{.Postgres}}
  data_dir: {{.Data}}
  bin_dir: {{.Bin}}
  pgpass: {{.Data}}.pgpass
  authentication: {superuser: {username: smsplus}, replication: {username: replicator, password: trusted}}
  parameters: {unix_socket_directories: ""}
`))

// NewCluster starts a cluster, and stops it when the test ends. It fails the test if
// Patroni, etcd or PostgreSQL is not installed (Debian's packages patroni, etcd-server and
// postgresql).
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	bin, err := binaries()
	if err != nil {
		tb.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "smsplus-cluster.") //nolint:usetesting // another account has to reach it
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o777); err != nil { // the servers run in another account
		tb.Fatal(err)
	}
	c := &Cluster{folder: folder, etcd: freeAddress(tb)}
	peer := "http://" + freeAddress(tb)
	etcd := c.startProgram(tb, "etcd", "etcd", "--data-dir", filepath.Join(folder, "etcd"), "--listen-client-urls", "http://"+c.etcd,
		"--advertise-client-urls", "http://"+c.etcd, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--initial-cluster", "default="+peer, "--unsafe-no-fsync")
	tb.Cleanup(func() { killProcess(etcd) })
	for i := range clusterSize {
		m := &member{
			name: "member" + strconv.Itoa(i), data: filepath.Join(folder, strconv.Itoa(i)),
			postgres: freeAddress(tb), health: freeAddress(tb),
		}
		var config bytes.Buffer
		err := patroniConfig.Execute(&config, map[string]string{
			"Name": m.name, "Etcd": c.etcd, "Health": m.health, "Postgres": m.postgres, "Data": m.data, "Bin": bin,
		})
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(m.configFile(), config.Bytes(), 0o644); err != nil { //nolint:gosec // it holds no secret, and another account reads it
			tb.Fatal(err)
		}
		c.members = append(c.members, m)
		tb.Cleanup(func() { m.crash() })
		c.startMember(tb, m)
		if i == 0 {
			c.waitFor(tb, "a leader", func() bool { return c.leader() != nil })
		}
	}
	c.waitForStandby(tb)
	return c
}

// DSN returns a data source name that leads to the leader, whichever member that is.
func (c *Cluster) DSN() string {
	var hosts, ports []string
	for _, m := range c.members {
		host, port, _ := net.SplitHostPort(m.postgres)
		hosts, ports = append(hosts, host), append(ports, port)
	}
	return fmt.Sprintf("host=%s port=%s user=smsplus dbname=postgres sslmode=disable connect_timeout=2 target_session_attrs=read-write",
		strings.Join(hosts, ","), strings.Join(ports, ","))
}

// KillLeader kills the leader's processes, as a power cut does, and waits until another
// member leads. Then it starts the member again and waits until it follows.
func (c *Cluster) KillLeader(tb testing.TB) {
	tb.Helper()
	dead := c.leader()
	if dead == nil {
		tb.Fatal("the cluster has no leader")
	}
	dead.crash()
	c.waitFor(tb, "another leader", func() bool { return c.leader() != nil })
	c.startMember(tb, dead)
	c.waitFor(tb, dead.name+" to follow", func() bool { return dead.hasRole("replica") })
	c.waitForStandby(tb)
}

// leader returns the member that leads, or nil.
func (c *Cluster) leader() *member {
	for _, m := range c.members {
		if m.hasRole("primary") {
			return m
		}
	}
	return nil
}

func (c *Cluster) waitForStandby(tb testing.TB) {
	tb.Helper()
	c.waitFor(tb, "a synchronous standby", func() bool {
		for _, m := range c.members {
			if m.hasRole("synchronous") {
				return true
			}
		}
		return false
	})
}

// waitFor polls, because nothing signals the state of a cluster.
func (c *Cluster) waitFor(tb testing.TB, what string, reached func() bool) {
	tb.Helper()
	for end := time.Now().Add(clusterTimeout); !reached(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			logs, _ := exec.Command("sh", "-c", "tail -n 20 "+c.folder+"/*.log").CombinedOutput()
			tb.Fatalf("the cluster does not have %s after %v:\n%s", what, clusterTimeout, logs)
		}
	}
}

func (m *member) configFile() string { return m.data + ".yml" }

// hasRole reports whether Patroni says that the member has a role: "primary", "replica" or
// "synchronous". See "Patroni REST API" in its documentation.
func (m *member) hasRole(role string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.health+"/"+role, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// startMember starts Patroni, which starts the server.
func (c *Cluster) startMember(tb testing.TB, m *member) {
	tb.Helper()
	m.patroni = c.startProgram(tb, m.name, "patroni", m.configFile())
}

// crash kills Patroni and the server with all its processes.
func (m *member) crash() {
	if m.patroni == nil {
		return
	}
	killProcess(m.patroni)
	m.patroni = nil
	lines, err := os.ReadFile(filepath.Join(m.data, "postmaster.pid"))
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(lines), "\n")
	if pid, err := strconv.Atoi(first); err == nil {
		killChildren(pid)
	}
}

// startProgram starts a program in the account of the servers. Its output goes to a log.
func (c *Cluster) startProgram(tb testing.TB, name, program string, args ...string) *exec.Cmd {
	tb.Helper()
	log, err := os.OpenFile(filepath.Join(c.folder, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the program has its own descriptor
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.folder, log, log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.folder, "LC_ALL=C.UTF-8"}
	if cmd.SysProcAttr, err = processAttributes(); err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("%s is not installed (Debian's packages are patroni, etcd-server and postgresql): %v", program, err)
	}
	return cmd
}

// freeAddress returns an address on loopback that no program listens on now.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its address is wanted
	return l.Addr().String()
}

// killProcess kills a program and its process group, and waits for it.
func killProcess(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

// killChildren kills a process and its children.
func killChildren(pid int) {
	children, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
