package config_test

import (
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestWrap(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "shop", UID: "u1", Labels: map[string]string{"app": "a"}}}
	first, err := config.Wrap(pod)
	if err != nil {
		t.Fatal(err)
	}
	want := mesh.Ref{Kind: mesh.KindPod, Namespace: "shop", Name: "a"}
	if first.Ref != want || first.UID != "u1" || first.Spec != pod || first.Version == "" || first.Hash.IsZero() {
		t.Errorf("%+v", first)
	}
	running := pod.DeepCopy()
	running.Status.Phase = corev1.PodRunning
	second, err := config.Wrap(running)
	if err != nil {
		t.Fatal(err)
	}
	if second.Hash != first.Hash {
		t.Error("the hash covers status")
	}
	if second.Version == first.Version {
		t.Error("the version does not cover status")
	}
	if _, err := config.Wrap(&corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "b"}}); err == nil {
		t.Error("an unknown kind was wrapped")
	}
	if _, err := config.Wrap(&corev1.Pod{}); err == nil {
		t.Error("a pod without a namespace was wrapped")
	}
	shown, err := config.JSON(second)
	if err != nil || !strings.Contains(string(shown), `"phase":"Running"`) {
		t.Errorf("%s, %v", shown, err)
	}
}

func TestHashCoversContentAlone(t *testing.T) {
	const text = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: a}\n"
	base := config.Decode("a", []byte(text)).Objects[0]
	for change, same := range map[string]bool{
		strings.Replace(text, "/v1\n", "/v1beta1\n", 1):                            true,
		"# comment\n" + text:                                                       true,
		text + "status: {x: 1}\n":                                                  true,
		strings.Replace(text, "{name: a}", "{name: a, namespace: default}", 1):     true,
		strings.Replace(text, "{host: a}", "{host: b}", 1):                         false,
		strings.Replace(text, "{name: a}", "{name: b}", 1):                         false,
		strings.Replace(text, "{name: a}", "{name: a, labels: {a: b}}", 1):         false,
		strings.Replace(text, "{name: a}", "{name: a, annotations: {a: b}}", 1):    false,
		strings.Replace(text, "{name: a}", `{name: a, labels: {a: ""}}`, 1):        false,
		strings.Replace(text, "{host: a}", "{host: a, subsets: [{name: x}]}", 1):   false,
		strings.Replace(text, "{name: a}", "{name: a, namespace: other}", 1):       false,
		strings.Replace(text, "{host: a}", "{host: a, exportTo: []}", 1):           true,
		strings.Replace(text, "{host: a}", "{\"host\": \"a\"}", 1):                 true,
		strings.Replace(text, "{name: a}", "{name: a, resourceVersion: \"5\"}", 1): true,
	} {
		r := config.Decode("b", []byte(change))
		if len(r.Objects) != 1 {
			t.Errorf("%s: %v", change, r.Problems)
			continue
		}
		if got := r.Objects[0].Hash == base.Hash; got != same {
			t.Errorf("equal hash %v, want %v:\n%s", got, same, change)
		}
		if r.Objects[0].Version == base.Version {
			t.Errorf("equal version:\n%s", change)
		}
	}
}

func TestNew(t *testing.T) {
	ref := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "shop", Name: "a"}
	o, err := config.New(ref, &networking.VirtualService{Hosts: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: a\n  namespace: shop\nspec:\n  hosts:\n  - a\n"
	if string(o.Text) != want {
		t.Errorf("text is\n%s", o.Text)
	}
	if _, err := config.New(ref, &networking.Gateway{}); err == nil {
		t.Error("a VirtualService was made of a Gateway")
	}
	spec, err := config.SpecJSON(o)
	if err != nil || string(spec) != `{"hosts":["a"]}` {
		t.Errorf("spec is %s, %v", spec, err)
	}
}

func TestEncodeQuotes(t *testing.T) {
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"yes\", b: \"1e3\", c: \"~\", d: \"0644\", e: \"line\\nline\\n\", f: \" x\", g: \"2001-01-01\", h: \"1:30\"}\n"
	o := config.Decode("a", []byte(text)).Objects[0]
	out, err := config.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	again := config.Decode("b", out)
	if len(again.Objects) != 1 || again.Objects[0].Hash != o.Hash {
		t.Errorf("written as\n%s\n%v", out, again.Problems)
	}
}
