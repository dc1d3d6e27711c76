package plan

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
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

func TestPoints(t *testing.T) {
	mounts := []sandbox.Mount{
		{Source: "/v/data", Path: "/data"},
		{Source: "/v/deep", Path: "/data/a/deep"},
		{Source: "/srv", Path: "/data/a/deep/host"},
		{Source: "/v/x", Path: "/data/a/deep/host/x"}, // in a folder of the host
		{Source: "/v/other", Path: "/database"},
	}
	want := []Point{{"data/a/deep", "/v/deep"}, {"deep/host", "/srv"}}
	if got := Points(mounts, "/v"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Points(mounts, "/elsewhere"); len(got) > 0 {
		t.Errorf("volumes are elsewhere: %v", got)
	}
}

// Whatever the order of a template, a mount comes after the one that it lies in.
func TestMountsInOrder(t *testing.T) {
	spec := corev1.PodSpec{
		Volumes: []corev1.Volume{
			{Name: "a", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "b", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
		Containers: []corev1.Container{{
			Name: "web", Command: []string{"x"},
			VolumeMounts: []corev1.VolumeMount{{Name: "b", MountPath: "/data/sub"}, {Name: "a", MountPath: "/data/"}},
		}},
	}
	out, err := declared.Build(&corev1.PodTemplateSpec{Spec: spec}, facts, Options{Find: find, Volumes: "/v"})
	if err != nil {
		t.Fatal(err)
	}
	want := []sandbox.Mount{{Source: "/v/a", Path: "/data"}, {Source: "/v/b", Path: "/data/sub"}}
	if !slices.Equal(out.Mounts, want) {
		t.Errorf("got %v, want %v", out.Mounts, want)
	}
}
