package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// naked is a client without a sidecar.
func naked() string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: naked}
spec:
  selector: {matchLabels: {app: naked}}
  template:
    metadata:
      labels: {app: naked}
      annotations: {sidecar.istio.io/inject: "false"}
    spec:
      containers:
      - name: app
        command: [%s]
        args: [serve, -name, naked, -ports, "http=8080"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
`, proberPath)
}

// Every protocol, on a port that says its protocol and on one that does not,
// called from a pod with a sidecar and from one without.
func TestProtocolMatrix(t *testing.T) {
	m := bookinfo(t)
	echoApp(t, m)
	apply(t, m, naked())
	clean(t, m, naked())
	clients := map[string]Pod{"meshed": podOf(t, m, "productpage-v1"), "naked": podOf(t, m, "naked")}
	ports := map[string][2]string{ // named, unnamed
		"http1": {"8080", "9080"},
		"h2c":   {"8080", "9080"},
		"grpc":  {"8081", "9081"},
		"tcp":   {"8082", "9082"},
		"first": {"8083", "9083"},
		"tls":   {"8084", "9084"},
	}
	for who, pod := range clients {
		for protocol, pair := range ports {
			for i, kind := range []string{"named", "unnamed"} {
				t.Run(strings.Join([]string{who, protocol, kind}, "/"), func(t *testing.T) {
					var a struct {
						Name, Error, Peer string
						Status            int
						Millis            int64
					}
					if err := ExecJSON(t.Context(), m, pod.Name, &a, proberPath, "call", "-protocol", protocol, "-to", "echo:"+pair[i]); err != nil {
						t.Fatal(err)
					}
					switch protocol {
					case "http1", "h2c":
						if a.Status != 200 || !strings.HasPrefix(a.Name, "echo-") {
							t.Errorf("got %+v", a)
						}
					case "grpc":
						if !strings.HasPrefix(a.Name, "echo-") {
							t.Errorf("got %+v", a)
						}
					case "first":
						if !strings.Contains(a.Name, "ready") {
							t.Errorf("the greeting is %q", a.Name)
						}
					case "tls":
						if a.Status != 200 || a.Peer != "prober" {
							t.Errorf("the application's own TLS did not pass: %+v", a)
						}
					}
				})
			}
		}
	}
}

func TestPodsSeeNothingOfTheMesh(t *testing.T) {
	m := bookinfo(t)
	local := m.(*localMesh)
	pod := podOf(t, m, "details-v1")
	for _, path := range []string{"run/heddle.sock", "run/supervisor.sock", "run/cluster.sock", "ca", "heddle.db", "config", "traces"} {
		out, err := m.Exec(t.Context(), pod.Name, "/bin/sh", "-c", "test -e '"+local.state+"/"+path+"' && echo there || echo absent")
		if err != nil || strings.TrimSpace(string(out)) != "absent" {
			t.Errorf("%s: %s %v", path, out, err)
		}
	}
	out, err := m.Exec(t.Context(), pod.Name, "/bin/sh", "-c", "ls '"+local.state+"/run/pods' | wc -l")
	if err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Errorf("the pod sees %s pod folders, want its own alone (%v)", out, err)
	}
	// Neither do the files and folders that its processes have open lead there.
	state := filepath.Base(local.state)
	script := "for d in /proc/[0-9]*/fd/* /proc/[0-9]*/cwd /proc/[0-9]*/root; do for f in $d/ca $d/" + state + "/ca $d" + local.state + "/ca; do test -e $f && echo $f; done; done; " +
		"readlink /proc/[0-9]*/fd/* | grep -xF '" + filepath.Dir(local.state) + "'; true"
	for _, workload := range []string{"details-v1", "ingressgateway"} {
		out, err := m.Exec(t.Context(), podOf(t, m, workload).Name, "/bin/sh", "-c", script)
		if err != nil || len(out) > 0 {
			t.Errorf("a pod of %s sees %s (%v)", workload, out, err)
		}
	}
}

func TestServiceOnANewPort(t *testing.T) {
	m := bookinfo(t)
	echoApp(t, m)
	service := `apiVersion: v1
kind: Service
metadata: {name: extra}
spec:
  selector: {app: echo}
  ports: [{name: http, port: 7777, targetPort: 8080}]
`
	clean(t, m, service)
	pod := podOf(t, m, "productpage-v1")
	for round := range 3 {
		apply(t, m, service)
		took := Eventually(t, time.Second, "the new service answers", func() error {
			var a struct {
				Status int
				Error  string
			}
			if err := ExecJSON(t.Context(), m, pod.Name, &a, proberPath, "call", "-to", "extra:7777"); err != nil {
				return err
			}
			if a.Status != 200 {
				return fmt.Errorf("status %d", a.Status)
			}
			return nil
		})
		t.Logf("round %d: answers after %v", round+1, took)
		if err := m.Delete(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		settle(t, m)
	}
}
