package file

import (
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

func TestObjectsAreAsFreshAsTheLastWrite(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ref := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	const text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}\n"
	for range 3 {
		if err := s.Apply(t.Context(), []source.Change{{Ref: ref, Text: []byte(text), From: "reviews.yaml"}}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Objects(t.Context())
		if err != nil || len(got) != 1 || got[0].Ref != ref || got[0].Origin.From != "reviews.yaml" {
			t.Fatalf("after writing: %v, %v", got, err)
		}
		if err := s.Apply(t.Context(), []source.Change{{Ref: ref, Expect: got[0].Version}}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Objects(t.Context()); err != nil || len(got) != 0 {
			t.Fatalf("after deleting: %v, %v", got, err)
		}
	}
}
