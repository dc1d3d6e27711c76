package scope

import (
	"slices"
	"strings"
)

// export is the set of namespaces that may see an object.
type export struct {
	all        bool
	namespaces []string
}

// exportOf reads an exportTo list; an empty one is public.
func exportOf(exportTo []string, own string) export {
	if len(exportTo) == 0 {
		return export{all: true}
	}
	var e export
	for _, ns := range exportTo {
		switch ns = strings.TrimSpace(ns); ns {
		case "*":
			e.all = true
		case ".":
			e.namespaces = append(e.namespaces, own)
		case "~", "":
		default:
			e.namespaces = append(e.namespaces, ns)
		}
	}
	return e
}

func (e export) to(namespace string) bool {
	return e.all || slices.Contains(e.namespaces, namespace)
}
