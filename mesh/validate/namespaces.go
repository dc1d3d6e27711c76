package validate

import (
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
)

var namespaceLookups = []*Lookup{settlers}

// exporters are the kinds that say in exportTo who sees them.
var exporters = []mesh.Kind{mesh.KindVirtualService, mesh.KindDestinationRule, mesh.KindServiceEntry}

// settled are the kinds by whose objects a namespace is known.
var settled = append(slices.Clone(exporters),
	mesh.KindNamespace, mesh.KindService, mesh.KindServiceAccount, mesh.KindPod,
	mesh.KindDeployment, mesh.KindDaemonSet, mesh.KindStatefulSet, mesh.KindRollout, mesh.KindJob, mesh.KindCronJob,
	mesh.KindWorkloadEntry, mesh.KindWorkloadGroup, mesh.KindSidecar, mesh.KindGateway)

// settlers finds what makes a namespace known, by its name: the Namespace itself,
// or something that lives there.
var settlers = &Lookup{Name: "settlers of a namespace", Kinds: settled, Values: func(_ mesh.Settings, o *mesh.Object) []string {
	if o.Kind == mesh.KindNamespace {
		return []string{o.Name}
	}
	return []string{o.Namespace}
}}

// namespaceKnown reports whether there is such a namespace. What calls it reads
// the kinds of settled.
func namespaceKnown(x *Index, name string) bool {
	return name == x.Settings().RootNamespace || len(x.By(settlers, name)) > 0
}

// audience is who sees an object by its exportTo.
type audience struct {
	all        bool
	namespaces []string
}

func audienceOf(o *mesh.Object, exportTo []string) audience {
	if len(exportTo) == 0 {
		return audience{all: true}
	}
	var a audience
	for _, ns := range exportTo {
		switch ns {
		case "*":
			a.all = true
		case ".":
			a.namespaces = append(a.namespaces, o.Namespace)
		case "~":
		default:
			a.namespaces = append(a.namespaces, ns)
		}
	}
	return a
}

// meets reports whether somebody sees both.
func (a audience) meets(b audience) bool {
	switch {
	case a.all:
		return b.all || len(b.namespaces) > 0
	case b.all:
		return len(a.namespaces) > 0
	}
	return slices.ContainsFunc(a.namespaces, func(ns string) bool { return slices.Contains(b.namespaces, ns) })
}

// exportedNowhere finds namespaces in exportTo that do not exist.
func exportedNowhere(x *Index, o *mesh.Object, _ Evidence) []Found {
	s, ok := o.Spec.(interface{ GetExportTo() []string })
	if !ok {
		return nil
	}
	var out []Found
	spell := spellingOf(x)
	for i, ns := range s.GetExportTo() {
		if ns == "*" || ns == "." || ns == "~" || namespaceKnown(x, ns) {
			continue
		}
		f := found(o, fmt.Sprintf("spec.exportTo[%d]", i), "namespace", ns)
		spell.correct(&f, ns, spell.namesOf(mesh.KindNamespace, ""), func(word string) bool { return !slices.Contains(s.GetExportTo(), word) }, nil)
		out = append(out, f)
	}
	return out
}
