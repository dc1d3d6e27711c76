package local

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Volumes lie in each other, in whatever order they are named, and each is what
// it is on its own.
func TestNestedVolumes(t *testing.T) {
	b := start(t, nil)
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"greeting": "hello"}}
	b.apply(settings, b.deployment("web", "v1", func(d *appsv1.Deployment) {
		spec := &d.Spec.Template.Spec
		for _, name := range []string{"outer", "inner"} {
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
		}
		config := corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &config}})
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{
			{Name: "inner", MountPath: "/nested/a/b"},
			{Name: "outer", MountPath: "/nested"},
			{Name: "config", MountPath: "/nested/a/greeting", SubPath: "greeting"},
			{Name: "config", MountPath: "/config"},
			{Name: "outer", MountPath: "/config/outer"},
		}
	}))
	b.await("ready", func(s Status) bool { return len(s.Deployments) == 1 && s.Ready() })
	for _, tt := range []struct{ script, want string }{
		{"touch /nested/x /nested/a/b/y && ls /nested /nested/a", "/nested:\na\nx\n\n/nested/a:\nb\ngreeting\n"},
		{"cat /nested/a/greeting /config/greeting", "hellohello"},
		{"touch /config/outer/z && ls /nested/z", "/nested/z\n"},
		{"touch /config/z 2>&- || echo read-only", "read-only\n"},
	} {
		r, err := b.c.Exec(t.Context(), ExecRequest{Pod: "web", Argv: []string{"/bin/sh", "-c", tt.script}})
		if err != nil || r.Code != 0 || string(r.Stdout) != tt.want {
			t.Errorf("%s: %q and %q, %v; want %q", tt.script, r.Stdout, r.Stderr, err, tt.want)
		}
	}
}
