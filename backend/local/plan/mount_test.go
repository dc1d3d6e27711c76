package plan

import (
	"strings"
	"testing"
)

func TestMountPath(t *testing.T) {
	for _, path := range []string{"/data", "/etc/app/", "/procedures", "/devices/x", "/dev/shm", "/x/proc"} {
		if got, err := mountPath(path); err != nil || got != strings.TrimSuffix(path, "/") {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"":                 "not an absolute path below /",
		"data":             "not an absolute path below /",
		"/":                "not an absolute path below /",
		"//":               "not an absolute path below /",
		"/x/..":            "not an absolute path below /",
		"/proc":            "lies in /proc, which is the kernel's",
		"/dev/../dev/null": "lies in /dev, which is the kernel's",
		"/sys/":            "lies in /sys, which is the kernel's",
		"/proc/sys/net/ipv4/ip_unprivileged_port_start": "lies in /proc, which is the kernel's",
		"/dev/shm/x": "lies in /dev, which is the kernel's",
	} {
		if got, err := mountPath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want an error with %q", path, got, err, want)
		}
	}
}
