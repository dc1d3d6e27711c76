package api

import (
	"slices"
	"strings"
	"testing"
)

// A value of another type is put right by one replacement, with its quotes.
func TestCheckRetypes(t *testing.T) {
	text := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: default}\n" +
		"spec: {hosts: cart, http: [{timeout: 5, route: [{destination: {host: cart}, weight: '100'}]}]}\n"
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	answer := askCheck(t, h, true, Manifest{File: "a.yaml", Text: text})
	for _, f := range slices.Backward(answer.Findings) { // from the end, so that offsets stay true
		for _, s := range f.Splices {
			text = applySplice(text, s)
		}
	}
	if !strings.HasSuffix(text, "spec: {hosts: [cart], http: [{timeout: 5s, route: [{destination: {host: cart}, weight: 100}]}]}\n") {
		t.Errorf("became %s of %+v", text, answer.Findings)
	}
}
